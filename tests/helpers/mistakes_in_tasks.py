"""Mistakes of users in tasks, protocols and models: how a valid project is spoiled, and what the message must say."""

import yaml


def spoil_pair(project, protocol, rows_of, **settings):
    """Two tasks joined by a protocol; rows_of makes the second's rows of the first's."""
    project.config["probe"]["tasks"]["there--grade"] = {"path": "tasks/second"}
    project.config["probe"][protocol] = {"tasks": {"here==there--grade": {}}, "use": ["here==there--grade"]}
    folder = project.folder / "tasks/second"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(project.task | settings))
    rows = rows_of(project.splits) or [project.splits[0] | {"case_id": "C9"}]
    lines = ["\t".join(rows[0]), *("\t".join(str(value) for value in row.values()) for row in rows)]
    (folder / "k=all.tsv").write_text("\n".join(lines) + "\n")


def predict_numbers(project, **probe):
    """The project's task predicts a number."""
    project.task = {"task_col": "grade", "sample_col": "case_id", "task_type": "regression", "metrics": ["r2"]}
    project.config["probe"]["tasks"]["here--grade"]["groups"] = ["frozen"]
    for row in project.splits:
        row["grade"] = 1.5
    project.config["probe"].update(probe)


EXPRESSION = {"model": "mean", "task": "here--grade", "group": "finetune", "split": "half", "class": 1, "min_counts": 9}


