"""A run in a terminal: progress in its last row, messages above it whole, and its end; as the page shows it."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from molpath.demo.slide_files import make_slides
from projects import SNAKEMAKE, write_table
from terminals import Terminal

pytestmark = pytest.mark.slow

PAGE = "workflow/docs/terminal.md"
#: A line of progress: time, stages or what a job does, slides set aside, steps.
LINE = re.compile(r"(\d+:)?\d+:\d\d \| (.+ \| )?[\d,]+ of [\d,]+ steps")
QUICK = {"OMP_NUM_THREADS": "1", "HDF5_USE_FILE_LOCKING": "FALSE"}


def write_study(folder: Path, slides: int, edge: int = 900, per_job: int = 10) -> None:
    """Slides of one cohort, as far as embeddings: one can't be opened, two are blank."""
    (folder / "slides").mkdir(parents=True)
    names = [f"S{number:02d}" for number in range(slides)]
    rows = [{"slide_id": name, "case_id": f"C{name}", "path": f"slides/{name}.svs", "cohort": "A"} for name in names]
    for number, row in enumerate(rows):
        special = "blank" if number in (4, 5) else ""
        drawn = row | {"path": str(folder / row["path"]), "objective": "20", "special": special}
        make_slides([drawn], number, size=(edge, edge))
    (folder / "slides/S03.svs").write_bytes(b"no slide")
    write_table(folder / "slides.tsv", rows)
    config = {
        "slides": {"sheet": "slides.tsv", "slides_per_job": per_job, "max_failed_fraction": 0.5},
        "tiles": {"grids": {"main": {"patch_size": 64, "magnification": 20}}},
        "features": {"encoders": {"colour": {"adapter": "mean_colour"}}},
        "embed": {"models": {"mean": {"kind": "mean", "grid": "main", "encoder": "colour"}}, "use": ["mean"]},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def command(repository: Path, *words: str) -> list[str | Path]:
    snakefile = repository / "workflow/Snakefile"
    return [SNAKEMAKE, "--snakefile", snakefile, "--configfile", "config.yaml", "--cores", "2", *words]


def messages(folder: Path) -> list[str]:
    """What Snakemake printed in its last run, by its own log."""
    log = max((folder / ".snakemake/log").iterdir(), key=os.path.getmtime)
    lines = log.read_text().splitlines()
    return [line for line in lines if line and not LINE.fullmatch(line)]


def assert_whole(screen: str, folder: Path) -> None:
    """Every message stands on the terminal, in order, and no line of progress is left."""
    rows = screen.splitlines()
    assert not [row for row in rows if LINE.search(row)]
    place = 0
    for line in messages(folder):
        assert line.rstrip() in rows[place:], line
        place = rows.index(line.rstrip(), place) + 1


@pytest.fixture(scope="module")
def eight(tmp_path_factory, repository) -> tuple[Path, Terminal, str]:
    """Eight slides brought to features in a wide terminal: the folder, the terminal, and what stood there."""
    folder = tmp_path_factory.mktemp("eight")
    write_study(folder, 8, per_job=4)
    terminal = Terminal(command(repository, "features"), folder, 600, **QUICK)
    text = terminal.watch()
    assert terminal.process.returncode == 0, text[-4000:]
    return folder, terminal, text


def test_messages_are_whole_and_the_line_is_gone(eight):
    folder, terminal, text = eight
    assert_whole(text, folder)
    rows = [row for row in terminal.shown if LINE.fullmatch(row)]
    assert len(rows) > 5
    steps = [int(re.search(r"(\d+) of \d+ steps", row)[1]) for row in rows]
    assert steps == sorted(steps)
    assert any(re.search(r"\| tissue: \d of 8 slides", row) for row in rows)
    assert any("3 set aside (mostly blank)" in row for row in rows)


def test_the_end_lists_the_results(eight):
    folder, _, text = eight
    end = text[text.index("What happened to the 8 slides") :]
    assert "Set aside: 3 of 8 slides" in end
    assert "features    results/wsi/20x_64px_0px_overlap/features_colour" in end
    assert "Next: `snakemake` does what is left (embed, report)." in end
    assert end.count("What happened to") == 1


@pytest.mark.parametrize("words", [["summary"], ["--dry-run"], ["features", "--forcerun", "collect_slides", "--quiet"]])
def test_no_line_where_nobody_asked_for_one(eight, repository, words):
    folder, *_ = eight
    terminal = Terminal(command(repository, *words), folder, 600, **QUICK)
    text = terminal.watch()
    assert terminal.process.returncode == 0, text[-3000:]
    assert not [row for row in terminal.shown if LINE.search(row)]
    if words == ["summary"]:
        assert text.count("Set aside: 3 of 8 slides") == 1


@pytest.mark.parametrize(("setting", "shown"), [("off", False), ("only", True)])
def test_an_environment_variable_turns_it_off_or_leaves_it_alone(eight, repository, setting, shown):
    folder, *_ = eight
    words = command(repository, "features", "--forcerun", "inspect_slides")
    terminal = Terminal(words, folder, 600, MOLPATH_PROGRESS=setting, **QUICK)
    text = terminal.watch()
    assert terminal.process.returncode == 0, text[-3000:]
    assert bool([row for row in terminal.shown if LINE.fullmatch(row)]) is shown
    assert ("Finished jobid" in text) is not shown
    assert "Set aside: 3 of 8 slides" in text


def test_a_narrow_terminal_gets_lines_that_fit(eight, repository):
    folder, *_ = eight
    words = command(repository, "features", "--forcerun", "inspect_slides")
    terminal = Terminal(words, folder, 24, **QUICK)
    terminal.watch()
    rows = [row for row in terminal.shown if re.match(r"\d:\d\d \| ", row)]
    assert rows
    assert all(len(row) <= 23 for row in rows)


def test_a_failing_job_speaks_above_the_line_and_the_end_says_why(tmp_path, repository):
    write_study(tmp_path, 8, per_job=8)
    config = yaml.safe_load((tmp_path / "config.yaml").read_text())
    config["slides"]["max_failed_fraction"] = 0.1
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    terminal = Terminal(command(repository, "features"), tmp_path, 600, **QUICK)
    text = terminal.watch()
    assert terminal.process.returncode == 1
    assert_whole(text, tmp_path)
    assert "\nTooManySetAside: 3 of 8 slides were set aside" in text
    assert text.count("More slides were set aside than slides/max_failed_fraction allows") == 1
    assert text.count("continues from what is finished") == 1
    assert "8 not reached" in text


def test_ctrl_c_takes_the_line_away(tmp_path, repository):
    write_study(tmp_path, 8, per_job=8)
    terminal = Terminal(command(repository, "features"), tmp_path, 600, **QUICK)
    sent = []

    def stop(terminal: Terminal) -> None:
        if not sent and LINE.fullmatch(terminal.screen.last):
            os.killpg(terminal.process.pid, signal.SIGINT)
            sent.append(time.monotonic())

    text = terminal.watch(look=stop)
    assert sent
    assert terminal.process.returncode == 1
    assert text.count("The run was stopped (Ctrl-C). Start it again: it continues from what is finished.") == 1
    # A job that has no log yet writes past the line; what stands in the rows is not the line alone.
    assert not [row for row in text.splitlines() if LINE.fullmatch(row)]


def test_a_file_in_place_of_a_terminal_holds_no_escapes(tmp_path, eight, repository):
    folder, *_ = eight
    words = command(repository, "features", "--forcerun", "inspect_slides")
    with open(tmp_path / "nohup.out", "w") as out:
        done = subprocess.run(words, cwd=folder, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    text = (tmp_path / "nohup.out").read_text()
    assert done.returncode == 0
    assert "\x1b" not in text
    assert "\r" not in text
    assert "Set aside: 3 of 8 slides" in text


def test_a_workflow_that_imports_this_one_has_both(eight, repository, tmp_path):
    """Without hooks of its own; rules have a prefix there."""
    folder, *_ = eight
    (folder / "Snakefile").write_text(
        f'configfile: "config.yaml"\nmodule molpath:\n    snakefile: "{repository}/workflow/Snakefile"\n'
        "    config: config\nuse rule * from molpath as molpath_*\n"
    )
    words = [SNAKEMAKE, "--cores", "2", "molpath_features", "--forcerun", "molpath_inspect_slides"]
    terminal = Terminal(words, folder, 600, **QUICK)
    text = terminal.watch()
    assert terminal.process.returncode == 0, text[-3000:]
    assert_whole(text, folder)
    assert [row for row in terminal.shown if LINE.fullmatch(row)]
    assert text.count("Set aside: 3 of 8 slides") == 1
    assert "Next: `snakemake` does what is left" in text


def test_the_page_shows_what_a_run_shows(tmp_path, repository):
    """Thirty slides, as on the page: the same end, and lines that report the same things."""
    write_study(tmp_path, 30, edge=1800)
    terminal = Terminal(command(repository, "embed"), tmp_path, 120, **QUICK)
    text = terminal.watch()
    assert terminal.process.returncode == 0, text[-4000:]
    page = (repository / PAGE).read_text()
    lines, end = re.findall(r"```text\n(.*?)```", page, re.S)[:2]
    start = text.index("What happened to the 30 slides")
    assert text[start : text.index("Complete log")].strip() == end.strip()
    shown = [line for line in lines.splitlines() if LINE.fullmatch(line)]
    assert len(shown) >= 5
    # Which of them stand in one row is a matter of the moment, and of the machine.
    parts = set().union(*(parts_of(row) for row in terminal.shown if LINE.fullmatch(row)))
    assert set().union(*map(parts_of, shown)) <= parts


def parts_of(line: str) -> set[str]:
    """Stages and rates that a line reports, without their numbers."""
    return set(re.findall(r"slides:|tissue:|tiles:|features:|patches/s|left|set aside|steps", line))
