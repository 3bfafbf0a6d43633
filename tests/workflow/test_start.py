"""The pages of the short ways in: their own commands, typed as they stand there, bring small data to a report."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest
from init_files import features_of
from molpath.common.files import read_tsv
from molpath.init.command import parser
from page_blocks import put_clone

CASES = [f"P{k:02d}" for k in range(12)]
SLIDES = [f"{case}_{block}" for case in CASES for block in "AB"]


def commands(page: Path, kind: str) -> str:
    """What a page's blocks of a kind say to type."""
    return "\n".join(re.findall(rf"^```{kind}\n(.*?)^```", page.read_text(), re.M | re.S))


@pytest.fixture
def desk(tmp_path, repository) -> Path:
    """A folder with a clone in it as `make env` leaves it: an environment to activate, with the launcher."""
    put_clone(tmp_path, repository)
    return tmp_path


def type_in(desk: Path, text: str) -> str:
    """Type commands into a shell; what they say. Fails if one fails."""
    done = subprocess.run(
        ["bash", "-e", "-c", text],
        cwd=desk,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


def scores(study: Path) -> dict[tuple[str, str], float]:
    """Mean of the first metric, by task and protocol."""
    table = read_tsv(study / "results/tables/metrics.tsv")
    table = table[table.primary == "1"]
    return {(row.task, row.protocol): float(row["mean"] or "nan") for _, row in table.iterrows()}


def check_report(study: Path) -> None:
    """The report is there, with the workflow's own stylesheet."""
    assert "safe center" in (study / "results/report.html").read_text()


def clinical(names: list[str]) -> list[str]:
    """Response, and survival that follows it, of the case that each name begins with."""
    place = [CASES.index(name[:3]) for name in names]
    return [f"{('no', 'yes')[k % 2]},{(30 if k % 2 else 5) + k / 10},{int(k % 5 != 0)}" for k in place]


@pytest.mark.slow
def test_features_of_trident_to_a_report(desk, repository):
    rng = np.random.default_rng(0)
    shift = {slide: 2.0 * (CASES.index(slide[:3]) % 2) for slide in SLIDES}
    values = {slide: (rng.normal(size=(6, 12)) + shift[slide]).astype(np.float32) for slide in SLIDES}
    features_of(desk / "trident/20x_512px_0px_overlap/features_conch_v15", values)
    rows = [
        f"{slide}.svs,{slide[:3]},{clinical_row}" for slide, clinical_row in zip(SLIDES, clinical(SLIDES), strict=True)
    ]
    (desk / "labels.csv").write_text("\n".join(["slide,patient,response,OS_months,OS_event", *rows]) + "\n")
    output = type_in(desk, commands(repository / "workflow/docs/start_features.md", "bash"))
    assert "task response: no 6, yes 6 labelled cases, 5 folds" in output
    assert scores(desk / "study")["labels--response", "logistic"] == 1
    check_report(desk / "study")
    # What README and config/README.md say to type in a study: each command once, in order.
    pages = [commands(repository / name, "bash") for name in ("README.md", "config/README.md")]
    typed = re.findall(r"^snakemake(?! bundle).*?(?=$|\s+#)", "\n".join(pages), re.M)
    assert len(set(typed)) >= 7
    output = type_in(desk, "\n".join([". molpath/.venv/bin/activate", "cd study", *dict.fromkeys(typed)]))
    assert "0 problems. The run can start." in output
    assert "What happened to the 24 slides" in output


@pytest.mark.slow
def test_slides_to_a_report(desk, repository):
    from molpath.demo.slide_files import make_slide

    (desk / "slides").mkdir()
    slides = SLIDES[::2]
    for k, name in enumerate(slides):
        row = {"slide_id": name, "case_id": name[:3], "path": str(desk / f"slides/{name}.svs"), "objective": "20"}
        make_slide(row | {"special": ""}, k, size=(1280, 1280))
    rows = [f"{slide},{slide[:3]},{'ny'[k % 2]}" for k, slide in enumerate(slides)]
    (desk / "labels.csv").write_text("\n".join(["slide_id,case_id,response", *rows]) + "\n")
    typed = commands(repository / "workflow/docs/start_slides.md", "bash").splitlines()
    type_in(desk, "\n".join(typed[:2]))
    fetch = f"{typed[0]}\ncd study && snakemake resources/encoders/efficientnet_lite0.safetensors || echo none"
    if (output := type_in(desk, fetch)).endswith("none\n") and "Error in rule fetch_encoder_weights" in output:
        pytest.skip("the weights of EfficientNet-Lite0 can't be fetched here")
    type_in(desk, "\n".join([typed[0], *typed[2:]]))
    features = desk / "study/results/wsi/20x_256px_0px_overlap/features_efficientnet_lite0"
    assert sorted(path.stem for path in features.glob("*.h5")) == slides
    assert ("labels--response", "logistic") in scores(desk / "study")
    check_report(desk / "study")


@pytest.mark.slow
def test_embeddings_to_a_report(desk, repository):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(len(CASES), 8))
    vectors[:, 0] += 6.0 * (np.arange(len(CASES)) % 2)
    rows = [",".join([case, *map(str, vector.round(4))]) for case, vector in zip(CASES, vectors, strict=True)]
    (desk / "embeddings.csv").write_text("\n".join([f"case_id,{','.join('abcdefgh')}", *rows]) + "\n")
    rows = [f"{case},{values}" for case, values in zip(CASES, clinical(CASES), strict=True)]
    (desk / "clinical.csv").write_text("\n".join(["patient,response,OS_months,OS_event", *rows]) + "\n")
    type_in(desk, commands(repository / "workflow/docs/start_embeddings.md", "bash"))
    score_of = scores(desk / "study")
    assert score_of["clinical--response", "logistic"] == 1
    assert {("clinical--response", protocol) in score_of for protocol in ("knn", "prototype", "logistic_C=adaptive")}
    assert ("clinical--OS", "cox") in score_of
    check_report(desk / "study")


