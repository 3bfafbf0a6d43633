"""A bundle whose checksums are right and whose contents are not: one sentence by the file's name, and no traceback."""

import contextlib
import json
import shutil
import time

import pytest
from bundle_files import TASK, bundle_of, user_of
from molpath.common.bundles import SUMS, sums_of
from molpath.study import Study
from molpath.study.problems import ProblemsFound

FACTS = f"predictors/mean/{TASK}/predictor.json"
NEEDED = {"key": "features/encoders/tiny/weights", "name": "n", "source": "s", "revision": "", "fetched": ""}


def refused(project, tmp_path, name, spoil) -> str:
    bundle = shutil.copytree(bundle_of(project), tmp_path / "bundle")
    spoil(bundle / name)
    (bundle / SUMS).unlink()
    (bundle / SUMS).write_text(sums_of(str(bundle)))
    config = user_of(tmp_path / "user", bundle)
    with contextlib.chdir(config.parent), pytest.raises(ProblemsFound) as caught:
        Study.open(config.name).check()
    return str(caught.value)


def changed(**values):
    return lambda path: path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize(
    "needed",
    [
        {"key": "slides/slides_per_job"},
        {"key": "predict/slides"},
        {"key": ""},
        {"key": "features/encoders/other/weights"},
        {"fetched": "../../etc/passwd"},
        {"fetched": "/etc/passwd"},
    ],
    ids=str,
)
def test_what_it_needs_is_named_at_keys_of_weights_alone(project, tmp_path, needed):
    spoil = changed(needed=[NEEDED | {"files": {"": "00"}} | needed])
    message = refused(project, tmp_path, "bundle.json", spoil)
    assert "bundle/bundle.json: its predictors or the weights that it needs are not as bundles have them" in message
    assert "1 problem" in message


@pytest.mark.parametrize("label", [None, ["grade"], {"task_col": "grade"}, "grade"], ids=str)
def test_a_label_that_none_can_read_is_refused_before_any_job(project, tmp_path, label):
    assert f"{FACTS}: it doesn't say its label" in refused(project, tmp_path, FACTS, changed(label=label))


def test_a_huge_config_is_not_read(project, tmp_path):
    began = time.monotonic()
    message = refused(project, tmp_path, "config.yaml", lambda path: path.write_text("x: [1]\n" * (1 << 18)))
    assert "config.yaml: larger than a config" in message
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("packed", "packed: a file and no folder\n    -> if it is a bundle that was packed, unpack it (unzip)"),
        ("around", "around: no bundle: there is no bundle.json in it\n    -> name {folder}/around/bundle"),
        ("empty", "empty: no bundle: there is no bundle.json in it\n    -> name a folder that"),
    ],
)
def test_a_bundle_as_programs_pack_and_unpack_it(project, tmp_path, name, message):
    (tmp_path / "packed").write_bytes(b"PK")
    (tmp_path / "empty").mkdir()
    shutil.copytree(bundle_of(project), tmp_path / "around/bundle")
    with contextlib.chdir(tmp_path), pytest.raises(ProblemsFound) as caught:
        Study.open(user_of(tmp_path / "user", tmp_path / name)).check()
    assert message.format(folder=tmp_path) in str(caught.value)
