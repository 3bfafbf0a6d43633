"""workflow/docs/start_paper_number.md, literally, with small generated (synthetic) slides in place of BCNB's."""

import re

import numpy as np
import openslide
import pytest
from hub_service import serving_hub
from molpath.common.files import read_tsv
from molpath.demo.slide_files import make_slides
from packed_pages import unpacked
from page_blocks import blocks, put_clone, run_block
from PIL import Image

pytestmark = pytest.mark.slow

TOKEN = "hf_secret-of-the-hub-0123456789"
TASK = {
    "config.yaml": "task_col: er\nsample_col: case_id\nextra_cols: []\nlabel_dict: {0: negative, 1: positive}\n"
    "metrics: [macro-ovr-auc]\n",
}
CASES = [f"{number}" for number in range(1, 13)]


@pytest.fixture(scope="module")
def study(tmp_path_factory, repository):
    """A folder with slides as BCNB has them: JPEG files without a resolution, called by number."""
    folder = tmp_path_factory.mktemp("paper")
    put_clone(folder, repository)
    (folder / "BCNB/WSIs").mkdir(parents=True)
    rows = [
        {"slide_id": case, "case_id": f"D{case:0>3}", "path": str(folder / f"drawn/{case}.svs"), "objective": "20"}
        for case in CASES
    ]
    make_slides([row | {"special": ""} for row in rows], 1, size=(1280, 1280))
    for row in rows:
        with openslide.OpenSlide(row["path"]) as slide:
            pixels = np.asarray(slide.read_region((0, 0), 0, slide.dimensions).convert("RGB"))
        Image.fromarray(pixels).save(folder / f"BCNB/WSIs/{row['slide_id']}.jpg", quality=90)
    return folder


@pytest.fixture(scope="module")
def hub():
    """The hub with the task's files."""
    sides = [["test" if number % 3 == fold else "train" for fold in range(3)] for number in range(len(CASES))]
    lines = ["case_id\tslide_id\ter\tfold_0\tfold_1\tfold_2"]
    lines += ["\t".join((case, case, str(i // 3 % 2), *sides[i])) for i, case in enumerate(CASES)]
    files = {"bcnb/er/config.yaml": TASK["config.yaml"], "bcnb/er/k=all.tsv": "\n".join(lines) + "\n"}
    with serving_hub({name: text.encode() for name, text in files.items()}, TOKEN) as address:
        yield address


def login(hub, folder):
    """Variables of a user who has access to the splits."""
    names = {"HF_ENDPOINT": hub, "HF_HOME": str(folder / "hub"), "NO_PROXY": "127.0.0.1", "HF_HUB_DISABLE_XET": "1"}
    return names | {"HF_TOKEN": TOKEN}


def test_the_page_leads_to_a_study_that_can_be_planned_and_run(study, hub, repository):
    """The weights of CONCHv1.5 are nobody's to ship: before the run, another encoder takes their place."""
    page = repository / "workflow/docs/start_paper_number.md"
    listed, ask, ready = blocks(page)
    done = run_block(listed, study)
    assert done.returncode == 0, done.stdout
    assert re.search(r"^bcnb--er +1,058 slides +BCNB +registration +0\.921", done.stdout, re.M)

    done = run_block(ask, study, **login(hub, study))
    assert done.returncode == 1
    assert "MISSING  12 slides of BCNB: from https://bcnb.grand-challenge.org/" in done.stdout
    assert "here     splits and labels" in done.stdout
    assert "When everything is there: molpath init bcnb --paper bcnb--er --slides SLIDES" in done.stdout
    assert TOKEN not in done.stdout

    first, last = ready.splitlines()
    assert last == "cd bcnb && snakemake"
    (looks,) = blocks(page, "sh")
    done = run_block(f"{first}\ncd bcnb\n{looks}", study, **login(hub, study))
    assert done.returncode == 0, done.stdout[-4000:]
    assert "weights of encoder conch_v15 are fetched from https://huggingface.co/MahmoodLab/conchv1_5" in done.stdout

    config = study / "bcnb/config/config.yaml"
    text = config.read_text()
    assert "conch_v15: {adapter: conch_v15}" in text
    config.write_text(text.replace("{adapter: conch_v15}", "{adapter: mean_colour}"))
    done = run_block(last, study, **login(hub, study))
    assert done.returncode == 0, done.stdout[-6000:]
    row = read_tsv(study / "bcnb/results/tables/published.tsv").to_dict("records")
    probed = [numbers for numbers in row if numbers["task"] == "bcnb--er" and numbers["protocol"] == "linear_probe"]
    (number,) = probed
    assert (number["model"], number["published"], number["published_se"]) == ("mean-conch_v15", "0.889", "0.01")
    folds = read_tsv(study / "bcnb/results/tables/metrics.tsv")
    (frozen,) = folds[(folds.protocol == "logistic") & (folds.metric == "macro-ovr-auc")].to_dict("records")
    assert float(number["measured"]) == float(frozen["mean"])
    assert "0.889" in unpacked((study / "bcnb/results/tables/published.html").read_text())
