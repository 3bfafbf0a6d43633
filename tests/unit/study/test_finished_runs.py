"""A finished run's folder as a model: what planning reads of it, and what it refuses."""

import json
from hashlib import sha256
from types import SimpleNamespace

import pytest
from molpath.common.digests import digest_of, sha256_of
from molpath.common.kinds import EXPRESSION_VALUES
from molpath.study import Study
from molpath.study.finished_runs import FinishedRun

PATCHES = {
    "grid": "20x_256px_0px", "adapter": "mean_colour", "input_size": 0, "tokens": "mean", "crops": 1, "stain": "",
    "decode": "exact", "mean": [], "std": [], "options": {}, "revision": "",
}  # fmt: skip
KEY = "config, key embed/models/shared"


def write_run(folder, cases=("X1",)):
    """A folder that looks like a run's, of a network nobody loads here; returns what config.json says."""
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    description = {
        "slide_encoder": {"output": 24},
        "rna_encoder": {"vocabulary": []},
        "run": {"name": "theirs", "patches": PATCHES | {"weights": ""}},
        "cases": sorted(map(digest_of, cases)),
    }
    (folder / "config.json").write_text(json.dumps(description))
    list_digests(folder)
    return description


def list_digests(folder):
    """As a run does last."""
    lines = [f"{sha256_of(folder / name)}  {name}\n" for name in ("config.json", "model.safetensors")]
    (folder / "sha256.txt").write_text("".join(lines))


@pytest.fixture
def study(project):
    """A study without runs and profiles whose only model is the folder models/theirs."""
    del project.config["pretrain"], project.config["omics"]
    project.config["embed"] = {
        "models": {"shared": {"kind": "threads", "path": "models/theirs", "grid": "main", "encoder": "tiny"}},
        "use": ["shared"],
        "attention": ["S1"],
    }
    return project


def test_a_folder_is_a_model_without_its_run_and_cohort(study):
    write_run(study.folder / "models/theirs")
    study.write()
    opened = Study.open("config.yaml")
    opened.check()
    models, wildcards = opened.models, SimpleNamespace(model="shared", cohort="A", unit="slides")
    assert models.used_runs == models.trained == []
    names = ("config.json", "model.safetensors", "sha256.txt")
    assert models.weights(wildcards) == [f"models/theirs/{name}" for name in names]
    assert models.used_sources() == [("20x_256px_0px_overlap", "tiny")]
    assert models.modalities("shared") == ["rna"]
    assert models.kinds() == {"shared": ["shared", ""]}
    assert "<results>/embed/shared/attention.h5" in opened.targets.embed()
    assert not any("pretrain" in path for path in opened.targets.report())
    assert opened.plan()["models"][0]["width"] == 24
    assert {"embed/models/shared/config.json", "embed/models/shared/model.safetensors"} <= {*opened.inventory.given()}


def test_probes_of_a_finished_run_wait_for_the_audit_of_leakage(study):
    """Without omics nothing else makes it; the task's folds are made in the run, so planning can't look at them."""
    write_run(study.folder / "models/theirs", cases=["C5"])
    study.config["probe"]["tasks"]["here--grade"]["path"] = "resources/demo/tasks/here/grade"
    study.config["embed"]["models"]["mean"] = {"kind": "mean", "grid": "main", "encoder": "tiny"}
    study.write()
    opened = Study.open("config.yaml")
    opened.check()
    audit = opened.leakage
    assert audit.audit(SimpleNamespace(model="shared")) == ["<results>/omics/leakage.tsv"]
    assert audit.audit(SimpleNamespace(model="mean")) == []
    assert audit.configs() == ["models/theirs/config.json"]
    assert audit.names() == ["theirs (model shared)"]
    assert "<results>/omics/leakage.tsv" in opened.targets.report()
    assert "<results>/tables/omics.tsv" not in opened.targets.report()


def test_a_study_without_finished_runs_needs_no_audit_beyond_its_profiles(study):
    study.config["embed"] = {"models": {"mean": {"kind": "mean", "grid": "main", "encoder": "tiny"}}, "use": ["mean"]}
    study.write()
    opened = Study.open("config.yaml")
    assert "<results>/omics/leakage.tsv" not in opened.targets.report()
    assert opened.leakage.configs() == []


