"""What a run took: sums by rule, hours for 1,000 slides, the slowest shards; numbers that are missing."""

import pytest
from molpath.common.files import read_tsv
from molpath.tables.resources import summarise_resources

HEAD = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


def write(path, seconds, memory="1024", read="512", cpu="100"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{HEAD}{seconds}\t0:00:01\t{memory}\t1\t1\t1\t{read}\t1024\t50\t{cpu}\n")


@pytest.fixture
def summarised(tmp_path):
    folder = tmp_path / "benchmarks"
    for number, seconds in enumerate((10, 20, 90)):
        write(folder / f"tiles/{number:05}.tsv", seconds)
    for number in range(4):
        write(folder / f"features/g/{'ef'[number // 3]}/{number:05}.tsv", 3600, memory="2048", cpu="7200")
    write(folder / "tables/slides.tsv", 1, memory="NA", read="-", cpu="NA")
    write(folder / "of_another/rule.tsv", 1000)
    (folder / "resources.tsv").write_text("rule\tjobs\nold\t1\n")
    patterns = {
        "tile": rf"{folder}/tiles/(?P<shard>\d{{5}})\.tsv$",
        "extract": rf"{folder}/features/(?P<grid>.+)/(?P<encoder>[a-z]+)/(?P<shard>\d{{5}})\.tsv$",
        "collect": rf"{folder}/tables/slides\.tsv$",
    }
    paths = {name: str(tmp_path / name) for name in ("table", "shards", "page")}
    facts = {
        "gpus": {"extract": {"encoder=e": 2, "encoder=f": 0}, "tile": {"": 0}},
        "n_slides": 500,
        "note": "synthetic",
    }
    summarise_resources(folder=str(folder), patterns=patterns, **facts, **paths)
    return read_tsv(paths["table"]).set_index("rule"), read_tsv(paths["shards"]), (tmp_path / "page").read_text()


def test_jobs_are_added_up_by_rule_and_scaled_to_a_thousand_slides(summarised):
    table, _, page = summarised
    assert list(table.index) == ["extract", "tile", "collect", "all"]
    assert table.jobs.astype(int).to_dict() == {"extract": 4, "tile": 3, "collect": 1, "all": 8}
    extract = table.loc["extract"].astype(float)
    assert (extract.hours, extract.cpu_hours, extract.gpu_hours) == (4, 8, 6)  # one encoder of two asks for none
    assert (extract.cpu_hours_per_1000_slides, extract.gpu_hours_per_1000_slides) == (16, 12)
    assert (extract.memory_gb, extract.read_gb, extract.written_gb) == (2, 2, 4)
    assert table.loc["all", "gpu_hours"] == "6"
    assert table.loc["collect", "memory_gb"] == ""
    assert "What the run took (synthetic)" in page


def test_slowest_shards_are_shown_with_the_median_of_their_rule(summarised):
    shards = summarised[1]
    assert len(shards) == 5
    assert set(shards.rule[:4]) == {"extract"}
    last = shards.iloc[4]
    assert (last.rule, last.job, last.seconds, last.times_the_median) == ("tile", "tiles/00002", "90", "4.5")


def test_a_run_without_benchmarks_has_empty_tables(tmp_path):
    paths = {name: str(tmp_path / name) for name in ("table", "shards", "page")}
    facts = {"gpus": {}, "n_slides": 0, "note": ""}
    summarise_resources(folder=str(tmp_path / "none"), patterns={}, **facts, **paths)
    assert read_tsv(paths["table"]).empty
    assert "No rows." in (tmp_path / "page").read_text()
