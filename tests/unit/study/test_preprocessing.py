"""A predictor and the settings that its slides were prepared by: another one in a bundle is refused."""

import contextlib
import json
import shutil
from pathlib import Path

import pytest
import yaml
from bundle_files import TASK, bundle_of, signed, user_of
from molpath.predict.stored import own_digest, text_of
from molpath.study import Study
from molpath.study.problems import ProblemsFound
from projects import Project


@pytest.fixture(scope="module")
def written(tmp_path_factory, repository):
    """A bundle, for copies to be changed."""
    return bundle_of(Project(tmp_path_factory.mktemp("study"), repository), "bundle")


def checked(bundle: Path, folder: Path) -> Study:
    config = user_of(folder, bundle)
    with contextlib.chdir(config.parent):
        study = Study.open(config.name)
        study.check()
    return study


def facts_of(bundle: Path, model: str) -> Path:
    return bundle / f"predictors/{model}/{TASK}/predictor.json"


@pytest.mark.parametrize(
    "keys",
    [
        ("tissue", "min_area_mm2", 5.0),
        ("tissue", "quality", "min_focus", 0.9),
        ("features", "damaged", "white"),
        ("features", "max_damaged_fraction", 0.9),
        ("embed", "models", "mean", "cases", "mean"),
        ("embed", "models", "threads", "cases", "mean"),
    ],
    ids=lambda keys: "/".join(map(str, keys)),
)
def test_other_settings_than_the_predictors_are_refused(written, tmp_path, keys):
    bundle = shutil.copytree(written, tmp_path / "bundle")
    config = yaml.safe_load((bundle / "config.yaml").read_text())
    part = config
    for key in keys[:-2]:
        part = part[key]
    assert part[keys[-2]] != keys[-1]
    part[keys[-2]] = keys[-1]
    (bundle / "config.yaml").write_text(yaml.safe_dump(config))
    model = "threads" if "threads" in keys else "mean"
    with pytest.raises(ProblemsFound) as caught:
        checked(signed(bundle), tmp_path / "user")
    assert f"config.yaml: its settings are not those that {model}/{TASK} was fitted with" in str(caught.value)


def test_the_same_settings_in_another_order_of_keys_are_the_same(written, tmp_path):
    bundle = shutil.copytree(written, tmp_path / "bundle")
    config = yaml.safe_load((bundle / "config.yaml").read_text())
    (bundle / "config.yaml").write_text(yaml.safe_dump(dict(reversed(config.items())), sort_keys=False))
    assert checked(signed(bundle), tmp_path / "user").predict.used


def test_every_setting_that_decides_counts_once_and_the_place_of_files_does_not(project):
    def digest(**more) -> str:
        project.write()
        return Study.open("config.yaml", more).predictors.preprocessing.digest("mean")

    usual = digest()
    assert digest(tissue={"weights": "x.pth", "deadline_s": 7}) == usual
    assert digest(features={"encoders": {"tiny": {"batch_size": 3}}, "scratch": "/tmp"}) == usual
    assert digest(embed={"models": {"mean": {"trust_remote_code": True}}}) == usual
    changes = [
        {"tissue": {"fill_holes": False}}, {"tissue": {"quality": {"min_focus": 0.2}}},
        {"tiles": {"grids": {"main": {"min_tissue": 0.3}}}}, {"features": {"max_damaged_fraction": 0.5}},
        {"embed": {"models": {"mean": {"cases": "mean"}}}},
    ]  # fmt: skip
    assert len({usual, *(digest(**change) for change in changes)}) == 6


def test_a_predictor_that_does_not_say_its_settings_is_read_and_a_note_says_so(written, tmp_path):
    bundle = shutil.copytree(written, tmp_path / "bundle")
    for model in ("mean", "threads"):
        facts = json.loads(facts_of(bundle, model).read_text())
        assert len(facts["patches"].pop("settings")) == 16
        facts_of(bundle, model).write_text(text_of(facts | {"sha256": own_digest(facts)}))
    study = checked(signed(bundle), tmp_path / "user")
    with contextlib.chdir(tmp_path / "user"):
        notes = [note for note in study.notes() if "settings" in note]
    assert len(notes) == 1
    assert f"mean/{TASK}, threads/{TASK} of {bundle} don't say by which settings" in notes[0]