def test_a_run_says_which_patches_it_reads(project):
    project.config["tiles"]["grids"]["main"]["label"] = "strict"
    project.write()
    run = Study.open("config.yaml").models.run(SimpleNamespace(run="one"))
    cut = {
        "scale": "mpp", "like": "", "min_tissue": 0.0, "drop": ["fold", "pen", "edge_or_bubble", "out_of_focus"],
        "max_dropped_fraction": 0.5, "tissue": "otsu",
    }  # fmt: skip
    assert run["patches"] == PATCHES | {"cut": cut}


def write_run_on(project, value):
    """A finished run that read expression as `value`, next to the study's own models and profiles."""
    project.config["embed"]["models"]["shared"] = {
        "kind": "threads", "path": "models/theirs", "grid": "main", "encoder": "tiny",
    }  # fmt: skip
    project.config["embed"]["use"] = [*project.config["embed"]["use"], "shared"]
    write_run(project.folder / "models/theirs")
    change(project.folder, rna_encoder={"vocabulary": [], "value": value})


@pytest.mark.parametrize(("value", "setting"), [(v, s) for s, vs in EXPRESSION_VALUES.items() for v in vs])
def test_a_run_is_taken_where_omics_value_gives_what_it_read(project, value, setting):
    """config.json has the words of the table (log2_tpm_plus_1), the config those of the setting (log2_tpm)."""
    write_run_on(project, value)
    project.config["omics"]["value"] = setting
    project.write()
    Study.open("config.yaml").check()


@pytest.mark.parametrize(("value", "setting", "advice"), [
    ("vst", "log2_tpm", "set omics/value to vst, and give profiles with counts"),
    ("log2_tpm_plus_1", "vst", "set omics/value to log2_tpm, and give profiles with TPM"),
    ("log2_norm_count_plus_1", "log2_cpm", "set omics/value to log2_tpm, and give profiles with norm_count"),
    ("log2_cpm_plus_1", "vst", "set omics/value to log2_cpm, and give profiles with counts"),
    ("other", "log2_tpm", "leave the rna profiles out"),
])  # fmt: skip
def test_a_run_on_other_values_of_expression_is_refused_where_there_are_profiles(project, value, setting, advice):
    write_run_on(project, value)
    project.config["omics"]["value"] = setting
    project.write()
    message = (
        f"{KEY}/path: the run read expression as {value}, which omics/value {setting} doesn't give\n    -> {advice}"
    )
    assert message in project.refusal()


def change(folder, **parts):
    path = folder / "models/theirs/config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | parts))
    list_digests(path.parent)


def damage(project):
    (project.folder / "models/theirs/model.safetensors").write_bytes(b"weightz")


def entry(project, **keys):
    project.config["embed"]["models"]["shared"].update(keys)


def own_weights(project):
    (project.folder / "own.safetensors").write_bytes(b"ours")
    project.config["features"]["encoders"]["tiny"]["weights"] = "own.safetensors"


def other_target(project):
    """The stain method is the same."""
    (project.folder / "target.png").write_bytes(b"image")
    project.config["features"]["encoders"]["tiny"]["stain"] = {"method": "macenko", "target": "target.png"}
    change(project.folder, run={"name": "theirs", "patches": PATCHES | {"stain": "macenko", "weights": "0123"}})


def other_revision(project):
    patches = PATCHES | {"adapter": "uni_v1", "input_size": 224, "tokens": "cls", "revision": "abc", "weights": "0123"}
    change(project.folder, run={"name": "theirs", "patches": patches})
    project.config["features"]["encoders"]["tiny"].update(adapter="uni_v1", revision="def")