@pytest.mark.parametrize("page", ["slides", "features", "embeddings"])
def test_pages_type_three_lines_and_options_there_are(repository, page):
    path = repository / f"workflow/docs/start_{page}.md"
    typed = commands(path, "bash").splitlines()
    assert len(typed) == 3
    for line in [*typed, *commands(path, "sh").splitlines()]:
        assert "$" not in line, "zsh does not split variables"
        if line.startswith("molpath "):
            parser().parse_args(shlex.split(line)[1:])


def test_the_launcher_is_part_of_the_environment(repository, tmp_path):
    """Also of one that was made before there was a launcher."""
    make = ["make", "--dry-run", "--old-file=.venv/ready", f"BIN={tmp_path}", "env"]
    done = subprocess.run(make, cwd=repository, text=True, capture_output=True, check=True)
    assert f"> {tmp_path}/molpath" in done.stdout
    assert "pip" not in done.stdout


def test_a_study_is_planned_by_plain_snakemake(desk):
    """And says so in a sentence where the workflow is gone, or another version."""
    rows = "\n".join(f"{case},0.5,{k}" for k, case in enumerate(CASES))
    (desk / "embeddings.csv").write_text(f"case_id,a,b\n{rows}\n")
    rows = "\n".join(f"{case},{'ny'[k % 2]}" for k, case in enumerate(CASES))
    (desk / "labels.csv").write_text(f"case_id,y\n{rows}\n")
    start = ". molpath/.venv/bin/activate\n"
    type_in(desk, f"{start}molpath init study --embeddings embeddings.csv --labels labels.csv")
    plan = type_in(desk, f"{start}cd study\nsnakemake --dry-run")
    assert "probe_task" in plan
    snakefile = desk / "study/Snakefile"
    text = snakefile.read_text()
    for change, message in (
        (re.sub(r"MOLPATH = '.*'", "MOLPATH = '/nowhere'", text), "no molpath in /nowhere: correct MOLPATH"),
        (re.sub(r"VERSION = '.*'", "VERSION = '0.0.1'", text), "is not molpath 0.0.1: read CHANGELOG.md"),
    ):
        snakefile.write_text(change)
        output = type_in(desk, f"{start}cd study\nsnakemake --dry-run || true")
        assert message in output
        assert "Traceback" not in output
    snakefile.write_text(text)
    config = desk / "study/config/config.yaml"
    config.write_text(config.read_text() + "\tfolds: 3\n")
    output = type_in(desk, f"{start}cd study\nsnakemake --dry-run || true")
    assert f"config.yaml, line {len(config.read_text().splitlines())}" in output
    assert "tab" in output
    assert "Traceback" not in output
