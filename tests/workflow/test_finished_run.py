"""A run that another study trained, as a model of a study that has neither its run nor its profiles."""

import json
import shutil

import pyarrow.parquet
import pytest
from described import HIDDEN, SCHEMA, read_schema, undescribed
from molpath.common.files import read_tsv
from molpath.export.described import find_tables, read_tables
from molpath.pretrain.artefacts import export

from .small_cohort import ENCODER, run

FILES = ("slides.h5ad", "cases.h5ad", "attention.h5")
#: A task of the cases that the run trained on, whose files a rule makes.
TASK = "synthetic_a--subtype"


def share(cohort, target, layout):
    """The run's folder, or its export in the hub's layout."""
    trained = cohort / "results/pretrain/runs/one"
    if layout == "run":
        shutil.copytree(trained, target)
    else:
        export(str(trained), str(target))


def other_study(cohort, copy, shared):
    """A copy of the cohort without the stages that molecular data have a part in; returns its config."""
    shutil.copytree(cohort, copy)
    for stage in ("pretrain", "omics", "embed"):
        shutil.rmtree(copy / "results" / stage)
    config = json.loads((cohort / "config.json").read_text())
    kept = {key: config[key] for key in ("slides", "features")}
    kept["tiles"] = {"grids": {"theirs": config["tiles"]["grids"]["main"]}}
    model = {"kind": "threads", "path": str(shared), "grid": "theirs", "encoder": ENCODER}
    kept["embed"] = {"models": {"threads-s0": model}, "use": ["threads-s0"], "attention": config["embed"]["attention"]}
    (copy / "config.json").write_text(json.dumps(kept))
    return kept


def names_in(path) -> list[str]:
    """The columns of a table."""
    if path.suffix == ".parquet":
        return pyarrow.parquet.read_schema(path).names
    return path.read_text(encoding="utf-8").partition("\n")[0].split("\t")


def test_every_column_of_every_table_is_described(cohort):
    """By workflow/schemas/results.yaml; <model>, <label> and the like are names of the config or of a sheet."""
    config = json.loads((cohort / "config.json").read_text())
    free = {*config["embed"]["models"], *config["probe"]["finetune"]["models"], "threads", "random"}
    free |= set(read_tsv(cohort / "slides.tsv"))
    tasks = [read_tsv(path) for path in cohort.rglob("k=all.tsv") if "results" not in path.parts]
    free |= {column for table in tasks for column in table}
    schema, tables = read_schema(), []
    for path in sorted((cohort / "results").rglob("*")):
        place = path.relative_to(cohort / "results").as_posix()
        if path.suffix in (".tsv", ".parquet") and not HIDDEN.search(place):
            tables.append((place, names_in(path)))
    assert len(tables) > 100
    assert [wrong for place, names in tables for wrong in undescribed(place, names, schema, free)] == []


def test_columns_of_numbers_are_typed_as_such(cohort):
    """What results.yaml leaves as text holds no numbers alone, except words that happen to be digits in this run."""
    results, wrong = cohort / "results", set()
    for path, _, table in find_tables(results, read_tables(SCHEMA)):
        for name, cells in read_tsv(results / path).items() if path.endswith(".tsv") else ():
            filled = [cell for cell in cells if cell]
            if filled and name in table.columns and table.kind(name) == "text" and all(map(is_number, filled)):
                wrong.add(f"{table.name}: {name}")
    words = {"pretrain-runs-history: kept", "probe-summary: p_permuted", "tables-omics: value"}
    assert wrong <= words | {"tables-settings: uncertain"}


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("layout", ["run", "hub"])
def test_a_run_folder_gives_the_same_embeddings_byte_for_byte(cohort, code, tmp_path, layout):
    """The other study calls the grid otherwise, and it trains nothing; a moved folder embeds nothing again."""
    copy, shared = tmp_path / "other", tmp_path / "shared"
    share(cohort, shared, layout)
    config = other_study(cohort, copy, shared)
    done = run(copy, code, "embed")
    assert done.returncode == 0, done.stdout[-6000:]
    assert not (copy / "results/pretrain").exists()
    for name in FILES:
        path = f"results/embed/threads-s0/{name}"
        assert (copy / path).read_bytes() == (cohort / path).read_bytes(), name
    if layout == "run":
        config["embed"]["models"]["threads-s0"]["path"] = str(shared.rename(tmp_path / "moved"))
        (copy / "config.json").write_text(json.dumps(config))
        shutil.rmtree(copy / "results/logs/embed")
        again = run(copy, code, "embed")
        assert again.returncode == 0, again.stdout[-6000:]
        logs = {path: path.read_text() for path in (copy / "results/logs/embed/threads-s0/slides").glob("*.log")}
        assert logs
        assert all("taken from .finished" in text for text in logs.values())


def test_training_cases_on_folds_that_are_made_in_the_run_stop_it(cohort, code, tmp_path):
    """Planning can't look at them; the study has no profiles."""
    copy, shared = tmp_path / "other", tmp_path / "shared"
    share(cohort, shared, "hub")
    config = other_study(cohort, copy, shared)
    tasks = json.loads((cohort / "config.json").read_text())["probe"]["tasks"]
    config["probe"] = {"tasks": {TASK: tasks[TASK]}, "use": [TASK], "permutations": 0}
    (copy / "config.json").write_text(json.dumps(config))
    done = run(copy, code, "probe")
    assert done.returncode != 0
    assert not (copy / f"results/probe/threads-s0/{TASK}/frozen").exists()
    log = (copy / "results/logs/omics/pairs.log").read_text()
    assert f"task {TASK}, fold_0: run one (model threads-s0) trains on it" in log
    cases = sorted(set(read_tsv(copy / f"resources/demo/tasks/{TASK.replace('--', '/')}/k=all.tsv").case_id))
    config["omics"] = {"allow_leakage": cases}
    (copy / "config.json").write_text(json.dumps(config))
    done = run(copy, code, "probe")
    assert done.returncode == 0, done.stdout[-6000:]
    leaks = read_tsv(copy / "results/omics/leakage.tsv")
    assert set(leaks.run) == {"one (model threads-s0)"}
    assert set(leaks[leaks.side == "test"].action) == {"allowed"}
    assert set(leaks.case_id) <= set(cases)