SPOILT = {
    "no folder": (
        lambda p: entry(p, path="gone"),
        [f"{KEY}/path: no such file: gone/config.json, gone/model.safete"],
    ),
    "no weights": (
        lambda p: (p.folder / "models/theirs/model.safetensors").unlink(),
        [f"{KEY}/path: no such file: models/theirs/model.safetensors", "name the folder of a finished run"],
    ),
    "no JSON": (
        lambda p: (p.folder / "models/theirs/config.json").write_text("{"),
        [f"{KEY}/path: models/theirs/config.json differ from their SHA-256 in models/theirs/sha256.txt"],
    ),
    "no digests": (
        lambda p: (p.folder / "models/theirs/sha256.txt").unlink(),
        [f"{KEY}/path: no such file: models/theirs/sha256.txt", "name the folder of a finished run"],
    ),
    "config of an earlier version": (
        lambda p: change(p.folder, run={"name": "theirs"}),
        [f"{KEY}/path: models/theirs/config.json does not say patches", "that this version trained"],
    ),
    "damaged weights": (
        damage,
        [f"{KEY}/path: models/theirs/model.safetensors differ from their SHA-256 in models/theirs/sha256.txt"],
    ),
    "digests that are no text": (
        lambda p: (p.folder / "models/theirs/sha256.txt").write_bytes(b"\xff\xfe"),
        [f"{KEY}/path: models/theirs/config.json, models/theirs/model.safetensors differ from their SHA-256"],
    ),
    "another grid": (
        lambda p: p.config["tiles"]["grids"]["main"].update(patch_size=512),
        [f"{KEY}/grid: another grid than that of the run in models/theirs/config.json: grid '20x_256px_0px', here '"],
    ),
    "another encoder": (
        lambda p: p.config["features"]["encoders"]["tiny"].update(adapter="uni_v1"),
        [f"{KEY}/encoder: another encoder than that of the run in", "adapter 'mean_colour', here 'uni_v1'"],
    ),
    "another stain": (
        lambda p: p.config["features"]["encoders"]["tiny"].update(stain={"method": "macenko"}),
        [f"{KEY}/encoder: another encoder than that of the run in", "stain '', here 'macenko'"],
    ),
    "half-size decoding": (
        lambda p: p.config["features"]["encoders"]["tiny"].update(decode="half"),
        [f"{KEY}/encoder: another encoder than that of the run in", "decode 'exact', here 'half'"],
    ),
    "other weights of the same adapter": (
        own_weights,
        [
            f"{KEY}/encoder: another encoder than that of the run in",
            f"weights '', here '{sha256(b'ours').hexdigest()[:16]}'",
        ],
    ),
    "another stain target": (
        other_target,
        [f"{KEY}/encoder: another encoder than that of the run in", f"here '{sha256(b'image').hexdigest()[:16]}'"],
    ),
    "another revision of weights that are not here yet": (
        other_revision,
        [f"{KEY}/encoder: another encoder than that of the run in", "revision 'abc', here 'def'"],
    ),
    "an encoder that is not there": (
        lambda p: entry(p, encoder="uni_v9"),
        [f"{KEY}/encoder: no encoder is called 'uni_v9'", "use one of: tiny"],
    ),
    "no grid": (lambda p: entry(p, grid=""), [f"{KEY}/grid: no grid is called ''"]),
    "run and path": (
        lambda p: entry(p, run="one"),
        [f"{KEY}/run: kind threads with a path reads no run", "it reads: path, grid, encoder"],
    ),
    "a tested case that it trained on": (
        lambda p: change(p.folder, cases=[digest_of("C5")]),
        [
            "case C5 is on the test side of here--grade, and run theirs (model shared) trained on it",
            "take another model, or the case",
        ],
    ),
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_does_not_fit_is_reported_before_anything_runs(study, name):
    write_run(study.folder / "models/theirs")
    spoil, expected = SPOILT[name]
    spoil(study)
    study.write()
    message = study.refusal()
    for text in expected:
        assert text in message, message
    assert message.startswith("1 problem "), message


def test_the_same_weights_of_another_name_and_revision_are_no_others(study):
    """What the run read and what is here have one SHA-256; a run may also have read patches of several weights."""
    digest = sha256(b"ours").hexdigest()[:16]
    write_run(study.folder / "models/theirs")
    own_weights(study)
    study.write()
    for weights in (digest, f"0123; {digest}"):
        change(study.folder, run={"name": "theirs", "patches": PATCHES | {"revision": "abc", "weights": weights}})
        Study.open("config.yaml").check()


def test_a_folder_that_is_not_in_use_need_not_be_there(study):
    study.config["embed"]["models"]["mean"] = {"kind": "mean", "grid": "main", "encoder": "tiny"}
    study.config["embed"] |= {"use": ["mean"], "attention": []}
    study.write()
    Study.open("config.yaml").check()


def test_a_description_that_nests_without_end_is_none(tmp_path):
    (tmp_path / "config.json").write_text("[" * 200_000)
    assert FinishedRun(str(tmp_path), "theirs").description == {}
