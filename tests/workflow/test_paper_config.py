"""config/public and config/paper: complete, in step with the tables, and planned at real size in seconds."""

import csv
import re

import plan_paper
import pytest
import yaml


def table(repository, name):
    with open(repository / "resources" / name, encoding="utf-8") as handle:
        return list(csv.DictReader((line for line in handle if not line.startswith("#")), delimiter="\t"))


def overlay(repository, which):
    return yaml.safe_load((repository / f"config/{which}/config.yaml").read_text())


@pytest.mark.parametrize(("which", "preset"), [("public", "tcga-gtex"), ("paper", "paper")])
def test_runs_are_those_of_the_presets(repository, which, preset):
    presets = yaml.safe_load((repository / f"config/presets/{preset}.yaml").read_text())
    assert overlay(repository, which)["pretrain"]["runs"] == {preset: presets["pretrain"]["runs"][preset]}


@pytest.mark.parametrize("which", ["public", "paper"])
def test_models_and_cohorts_are_those_of_the_tables(repository, which):
    embed = overlay(repository, which)["embed"]
    published = table(repository, "published/models.tsv")
    assert embed["use"] == [row["model"] for row in published]
    for row in published:
        model = embed["models"][row["model"]]
        assert model["kind"] == row["kind"]
        assert model.get("encoder", "conch_v15") == row["patch_encoder"]
        grid = overlay(repository, which)["tiles"]["grids"][model.get("grid", "main")]
        assert grid["patch_size"] == int(row["patch_size"])
    rows = [row for row in table(repository, "tasks/cohorts.tsv") if row["access"] == "public"]
    assert embed["cohorts"] == [name for row in rows for name in row["in_sheet"].split(", ")]


@pytest.mark.parametrize("which", ["public", "paper"])
def test_fine_tuned_models_are_the_papers_but_one(repository, which):
    config = overlay(repository, which)
    finetune = config["probe"]["finetune"]
    tuned = {*finetune["use"], *finetune["models"]}
    published = {row["model"] for row in table(repository, "published/fine_tuning.tsv")}
    assert published - tuned == {"gigapath"}
    assert tuned <= published
    assert config["embed"]["models"]["threads-random"]["run"] == config["embed"]["models"]["threads"]["run"]


def test_an_empty_folder_gets_a_message_on_what_to_put_there(repository, snakemake_in, tmp_path):
    config = repository / "config/public/config.yaml"
    done = snakemake_in(tmp_path, repository / "workflow/Snakefile", "--configfile", config, "--dry-run")
    assert done.returncode == 1
    assert "Traceback" not in done.stdout
    assert re.search(r"slides\.tsv: no such file\n\s+-> .*config/public/README\.md", done.stdout)
    assert re.search(r"profiles\.tsv: no such file\n\s+-> .*config/public/README\.md", done.stdout)
    for model in ("prism", "gigapath", "chief"):
        assert f"embed/models/{model}/weights: no such file" in done.stdout


def test_no_page_gives_a_target_after_configfile(repository):
    """There Snakemake takes it for one more config file."""
    pages = [repository / "README.md", *(repository / "config").rglob("*.md"), *(repository / "workflow").rglob("*.md")]
    lines_of = {
        page.name: re.findall(r"--configfile(?: \S+\.yaml)++ \w[^`\n]*", page.read_text())
        for page in pages
        if ".snakemake" not in page.parts
    }
    assert not {name: lines for name, lines in lines_of.items() if lines}


@pytest.fixture
def benchmark(project):
    """A project whose one task is the paper's MBC--Recist, out of a folder of splits."""
    project.config["probe"] = {"benchmark": "splits", "use": ["natbrca--lymphovascular_invasion"]}
    project.write()
    folder = project.folder / "splits/natbrca"
    folder.mkdir(parents=True)
    (project.folder / "tasks/grade").rename(folder / "lymphovascular_invasion")
    return project


def test_a_task_of_the_benchmark_needs_no_entry(benchmark):
    done = benchmark.snakemake("probe", "--dry-run")
    assert done.returncode == 0, done.stdout
    assert "results/probe/mean/natbrca--lymphovascular_invasion/frozen/metrics.tsv" in done.stdout


def test_a_model_with_a_name_of_the_papers_is_compared_with_it(benchmark):
    plain = benchmark.snakemake("report", "--dry-run")
    assert plain.returncode == 0, plain.stdout
    assert "results/tables/published.html" in plain.stdout  # the model `threads` has its name already
    benchmark.config["report"] = {"published": {"mean": "mean-conch_v16"}}
    (benchmark.folder / "config.yaml").write_text(yaml.safe_dump(benchmark.config))
    message = benchmark.refusal()
    assert "report/published/mean: no model of the paper is called 'mean-conch_v16'" in message
    assert "mean-conch_v15" in message


