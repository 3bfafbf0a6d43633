"""Settings next to a bundle: each that differs in the bundle is named, with both values, and nothing else is."""

import contextlib
from pathlib import Path

from bundle_files import bundle_of, user_of
from molpath.study import Study


def notes(config: Path) -> str:
    with contextlib.chdir(config.parent):
        return "\n".join(note for note in Study.open(config.name).notes() if "bundle" in note)


def test_settings_that_a_bundle_decides_are_named_with_both_values(project, tmp_path):
    project.config["tissue"] = {"min_area_mm2": 0.3}
    bundle, user = bundle_of(project, "bundle"), tmp_path / "user"
    assert notes(user_of(user, bundle)) == ""
    overruled = {
        "tissue": {"min_area_mm2": 2, "mpp": 8, "deadline_s": 9, "quality": {"min_focus": 0.5}},
        "tiles": {"grids": {"main": {"patch_size": 512}, "mine": {"patch_size": 256}}},
        "features": {"encoders": {"tiny": {"adapter": "mean_colour", "batch_size": 3}}, "damaged": "white"},
    }
    lines = notes(user_of(user, bundle, **overruled))
    for part in (
        "tissue/min_area_mm2 (2 here, 0.3 in the bundle)",
        "tissue/quality/min_focus (0.5 here, 0.36 in the bundle)",
        "tiles/grids/main/patch_size (512 here, 256 in the bundle)",
        "tiles/grids/mine (not in the bundle)",
        "features/damaged ('white' here, 'drop' in the bundle)",
    ):
        assert part in lines
    assert lines.count("(") == 5
    assert lines.count("\n") == 0


def test_keys_of_the_machine_and_equal_keys_need_no_note(project, tmp_path):
    project.config["tissue"] = {"min_area_mm2": 0.3}
    bundle = bundle_of(project, "bundle")
    same = {"tissue": {"min_area_mm2": 0.3, "deadline_s": 9}, "tiles": {"grids": {"main": {"patch_size": 256}}}}
    config = user_of(tmp_path / "user", bundle, **same, features={"scratch": "/tmp", "use": []})
    assert notes(config) == ""
    with contextlib.chdir(config.parent):
        assert Study.open(config.name).predict.config["tissue"]["deadline_s"] == 9
