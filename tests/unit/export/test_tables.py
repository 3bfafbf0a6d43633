"""Tables as Parquet: what a cell says is what is read back, in the type that results.yaml gives its column."""

import logging
import math
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from molpath.common.files import read_tsv, write_parquet, write_tsv
from molpath.export.described import read_tables
from molpath.export.tables import write_tables
from projects import write_table

SCHEMA = Path(__file__).parents[3] / "workflow/schemas/results.yaml"
#: slide, case, status, width, mpp, area_mm2, and columns of the user's sheet.
SLIDES = "slide_id\tcase_id\tcohort\tstatus\treason\twidth\tmpp\tarea_mm2\tsite\tdays\n"
ROWS = "01\tNA\tnan\tok\t\t100\t0.25\t1e-3\t007\t61\n1e5\tNone\tTrue\tset_aside\tblank\t\t\t\tinf\t\n"
METRICS = "task\tmodel\tgroup\tprotocol\tshots\trepeat\tfold\tmetric\tvalue\tn_train\tn_test\tnote\n"


@pytest.fixture
def results(tmp_path) -> Path:
    """A results folder of a few tables, ids as spreadsheets spoil them."""
    folder = tmp_path / "results"
    for name, text in {
        "tables/slides.tsv": SLIDES + ROWS,
        "probe/mean/a--t/frozen/metrics.tsv": METRICS + "a--t\tmean\tfrozen\tlogistic\t0\t0\t1\tbacc\t0.1\t8\t4\t\n",
        "probe/x/a--t/frozen/metrics.tsv": METRICS + "a--t\tx\tfrozen\tlogistic\t0\t0\t0\tbacc\t\t8\t4\tno fit\n",
        "tiles/20x_512px_0px_overlap/00000.tsv": "slide_id\tstatus\tn_patches\tn_dropped_pen\n01\tok\t12\t3\n",
        "predict/cohort/tiles/20x_512px_0px_overlap/00000.tsv": "slide_id\tstatus\tn_patches\nB\tok\t5\n",
        "tables/comparison.tsv": "task\tmean\tp\na--t\t0.5 (0.4 to 0.6)\t0.7\n",
        "figures/heatmap.tsv": "task\tmean\tp\na--t\t0.5\t\n",
        "tables/survival.tsv": "task\trisk\tn\tp\na--t\thigh\t3\t0.5\n",
        "wsi/user_files.tsv": "nothing\nof ours\n",
        "logs/a.tsv": "nothing\nof ours\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def written(results) -> Path:
    """Where its tables as Parquet are."""
    write_tables(results, SCHEMA, results / "export/tables/tables.tsv")
    return results / "export/tables"


def test_ids_stay_text_and_numbers_are_numbers(written):
    table = pq.read_table(written / "tables-slides.parquet")
    assert table["slide_id"].to_pylist() == ["01", "1e5"]
    assert table["case_id"].to_pylist() == ["NA", "None"]
    assert table["cohort"].to_pylist() == ["nan", "True"]
    assert table["site"].to_pylist() == ["007", "inf"]  # columns of a user are text, whatever is in them
    assert table["days"].to_pylist() == ["61", None]
    assert table["width"].to_pylist() == [100, None]
    assert (table["mpp"].to_pylist(), table["area_mm2"].to_pylist()) == ([0.25, None], [0.001, None])
    kinds = {name: table.schema.field(name).type for name in ("slide_id", "width", "mpp", "days")}
    assert kinds == {"slide_id": pa.string(), "width": pa.int64(), "mpp": pa.float64(), "days": pa.string()}
    read = pd.read_parquet(written / "tables-slides.parquet")
    assert read.case_id.tolist() == ["NA", "None"]


def test_files_of_one_entry_are_listed_with_the_parts_of_their_path(written):
    metrics = pq.read_table(written / "probe-metrics.parquet").to_pylist()
    assert [(row["model"], row["fold"], row["value"]) for row in metrics] == [("mean", 1, 0.1), ("x", 0, None)]
    (tiles,) = pq.read_table(written / "tiles.parquet").to_pylist()
    expected = {"grid": "20x_512px_0px_overlap", "shard": "00000", "slide_id": "01", "n_patches": 12}
    assert tiles == expected | {"status": "ok", "n_dropped_pen": 3}
    assert pq.read_table(written / "new-tiles.parquet")["slide_id"].to_pylist() == ["B"]


def test_what_columns_and_tables_hold_is_in_the_file(written):
    schema = pq.read_schema(written / "tiles.parquet")
    assert schema.metadata[b"path"] == b"tiles/<grid>/<shard>.tsv"
    assert schema.metadata[b"row"] == b"One slide of the shard, with its patches on a grid."
    descriptions = {
        name: (schema.field(name).metadata or {}).get(b"description", b"").decode() for name in schema.names
    }
    assert descriptions["n_patches"] == "Number of patches."
    assert descriptions["n_dropped_pen"].startswith("Patches in this class of the quality map")
    assert "sheet" in descriptions["slide_id"]


def test_a_name_of_two_meanings_has_the_type_of_its_table(written):
    assert pq.read_table(written / "tables-survival.parquet")["risk"].to_pylist() == ["high"]


def test_models_may_be_called_like_numbers_of_other_tables(written):
    (row,) = pq.read_table(written / "tables-comparison.parquet").to_pylist()
    assert row == {"task": "a--t", "mean": "0.5 (0.4 to 0.6)", "p": "0.7"}
    (row,) = pq.read_table(written / "figures-heatmap.parquet").to_pylist()
    assert row == {"task": "a--t", "mean": 0.5, "p": None}


def test_the_list_names_every_file_and_nothing_else_is_left(results, written):
    (written / ".tmp-elsewhere@1@tables-slides.parquet").touch()
    write_tables(results, SCHEMA, written / "tables.tsv")
    listed = read_tsv(written / "tables.tsv")
    names = [
        "figures-heatmap",
        "new-tiles",
        "probe-metrics",
        "tables-comparison",
        "tables-slides",
        "tables-survival",
        "tiles",
    ]
    assert listed.table.tolist() == names
    assert sorted(path.stem for path in written.glob("*.parquet")) == names
    assert listed.rows.tolist() == ["1", "1", "2", "1", "2", "1", "1"]
    assert listed.files.tolist() == ["1", "1", "2", "1", "1", "1", "1"]


def test_tables_of_a_user_stay(results, written):
    """Analyses of others beside our tables: a file of their own, a damaged one, and a copy of ours."""
    write_parquet(written / "analysis.parquet", pd.DataFrame({"a": [1]}))
    (written / "damaged.parquet").write_bytes(b"PAR1")
    shutil.copy(written / "tables-slides.parquet", written / "slides of May.parquet")
    user_files = {
        name: (written / name).read_bytes() for name in ("analysis.parquet", "damaged.parquet", "slides of May.parquet")
    }
    own_names = {path.name for path in written.iterdir()} - set(user_files)
    (results / "figures/heatmap.tsv").unlink()
    write_tables(results, SCHEMA, written / "tables.tsv")
    assert {path.name for path in written.iterdir()} == {*user_files, *own_names} - {"figures-heatmap.parquet"}
    assert {name: (written / name).read_bytes() for name in user_files} == user_files


def test_same_tables_same_bytes(results, written):
    before = {path.name: path.read_bytes() for path in written.iterdir()}
    write_tables(results, SCHEMA, written / "tables.tsv")
    assert {path.name: path.read_bytes() for path in written.iterdir()} == before


def test_predictions_of_tasks_with_other_classes_are_in_one_table(results):
    write_parquet(
        results / "probe/mean/a--t/frozen/predictions.parquet",
        pd.DataFrame({"sample_id": ["01"], "label": [1], "prob_0": [0.25], "prob_1": [0.75]}),
    )
    write_parquet(
        results / "probe/mean/a--u/frozen/predictions.parquet",
        pd.DataFrame({"sample_id": ["NA"], "label": [0.5], "predicted": [0.4]}),
    )
    write_tables(results, SCHEMA, results / "export/tables/tables.tsv")
    rows = pq.read_table(results / "export/tables/probe-predictions.parquet").to_pylist()
    assert [(row["task"], row["sample_id"], row["label"]) for row in rows] == [("a--t", "01", 1.0), ("a--u", "NA", 0.5)]
    assert [(row["prob_1"], row["predicted"]) for row in rows] == [(0.75, None), (None, 0.4)]


def test_a_number_that_is_none_is_refused_with_its_place(results):
    (results / "tables/survival.tsv").write_text("task\trisk\tn\na--t\thigh\t3\na--u\tlow\tmany\n")
    with pytest.raises(
        ValueError, match=r"survival\.tsv, column n, row 3: 'many' is not a number; list the column under"
    ):
        write_tables(results, SCHEMA, results / "export/tables/tables.tsv")


def test_a_part_of_an_integer_is_refused(results):
    (results / "tables/slides.tsv").write_text("slide_id\twidth\nA\t10.5\n")
    with pytest.raises(ValueError, match=r"column width, row 2: 10.5 is not an integer of 64 bits"):
        write_tables(results, SCHEMA, results / "export/tables/tables.tsv")


def test_a_table_that_nobody_describes_is_named_in_the_log(results, caplog):
    (results / "mine.tsv").write_text("a\n1\n")
    with caplog.at_level(logging.WARNING):
        write_tables(results, SCHEMA, results / "export/tables/tables.tsv")
    assert f"{results}/mine.tsv is left out" in caplog.text
    assert not (results / "export/tables/mine.parquet").exists()


def test_numbers_come_through_as_they_were_written(tmp_path):
    values = [0.1, 1e-300, 123456789.5, -0.0, math.pi]
    write_tsv(tmp_path / "results/figures/curves.tsv", pd.DataFrame({"task": ["t"] * 5, "x": values}))
    write_tables(tmp_path / "results", SCHEMA, tmp_path / "out/tables.tsv")
    stored = read_tsv(tmp_path / "results/figures/curves.tsv").x.astype(float).tolist()
    assert pq.read_table(tmp_path / "out/figures-curves.parquet")["x"].to_pylist() == stored


def test_every_entry_has_a_name_of_its_own_and_types_for_columns_that_it_has():
    tables = read_tables(SCHEMA)
    assert len({table.name for table in tables}) == len(tables) > 80
    assert {"probe-predictions", "tables-ledger", "tables-ledger-by-grid-encoder", "job_times"} <= {
        t.name for t in tables
    }


def test_every_type_is_of_a_column_that_some_table_has():
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    tables = read_tables(SCHEMA)
    columns = {name for table in tables for name in table.columns}
    named = [name for names in schema["types"].values() for name in names]
    assert len(named) == len(set(named))
    assert [name for name in named if "<" not in name and name not in columns] == []
    for table, entry in zip(tables, schema["tables"], strict=True):
        own = entry.get("text", []) + entry.get("numbers", [])
        assert set(own) <= set(table.columns) | {"paper_cases", "paper_slides", "paper_folds"}, table.path


def test_what_snakemake_could_not_measure_is_missing(results):
    """A job that ends before the first sample has NA, a system without counters of reads and writes has a dash."""
    names = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
    path = results / "benchmarks/run/a.tsv"
    path.parent.mkdir(parents=True)
    path.write_text(f"{names}0.2\t0:00:00\t{'NA	' * 7}NA\n1.5\t0:00:01\t2.50\t-\t-\t-\t-\t-\t50.0\t0.7\n")
    write_tables(results, SCHEMA, results / "export/tables/tables.tsv")
    table = pq.read_table(results / "export/tables/benchmarks.parquet")
    assert (table["s"].to_pylist(), table["max_rss"].to_pylist()) == ([0.2, 1.5], [None, 2.5])
    assert table["io_in"].to_pylist() == [None, None]
    assert table.schema.field("io_in").type == pa.float64()


def test_a_column_of_a_user_does_not_hide_a_part_of_the_path(results):
    """Labels called `task`, and the slide sheet's column `model` (of the scanner) as colour of a map."""
    for task in ("a--t", "a--u"):
        path = results / f"probe/splits/{task}/k=all.tsv"
        path.parent.mkdir(parents=True)
        path.write_text("case_id\tslide_id\ttask\tfold_0\nC1\tS1\t1\ttrain\n")
    path = results / "tables/maps/mean.tsv"
    path.parent.mkdir()
    path.write_text("slide_id\tx\ty\tmodel\nS1\t0.5\t1\tAperio\n")
    write_tables(results, SCHEMA, results / "export/tables/tables.tsv")
    splits = pq.read_table(results / "export/tables/probe-splits.parquet").to_pylist()
    assert [(row["task_of_path"], row["task"]) for row in splits] == [("a--t", "1"), ("a--u", "1")]
    (place,) = pq.read_table(results / "export/tables/tables-maps.parquet").to_pylist()
    assert (place["model_of_path"], place["model"]) == ("mean", "Aperio")


def test_a_part_of_the_path_has_one_column_in_all_files_of_a_table(results):
    """One task's label is called `task`, that of another is not; a third has a column task_of_path, too."""
    of_task = {"a--t": {"task": "1"}, "a--u": {"grade": "2"}, "a--v": {"task_of_path": "mine"}}
    for names, column in ((["a--t", "a--u"], "task_of_path"), ([*of_task], "task_of_path_of_path")):
        for task in names:
            write_table(
                results / f"probe/splits/{task}/k=all.tsv", [{"case_id": "C1"} | of_task[task] | {"fold_0": "train"}]
            )
        write_tables(results, SCHEMA, results / "export/tables/tables.tsv")
        rows = pq.read_table(results / "export/tables/probe-splits.parquet").to_pylist()
        assert [row[column] for row in rows] == names
        assert [row["task"] for row in rows] == ["1", None, None][: len(names)]
    assert [row["task_of_path"] for row in rows] == [None, None, "mine"]


def test_long_integers_are_exact_and_too_long_ones_refused(results):
    slides = results / "slides/00000.tsv"
    slides.parent.mkdir()
    slides.write_text(f"slide_id\tbytes\nA\t{2**53 + 1}\nB\t1e3\nC\t12.0\n")
    write_tables(results, SCHEMA, results / "export/tables/tables.tsv")
    assert pq.read_table(results / "export/tables/slides.parquet")["bytes"].to_pylist() == [2**53 + 1, 1000, 12]
    for cell in ("1e30", "inf", "1_0", "١٢"):
        slides.write_text(f"slide_id\tbytes\nA\t{cell}\n")
        with pytest.raises(ValueError, match=r"00000\.tsv, column bytes, row 2: .* is not a"):
            write_tables(results, SCHEMA, results / "export/tables/tables.tsv")


def test_columns_of_predictions_have_the_types_of_the_schema(results):
    frame = pd.DataFrame({"sample_id": pd.Categorical(["01"]), "event": [True], "cluster": np.int32([3])})
    write_parquet(results / "probe/mean/a--t/frozen/predictions.parquet", frame.assign(risk=np.float32([0.5])))
    write_tables(results, SCHEMA, results / "export/tables/tables.tsv")
    table = pq.read_table(results / "export/tables/probe-predictions.parquet")
    kinds = {name: table.schema.field(name).type for name in ("sample_id", "event", "cluster", "risk")}
    assert kinds == {"sample_id": pa.string(), "event": pa.int64(), "cluster": pa.int64(), "risk": pa.float64()}
    assert [table[name].to_pylist() for name in ("event", "cluster", "risk")] == [[1], [3], [0.5]]


def test_shards_of_an_earlier_run_are_left_out(results, caplog):
    """Once one slide per job, now all in one: each slide stands in the table once."""
    for shard, slides in (("00000", "A\nB"), ("00001", "B")):
        path = results / f"slides/{shard}.tsv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"slide_id\n{slides}\n")
    new = "predict/cohort/tiles/20x_512px_0px_overlap/00000.tsv"
    with caplog.at_level(logging.WARNING):
        write_tables(results, SCHEMA, results / "export/tables/tables.tsv", {"slides/00000.tsv", new})
    assert pq.read_table(results / "export/tables/slides.parquet")["slide_id"].to_pylist() == ["A", "B"]
    assert f"{results}/slides/00001.tsv is left out: the config and sheets don't ask for it now" in caplog.text
    assert pq.read_table(results / "export/tables/new-tiles.parquet")["slide_id"].to_pylist() == ["B"]


def test_models_tasks_and_new_slides_that_left_the_config_are_left_out(results, written, caplog):
    """Both models' tables are there, and were exported; one model is in the config now, and no new slides."""
    (results / "benchmarks/probe/x").mkdir(parents=True)
    (results / "benchmarks/probe/x/a--t.tsv").write_text("s\n1.5\n")
    assert (written / "new-tiles.parquet").exists()
    with caplog.at_level(logging.INFO):
        write_tables(results, SCHEMA, written / "tables.tsv", {"probe/mean/a--t/frozen/metrics.tsv"})
    (row,) = pq.read_table(written / "probe-metrics.parquet").to_pylist()
    assert (row["model"], row["value"]) == ("mean", 0.1)
    assert sorted(path.name for path in written.iterdir()) == ["probe-metrics.parquet", "tables.tsv"]
    (listed,) = read_tsv(written / "tables.tsv").to_dict("records")
    assert (listed["table"], listed["rows"], listed["files"]) == ("probe-metrics", "1", "1")
    for path in ("probe/x/a--t/frozen/metrics.tsv", "predict/cohort/tiles/20x_512px_0px_overlap/00000.tsv"):
        assert f"{results}/{path} is left out: the config and sheets don't ask for it now" in caplog.text
    assert f"{written}/new-tiles.parquet is removed: the config and sheets don't ask for it now" in caplog.text
    assert "1 benchmarks of other jobs are left out" in caplog.text


def test_a_task_without_predictions_takes_the_types_of_others(results):
    """Columns without a value are stored as pandas likes, floats with a missing value in the place of integers."""
    frames = {
        "t": pd.DataFrame({"sample_id": ["01", "02"], "event": [1.0, None], "risk": [0.5, np.nan]}),
        "u": pd.DataFrame({"sample_id": np.zeros(0), "event": np.zeros(0, bool), "risk": np.zeros(0, object)}),
        "v": pd.DataFrame({"sample_id": ["03"], "event": [None], "risk": [np.inf]}),
    }
    for task, frame in frames.items():
        write_parquet(results / f"probe/mean/a--{task}/frozen/predictions.parquet", frame)
    write_tables(results, SCHEMA, results / "export/tables/tables.tsv")
    table = pq.read_table(results / "export/tables/probe-predictions.parquet")
    assert table["sample_id"].to_pylist() == ["01", "02", "03"]
    assert table["event"].to_pylist() == [1, None, None]
    assert table["risk"].to_pylist() == [0.5, None, math.inf]
    kinds = [table.schema.field(name).type for name in ("sample_id", "event", "risk")]
    assert kinds == [pa.string(), pa.int64(), pa.float64()]
    for task, frame in frames.items():
        write_parquet(results / f"probe/mean/a--{task}/frozen/predictions.parquet", frame.assign(event=None, risk=None))
    write_tables(results, SCHEMA, results / "export/tables/tables.tsv")
    table = pq.read_table(results / "export/tables/probe-predictions.parquet")
    assert [table.schema.field(name).type for name in ("event", "risk")] == [pa.int64(), pa.float64()]


def test_tables_of_other_types_are_refused_by_name(results):
    for task, label in (("t", [1]), ("u", ["high"])):
        path = results / f"probe/mean/a--{task}/frozen/predictions.parquet"
        write_parquet(path, pd.DataFrame({"sample_id": ["01"], "label": label}))
    with pytest.raises(ValueError, match=r"predictions.parquet don't fit each other: .* label has incompatible types"):
        write_tables(results, SCHEMA, results / "export/tables/tables.tsv")


ODD = {
    "nan is a missing value": ("figures/curves.tsv", "task\tx\nt\tnan\nt\t-inf\n", "x", [None, -math.inf]),
    "a header alone": ("figures/curves.tsv", "task\tx\n", "x", []),
    "nothing in a column": ("figures/curves.tsv", "task\tx\n\t\n\t\n", "x", [None, None]),
    "Windows' line ends": ("figures/curves.tsv", "task\tx\r\nt\t1\r\n", "x", [1.0]),
    "a date": ("tables/slides.tsv", "slide_id\tscanned\nS\t2026-01-01\n", "scanned", ["2026-01-01"]),
    "yes and no of a user": ("tables/slides.tsv", "slide_id\tfrail\nS\tTrue\nT\t\n", "frail", ["True", None]),
    "other letters and slashes": ("tables/slides.tsv", "slide_id\tgröße (µm)/日\nS\t1\n", "größe (µm)/日", ["1"]),
    "a very long text": ("tables/slides.tsv", f"slide_id\tnote\nS\t{'x' * 10**6}\n", "note", ["x" * 10**6]),
    "quotes and formulas": ("tables/slides.tsv", "slide_id\tnote\n'=S\ta\"b\n", "slide_id", ["=S"]),
}


@pytest.mark.parametrize("odd", ODD)
def test_odd_cells_come_through(tmp_path, odd):
    path, text, column, values = ODD[odd]
    table = tmp_path / "results" / path
    table.parent.mkdir(parents=True)
    table.write_bytes(text.encode())
    write_tables(tmp_path / "results", SCHEMA, tmp_path / "out/tables.tsv")
    (written,) = (tmp_path / "out").glob("*.parquet")
    assert pq.read_table(written)[column].to_pylist() == values


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("task\tx\nt\tTrue\n", "column x, row 2: 'True' is not a number"),
        ("task\tx\tx\nt\t1\t2\n", "column x is there twice"),
        ("", "empty: the first line should name the columns"),
    ],
)
def test_what_is_no_table_of_numbers_is_refused_by_name(tmp_path, text, message):
    table = tmp_path / "results/figures/curves.tsv"
    table.parent.mkdir(parents=True)
    table.write_text(text)
    with pytest.raises(ValueError, match=message):
        write_tables(tmp_path / "results", SCHEMA, tmp_path / "out/tables.tsv")
    assert not (tmp_path / "out").exists()