def test_the_rule_joins_metrics_with_the_papers_scores(benchmark):
    """The rules and their scripts on a table of metrics as probing writes it."""
    benchmark.config["report"] = {"published": {"mean": "mean-conch_v15"}, "note": "synthetic"}
    (benchmark.folder / "config.yaml").write_text(yaml.safe_dump(benchmark.config))
    head = "task family model group protocol shots metric mean se lower upper interval n_folds n_fits n_failed n_empty"
    row = "natbrca--lymphovascular_invasion x mean frozen logistic 0 macro-ovr-auc 0.7 0.01 0.6 0.8 i 50 50 0 0 40"
    lines = [f"{head} n_train n_test primary n_samples n_missing chance p_permuted", f"{row} 10 1 50 0 0.5 0.05"]
    tables = benchmark.folder / "results/tables"
    tables.mkdir(parents=True)
    (tables / "metrics.tsv").write_text("\n".join(line.replace(" ", "\t") for line in lines) + "\n")
    targets = ["results/tables/published.html", "results/figures/published.svg"]
    rules = ["--allowed-rules", "compare_published", "plot_figure"]
    done = benchmark.snakemake(*targets, *rules, "--cores", "1")
    assert done.returncode == 0, done.stdout
    rows = list(csv.DictReader((tables / "published.tsv").read_text().splitlines(), delimiter="\t"))
    assert [(row["published"], row["measured"], row["covered"]) for row in rows] == [("0.654", "0.7", "yes")]
    assert "synthetic" in (tables / "published.html").read_text()
    assert "Treatment response and survival" in (benchmark.folder / "results/figures/published.svg").read_text()


def test_all_public_tasks_by_one_word_and_one_problem_for_the_absent_ones(benchmark):
    benchmark.config["probe"]["use"] = ["public"]
    (benchmark.folder / "config.yaml").write_text(yaml.safe_dump(benchmark.config))
    message = benchmark.refusal()
    assert "1 problem in config and sheets" in message
    assert "of 42 tasks: ebrains--diagnosis," in message  # 41, and cptac_all--organ for retrieval
    assert "hf download MahmoodLab/Patho-Bench" in message


def test_groups_of_the_benchmark_are_chosen_by_one_key(benchmark):
    benchmark.config["probe"] |= {"benchmark_groups": ["finetune"], "finetune": {"use": ["threads"]}}
    (benchmark.folder / "config.yaml").write_text(yaml.safe_dump(benchmark.config))
    done = benchmark.snakemake("probe", "--dry-run")
    assert done.returncode == 0, done.stdout
    probed = set(re.findall(r"results/probe/(\S+)/metrics\.tsv", done.stdout))
    assert probed == {"threads/natbrca--lymphovascular_invasion/finetune"}


def test_a_model_can_be_fine_tuned_without_being_probed(benchmark):
    benchmark.config["embed"]["models"]["untrained"] = {"kind": "random", "run": "one"}
    finetune = {"use": ["untrained"], "models": {"abmil": {"kind": "abmil", "grid": "main", "encoder": "tiny"}}}
    benchmark.config["probe"] |= {"benchmark_groups": ["frozen", "finetune"], "finetune": finetune}
    (benchmark.folder / "config.yaml").write_text(yaml.safe_dump(benchmark.config))
    done = benchmark.snakemake("report", "--dry-run")
    assert done.returncode == 0, done.stdout
    probed = set(re.findall(r"results/probe/(\S+)/natbrca--lymphovascular_invasion/(\S+)/metrics\.tsv", done.stdout))
    assert probed == {("mean", "frozen"), ("threads", "frozen"), ("untrained", "finetune"), ("abmil", "finetune")}
    finetune["use"] = ["mean"]
    (benchmark.folder / "config.yaml").write_text(yaml.safe_dump(benchmark.config))
    assert "probe/finetune/use: mean is of kind mean, which can't be fine-tuned" in benchmark.refusal()


def test_public_means_the_papers_transfers_prompts_and_clusters(benchmark):
    further = {name: {"use": ["public"]} for name in ("transfer", "prompt", "cluster")}
    benchmark.config["probe"] |= further
    (benchmark.folder / "config.yaml").write_text(yaml.safe_dump(benchmark.config))
    message = benchmark.refusal()
    assert "2 problems in config and sheets" in message
    # Both sides of two transfers, the test sides of the other five and of one more prompt, and two to cluster.
    assert re.search(r"splits has no <source>/<task>/k=all\.tsv of 12 tasks: cptac_ccrcc--BAP1_mutation,", message)
    assert re.search(r"of 6 tasks: tcga_gbmlgg--idh_status, tcga_brca--er, tcga_brca--pr, …\n.*README", message)


