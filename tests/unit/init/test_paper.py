"""The paper's tasks as `molpath init --paper` lists them, and the studies made of them."""

import contextlib
import shutil

import pytest
import yaml
from idc_bucket import write_index
from molpath.init.command import main, parser
from molpath.init.draft import Refusal
from molpath.init.paper import paper_models, paper_task, paper_tasks
from molpath.init.wants.paper import chosen_models, config_of, paper
from molpath.study import Study
from trained_study import write_model

PUBLIC = [task.name for task in paper_tasks() if task.row["access"] == "public"]
MODELS = [name for name in paper_models() if name != "threads"]


def write_splits(folder, task, slides, column="label"):
    """config.yaml and k=all.tsv as Patho-Bench has them: two folds over cases C0, C1, … of a slide each."""
    place = folder / task.replace("--", "/")
    place.mkdir(parents=True)
    settings = {"task_col": column, "sample_col": "case_id", "extra_cols": [], "label_dict": {0: "no", 1: "yes"}}
    (place / "config.yaml").write_text(yaml.safe_dump(settings | {"metrics": ["macro-ovr-auc"]}))
    lines = [f"case_id\tslide_id\t{column}\tfold_0\tfold_1"]
    sides = (("train", "test"), ("train", "test"), ("test", "train"), ("test", "train"))
    lines += ["\t".join((f"C{i}", name, str(i % 2), *sides[i % 4])) for i, name in enumerate(slides)]
    (place / "k=all.tsv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def empty_folder(tmp_path, monkeypatch):
    """An empty folder, without a login of the hub."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "no-login"))
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    return tmp_path


def options(*words):
    return parser().parse_args(["init", *words])


def test_the_list_has_every_task_with_what_it_needs(capsys):
    assert main(["init", "--paper", "list"]) == 0
    output = capsys.readouterr().out
    assert len(output.splitlines()) == 1 + 54 + 4
    assert "42 of 54 are public" in output
    line = next(line for line in output.splitlines() if line.startswith("bcnb--er "))
    assert line.split("  ")[0] == "bcnb--er"
    for part in ("1,058 slides", "BCNB", "registration", "0.921 macro-ovr-auc"):
        assert part in line
    assert "not public" in next(line for line in output.splitlines() if line.startswith("mgb_lung--p40"))
    assert "open, Imaging Data Commons" in next(
        line for line in output.splitlines() if line.startswith("cptac_gbm--TP53")
    )


@pytest.mark.parametrize(("name", "message"), [
    ("mgb_lung--p40", "mgb_lung--p40 can't be run: MGB-Lung is an in-house cohort of the paper's authors, whose "),
    ("bcnb-er", "the paper has no task 'bcnb-er': did you mean bcnb--er or "),
    ("?", "the paper has no task '?': `molpath init --paper list` shows all 54"),
])  # fmt: skip
def test_a_task_that_can_not_be_run_says_so_in_one_sentence(empty_folder, capsys, name, message):
    assert main(["init", "study", "--paper", name]) == 1
    errors = capsys.readouterr().err
    assert message in errors
    assert errors.count("\n") == 1
    assert not (empty_folder / "study").exists()


def test_what_is_missing_is_reported_with_address_cost_and_command(empty_folder, capsys):
    assert main(["init", "study", "--paper", "bcnb--er"]) == 1
    errors = capsys.readouterr().err
    for part in (
        "published  mean-conch_v15 0.889 ± 0.010 macro-ovr-auc (ED Table 11)",
        "published  threads 0.921 ± 0.009",
        "MISSING  splits and labels, MahmoodLab/Patho-Bench bcnb/er: access on request at https://huggingface.co/data",
        "MISSING  1,058 slides of BCNB: from https://bcnb.grand-challenge.org/ (registration; licence: its own: ",
        "fetched  weights of conch_v15 (CC-BY-NC-ND-4.0): by the run, from https://huggingface.co/MahmoodLab/conchv1_5",
        "patches of 1,058 slides",
        "GPU-hours",
        "GB of disk",
        "Nothing was written. When everything is there: molpath init study --paper bcnb--er --slides SLIDES",
    ):
        assert part in errors, part
    assert not (empty_folder / "study").exists()


def test_slides_are_looked_for_when_the_splits_are_there(empty_folder, capsys):
    (empty_folder / "slides").mkdir()
    assert main(["init", "study", "--paper", "bcnb--er", "--slides", "slides"]) == 1
    assert "1,058 slides of BCNB: looked for in slides once the splits say which" in capsys.readouterr().err


def test_weights_of_slide_encoders_are_looked_for_in_the_study(empty_folder, capsys):
    (empty_folder / "study/weights/prism").mkdir(parents=True)
    assert main(["init", "study", "--paper", "bcnb--er", "--models", "prism,chief"]) == 1
    errors = capsys.readouterr().err
    assert "here     weights of PRISM: study/weights/prism" in errors
    assert (
        "MISSING  weights of CHIEF: Google Drive of the authors; put them at study/weights/CHIEF_pretraining.pth"
        in errors
    )


@pytest.mark.parametrize(("words", "message"), [
    (["--models", "threads"], "the paper's weights are not public. Pretrain a model on TCGA and GTEx first"),
    (["--models", "resnet"], "--models resnet: the paper has mean-virchow, mean-gigapath"),
    (["--splits", "nowhere"], "--splits nowhere: no bcnb/er/k=all.tsv there; name a copy of MahmoodLab/Patho-Bench"),
    (["--slides", "nowhere"], "--slides nowhere: no such folder"),
])  # fmt: skip
def test_wrong_options_are_named(empty_folder, words, message):
    with pytest.raises(Refusal, match=message.replace(".", r"\.")):
        paper(options("study", "--paper", "bcnb--er", *words))


@pytest.fixture
def ready(empty_folder):
    """Splits of bcnb--er and all but one of its slides."""
    names = [f"{i}" for i in range(8)]
    write_splits(empty_folder / "splits", "bcnb--er", names)
    (empty_folder / "slides/deeper").mkdir(parents=True)
    for name in names[:-1]:
        (empty_folder / "slides/deeper" / f"{name}.jpg").touch()
    return empty_folder


WORDS = ("study", "--paper", "bcnb--er", "--splits", "splits", "--slides", "slides", "--mpp", "0.5")


def test_slides_that_are_not_there_are_named_and_can_be_left_out(ready):
    with pytest.raises(
        Refusal, match=r"MISSING  8 slides of BCNB: not in slides: 1 of 8 \(7\), available from https://bcnb"
    ):
        paper(options(*WORDS))
    draft = paper(options(*WORDS, "--skip-missing"))
    assert draft.config["probe"]["missing"] == "skip"
    assert len(draft.files["config/slides.tsv"].splitlines()) == 1 + 7


def test_two_files_of_one_slide_are_refused(ready):
    shutil.copy(ready / "slides/deeper/1.jpg", ready / "slides/1.png")
    with pytest.raises(Refusal, match=r"two files are slide 1, .*1.png and .*deeper/1.jpg: remove one"):
        paper(options(*WORDS))


def test_a_study_has_the_papers_settings_the_splits_and_a_sheet(ready, capsys):
    (ready / "slides/7.jpg").touch()
    assert main(["init", *WORDS]) == 0, capsys.readouterr().err
    text = (ready / "study/config/config.yaml").read_text()
    assert len([line for line in text.splitlines() if not line.startswith("#")]) <= 25, text
    config = yaml.safe_load(text)
    assert config["tiles"]["grids"]["main"] == {
        "magnification": 20, "patch_size": 512, "overlap": 0, "like": "trident", "drop": [],
    }  # fmt: skip
    assert config["probe"]["tasks"]["bcnb--er"]["family"] == "ihc"
    task = ready / "study/config/tasks/bcnb/er"
    assert (task / "k=all.tsv").read_bytes() == (ready / "splits/bcnb/er/k=all.tsv").read_bytes()
    rows = (ready / "study/config/slides.tsv").read_text().splitlines()
    assert rows[0].split("\t") == ["slide_id", "case_id", "path", "cohort", "organ", "procedure", "mpp"]
    assert rows[1].split("\t") == [
        "0",
        "C0",
        str(ready / "slides/deeper/0.jpg"),
        "bcnb",
        "Breast",
        "core-needle biopsy",
        "0.5",
    ]
    with contextlib.chdir(ready / "study"):
        study = Study.open("config/config.yaml")
        study.check()
        assert "<results>/tables/published.html" in study.targets.report()
    output = capsys.readouterr().out
    assert "published  mean-conch_v15 0.889" in output
    assert "snakemake plan" in output


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_task_has_a_config_that_fits_the_schema(empty_folder, name):
    chosen = options("study", "--paper", name, "--models", ",".join(MODELS))
    config = config_of(paper_task(name), chosen_models(chosen), chosen)
    study = Study(config)
    assert study.comparisons is not None
    alphas = config["probe"]["cox"]["exceptions"]
    assert [entry["model"] for entry in alphas] == {"cptac_ccrcc--OS": ["chief"], "boehmk_--PFS": ["prism"]}.get(
        name, []
    )


def test_a_users_own_model_takes_the_place_of_threads(ready):
    """Its grid is the paper's, so that both models read one set of patches."""
    (ready / "slides/7.jpg").touch()
    write_model(ready / "run")
    draft = paper(options(*WORDS, "--models", "threads,mean-conch_v15", "--model", "run"))
    entry = {"kind": "threads", "path": str(ready / "run"), "grid": "main", "encoder": "conch_v15"}
    assert draft.config["embed"]["models"]["threads"] == entry
    assert list(draft.config["tiles"]["grids"]) == ["main"]
    assert "published  threads 0.921 ± 0.009 macro-ovr-auc (ED Table 11)" in draft.counts


def test_a_model_of_another_grid_keeps_its_own(ready):
    (ready / "slides/7.jpg").touch()
    write_model(ready / "run", grid="10x_256px_0px")
    draft = paper(options(*WORDS, "--models", "threads,mean-conch_v15", "--model", "run"))
    assert draft.config["embed"]["models"]["threads"]["grid"] == "trained"
    assert draft.config["tiles"]["grids"]["trained"]["magnification"] == 10


def test_slides_of_cptac_come_from_the_open_bucket(empty_folder, capsys):
    series = [
        ("cptac_ccrcc", f"C{i}", f"{i + 1}", "HE tumor_tissue", f"C3L-{i}", "Kidney", "SM", 10**9) for i in range(6)
    ]
    index = write_index(empty_folder / "index", series)
    write_splits(empty_folder / "splits", "cptac_ccrcc--BAP1_mutation", [f"C3L-{i}" for i in range(4)])
    words = ["init", "study", "--paper", "cptac_ccrcc--BAP1_mutation", "--splits", "splits"]
    words += ["--idc-index", index["idc_index"], "--idc-names", index["idc_names"]]
    assert main(words) == 0, capsys.readouterr().err
    fetched = (
        "fetched  4 slides of CPTAC-CCRCC: by the run, from the open bucket of the Imaging Data Commons (CC BY 4.0"
    )
    assert fetched in capsys.readouterr().out
    rows = [line.split("\t") for line in (empty_folder / "study/config/slides.tsv").read_text().splitlines()]
    urls = [dict(zip(rows[0], row, strict=True))["url"] for row in rows[1:]]
    assert urls == [f"s3://idc-open-data/uuid-{i + 1}/*" for i in range(4)]
    with contextlib.chdir(empty_folder / "study"):
        assert Study.open("config/config.yaml").plan()["downloads"]["slides"]["bytes"] == 4 * 10**9


def test_slides_that_the_bucket_lacks_are_named(empty_folder, capsys):
    index = write_index(
        empty_folder / "index", [("cptac_ccrcc", "C0", "1", "HE tumor_tissue", "C3L-0", "Kidney", "SM")]
    )
    write_splits(empty_folder / "splits", "cptac_ccrcc--BAP1_mutation", ["C3L-0", "C3L-1"])
    words = ["init", "study", "--paper", "cptac_ccrcc--BAP1_mutation", "--splits", "splits"]
    assert main([*words, "--idc-index", index["idc_index"], "--idc-names", index["idc_names"]]) == 1
    assert "not in the index: 1 of 2 (C3L-1); name a folder: --slides DIR" in capsys.readouterr().err
    assert main([*words, "--idc-index", "gone.parquet", "--idc-names", index["idc_names"]]) == 1
    assert "the Imaging Data Commons can't be asked (" in capsys.readouterr().err