# As in mistakes.py.
IN_TASKS = {
    "task folder without files": (
        lambda p: p.config["probe"]["tasks"]["here--grade"].update(path="tasks/none"),
        ["config, key probe/tasks/here--grade/path: no such file: tasks/none/config.yaml"],
    ),
    "label column that is not there": (
        lambda p: p.task.update(task_col="stage"),
        ["tasks/grade/k=all.tsv, header, column stage: the task's config.yaml names it", "correct task_col"],
    ),
    "label without a name": (
        lambda p: p.splits[2].update(grade=7),
        ["tasks/grade/k=all.tsv, row 4, column grade: label '7' is not in label_dict", "one of: 0, 1"],
    ),
    "two labels of one case": (
        lambda p: p.splits.append(p.splits[0] | {"grade": 1 - int(p.splits[0]["grade"])}),
        ["tasks/grade/k=all.tsv, row 6, column grade: case_id C1 has", "in row 2", "make rows of one case_id agree"],
    ),
    "two folds of one case": (
        lambda p: p.splits.append(p.splits[0] | {"fold_0": "-1"}),
        ["column fold_0: case_id C1 has '-1', and "],
    ),
    "table without rows": (
        lambda p: p.texts.update({"tasks/grade/k=all.tsv": "case_id\tslide_id\tgrade\tfold_0\n"}),
        ["tasks/grade/k=all.tsv: no row below the header", "write a row for each slide or case"],
    ),
    "metric that there isn't": (
        lambda p: p.task.update(metrics=["bacc", "auc"]),
        ["tasks/grade/config.yaml, key metrics/1: 'auc' is no metric of classes", "one of: macro-ovr-auc, bacc"],
    ),
    "two classes of one name": (
        lambda p: p.task.update(label_dict={0: "low", 1: "low"}),
        ["tasks/grade/config.yaml, key label_dict/1: the class is called 'low', as that of 0 is"],
    ),
    "codes that only look like integers": (
        lambda p: p.task.update(label_dict={0: "low", 1: "high", "²": "higher", "--1": "lower", "1.0": "same"}),
        [
            "tasks/grade/config.yaml, key label_dict/²: '²' looks like a number and is no integer",
            "key label_dict/--1: '--1' looks like",
            "key label_dict/1.0: '1.0' looks like",
        ],
    ),
    "case without slides": (
        lambda p: p.splits[0].update(case_id="C99"),
        ["tasks/grade/k=all.tsv, row 2, column case_id: case 'C99' is not in slides.tsv"],
    ),
    "pretraining case on a test side": (
        lambda p: p.splits[3].update(case_id="C2"),
        [
            "tasks/grade/k=all.tsv, row 5, column fold_0: case C2 is on the test side of here--grade, and run one",
            "take its cohort out of the run, or the case out of the test side",
        ],
    ),
    "case on both sides of a fold": (
        lambda p: p.splits[3].update(case_id="C1"),
        [
            "tasks/grade/k=all.tsv, row 5, column fold_0: case C1 is on both sides of fold_0",
            "put all slides of a case on one side",
        ],
    ),
    "case on both sides of a fold, slide by slide": (
        lambda p: (p.task.update(sample_col="slide_id"), p.splits[3].update(case_id="C1")),
        [
            "tasks/grade/k=all.tsv, row 5, column fold_0: case C1 is on both sides of fold_0",
            "or set allow_case_overlap: true in tasks/grade/config.yaml",
        ],
    ),
    "overlap allowed of a task of cases": (
        lambda p: (p.task.update(allow_case_overlap=True), p.splits[3].update(case_id="C1")),
        ["tasks/grade/config.yaml, key allow_case_overlap: the task predicts for cases", "set sample_col: slide_id"],
    ),
    "transfer between tasks that are not there": (
        lambda p: p.config["probe"].update(transfer={"tasks": {"far==here--grade": {}}, "use": ["far==here--grade"]}),
        ["config, key probe/transfer/tasks/far==here--grade/train: no task is called 'far--grade'", "here--grade"],
    ),
    "transfer without two sources": (
        lambda p: p.config["probe"].update(transfer={"tasks": {"here--grade": {}}, "use": ["here--grade"]}),
        ["config, key probe/transfer/tasks: 'here--grade' does not match"],
    ),
    "case on both sides of a transfer": (
        lambda p: spoil_pair(p, "transfer", lambda rows: rows),
        ["tasks/grade/k=all.tsv, row 2, column case_id: case C1 is in here--grade and in there--grade", "out of one"],
    ),
    "prompts tested on a case of pretraining": (
        lambda p: spoil_pair(p, "prompt", lambda rows: [rows[0] | {"case_id": "C2", "slide_id": "S2"}]),
        [
            "tasks/second/k=all.tsv, row 2, column case_id: case C2 is on the test side of there--grade, and run one "
            "trains on it",
            "or name it in omics/allow_leakage",
        ],
    ),
    "transfer to a slide that is not there": (
        lambda p: spoil_pair(p, "transfer", lambda rows: [rows[0] | {"case_id": "C99", "slide_id": "S99"}]),
        ["tasks/second/k=all.tsv, row 2, column slide_id: slide 'S99' is not in slides.tsv", "probe/missing: skip"],
    ),
    "transfer to other classes": (
        lambda p: spoil_pair(p, "transfer", lambda rows: [], label_dict={0: "none", 1: "some"}),
        ["config, key probe/transfer/tasks/here==there--grade: classes ['high', 'low'] and ['none', 'some']"],
    ),
    "clusters of an unknown task": (
        lambda p: p.config["probe"].update(cluster={"use": ["here--size"]}),
        ["config, key probe/cluster/use: no task is called 'here--size'", "here--grade"],
    ),
    "nothing that can be fine-tuned": (
        lambda p: (
            p.config["embed"].update(use=["mean"]),
            p.config["probe"]["tasks"]["here--grade"].update(groups=["finetune"]),
        ),
        ["config, key probe/tasks: a task has group finetune, and no model in use can be", "probe/finetune/models"],
    ),
    "supervised model on a grid that is not there": (
        lambda p: (
            p.config["probe"].update(finetune={"models": {"sup": {"kind": "abmil", "grid": "x", "encoder": "tiny"}}}),
            p.config["probe"]["tasks"]["here--grade"].update(groups=["finetune"]),
        ),
        ["config, key probe/finetune/models/sup/grid: no grid is called 'x'", "use one of: main"],
    ),
    "gene sets of files that are not there": (
        lambda p: p.config["probe"].update(gene_sets={"files": ["sets.gmt"]}),
        ["config, key probe/gene_sets/files: no such file: sets.gmt"],
    ),
    "gene sets of models, cohorts and slides that there aren't": (
        lambda p: p.config["probe"].update(
            gene_sets={"files": ["slides.tsv"], "models": ["x"], "support": ["Z"], "slides": ["S99"]}
        ),
        [
            "config, key probe/gene_sets/models: no model in use is called 'x'",
            "config, key probe/gene_sets/support: no cohort with rna profiles is called 'Z'",
            "config, key probe/gene_sets/slides: no embedded slide is called 'S99'",
        ],
    ),
    "gene sets without files": (
        lambda p: p.config["probe"].update(gene_sets={"models": ["mean"]}),
        ["config, key probe/gene_sets/models: nothing reads it: files is empty", "name .gmt files"],
    ),
    "genes of a model without an expression branch": (
        lambda p: p.config["probe"].update(genes=[{"model": "mean", "task": "here--grade"}]),
        ["config, key probe/genes: mean has no expression branch", "kind threads"],
    ),
    "genes of a task that predicts a number": (
        lambda p: predict_numbers(p, genes=[{"model": "mean", "task": "here--grade"}]),
        ["config, key probe/genes: here--grade predicts a number", "name a task of classes or survival"],
    ),
    "expression by a task that predicts a number": (
        lambda p: predict_numbers(p, expression=[EXPRESSION | {"group": "frozen"}]),
        ["config, key probe/expression: here--grade predicts a number", "name a task of classes or survival"],
    ),
    "a transfer between tasks that predict numbers": (
        lambda p: (predict_numbers(p), spoil_pair(p, "transfer", lambda rows: [])),
        [
            "here--grade predicts a number, and transfer, prompt or cluster needs classes",
            "config, key probe/transfer/tasks/here==there--grade: classes [] and []",
        ],
    ),
    "expression by a group that is not run": (
        lambda p: p.config["probe"].update(expression=[EXPRESSION]),
        ["config, key probe/expression: here--grade has no group finetune", "add it to the task's groups"],
    ),
    "expression twice": (
        lambda p: p.config["probe"].update(expression=[EXPRESSION | {"group": "frozen"}] * 2),
        ["config, key probe/expression: mean, here--grade, frozen occurs twice", "keep one"],
    ),
}