def test_the_word_means_nothing_without_a_folder(project):
    project.config["probe"]["use"] = ["public"]
    project.write()
    assert "no task is called 'public'" in project.refusal()


def test_models_are_embedded_and_encoded_where_their_cohorts_are(project):
    for i, row in enumerate(project.slides):
        row["cohort"] = "A" if i < 4 else "B"
    for i, row in enumerate(project.profiles):
        row |= {"case_id": f"C{i}"}
    for row, i in zip(project.splits, (4, 5, 6, 7), strict=True):
        row |= {"case_id": f"C{i}", "slide_id": f"S{i}"}
    project.config["slides"]["slides_per_job"] = 2
    project.config["tiles"]["grids"]["other"] = {"patch_size": 128}
    project.config["embed"]["models"]["mean"]["grid"] = "other"
    project.config["embed"]["cohorts"] = ["B"]
    project.write()
    done = project.snakemake("--dry-run")
    assert done.returncode == 0, done.stdout
    outputs = set(re.findall(r"results/(\S+/0000\d\.\w+)", done.stdout))
    shards = {
        name: sorted(path[-9:-4] for path in outputs if path.startswith(f"{name}/")) for name in made_folders(outputs)
    }
    assert shards["slides"] == shards["tissue"] == ["00000", "00001", "00002", "00003"]
    # The run trains on A and its model embeds B; the baseline's grid is needed for B alone.
    assert shards["features/20x_256px_0px_overlap/tiny"] == ["00000", "00001", "00002", "00003"]
    assert shards["features/20x_128px_0px_overlap/tiny"] == ["00002", "00003"]
    assert shards["tiles/20x_128px_0px_overlap"] == ["00002", "00003"]
    assert set(shards["pretrain/store/20x_256px_0px_overlap/tiny"]) == {"00000", "00001"}


def test_a_part_of_a_cohort_is_embedded_by_its_project(project):
    for i, row in enumerate(project.slides):
        row |= {"cohort": "A" if i < 6 else "B", "project": "A-ONE" if 2 <= i < 4 else ""}
    for i, row in enumerate(project.profiles):
        row |= {"case_id": f"C{i}"}
    for row, i in zip(project.splits, (4, 5, 6, 7), strict=True):
        row |= {"case_id": f"C{i}", "slide_id": f"S{i}"}
    project.config["slides"]["slides_per_job"] = 2
    project.config["tiles"]["grids"]["other"] = {"patch_size": 128}
    project.config["embed"]["models"]["mean"]["grid"] = "other"
    project.config["embed"]["cohorts"] = ["B", "A-ONE"]
    project.write()
    message = r"row 2, column slide_id: S4 and 1 more slides are of no cohort or project in embed/cohorts"
    assert re.search(message, project.refusal())  # two of the task's cases are neither in B nor in the project
    done = project.snakemake("--dry-run", "--config", "probe={missing: skip}")
    assert done.returncode == 0, done.stdout
    shards = set(re.findall(r"results/features/20x_128px_0px_overlap/tiny/(\d+)\.tsv", done.stdout))
    assert shards == {"00001", "00003"}


def made_folders(paths):
    return {path.rsplit("/", 1)[0] for path in paths}


def test_unknown_cohort_to_embed(project):
    project.config["embed"]["cohorts"] = ["Z"]
    project.write()
    assert "embed/cohorts: no cohort or project of slides.tsv is called 'Z'" in project.refusal()


@pytest.mark.slow
@pytest.mark.parametrize(("which", "slides"), [("public", 19716 + 23161 + 400), ("paper", 47171 + 23161 + 400)])
def test_planned_at_real_size(tmp_path, which, slides):
    assert plan_paper.write_project(tmp_path, which) == slides
    _, _, megabytes, jobs, _ = plan_paper.dry_run(tmp_path, which)
    few_shot, retrieval = 7, 3
    assert jobs["probe_task"] == (42 + few_shot + retrieval) * 8
    assert jobs["finetune_task"] == 42 * 4
    assert (jobs["transfer_task"], jobs["prompt_task"], jobs["cluster_task"]) == (7 * 8, 2 * 8, 2 * 8)
    assert jobs["inspect_slides"] == -(-slides // 256)
    assert megabytes < 2000
