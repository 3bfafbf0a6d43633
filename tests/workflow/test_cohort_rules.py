"""Which tables and figures of the cohort a plan has: curves where runs differ, maps of what was trained."""

import copy
import re

SCALING = "results/tables/scaling.tsv"


def planned(project, *arguments) -> str:
    project.write()
    done = project.snakemake("--dry-run", *arguments)
    assert done.returncode == 0, done.stdout
    return done.stdout


def add_run(project, name: str, **changed) -> None:
    """A run like the first one except for what is changed, and a model of it in use."""
    runs, models = project.config["pretrain"]["runs"], project.config["embed"]
    runs[name] = copy.deepcopy(runs["one"]) | changed
    models["models"][f"threads-{name}"] = {"kind": "threads", "run": name}
    models["use"] = [*models["use"], f"threads-{name}"]


def test_tables_of_one_run_and_no_curve(project):
    add_run(project, "seed", training={"seed": 1, "batch_size": 100})
    plan = planned(project)
    rules = dict(re.findall(r"^(\w+) +(\d+)$", plan, re.M))
    expected = {"describe_tasks": "1", "list_run_slides": "2", "map_slides": "2"}
    assert {name: rules.get(name) for name in expected} == expected
    for name in ("sites", "settings", "datasets"):
        assert f"results/tables/{name}.tsv" in plan
    assert SCALING not in plan


def test_a_curve_where_runs_differ_in_nothing_else(project):
    add_run(project, "half", fraction=0.5)
    assert SCALING in planned(project)
    project.config["pretrain"]["runs"]["half"]["training"] = {"patches": 64}
    assert SCALING not in planned(project)


def test_a_curve_of_slide_encoders(project):
    add_run(project, "heads", slide_encoder={"heads": 4})
    assert SCALING in planned(project)


def test_slides_that_no_task_needs_are_embedded_for_the_map_alone(project):
    assert "/pretraining/" not in planned(project)
    project.config["embed"]["cohorts"] = ["B"]
    project.config["slides"]["slides_per_job"] = 4
    plan = planned(project)
    blocks = set(re.findall(r"results/embed/(\w+/pretraining/\w+)\.h5", plan))
    assert blocks == {"threads/pretraining/00000", "threads/pretraining/00001"}
