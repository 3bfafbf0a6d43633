"""Bundles that were changed, or made by hand: refused by name before any work."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest
from bundle_files import FILES, TASK, bundle_of, refusal, signed, user_of
from molpath.common.bundles import BadBundle, read_sums, sums_of, verify_files
from molpath.study.bundle import read_bundle
from molpath.study.bundle_checks import BundleChecks
from molpath.study.config import Places
from molpath.study.problems import Problems, ProblemsFound
from projects import Project

#: Of a config, what a machine with a bundle says at least.
OWN = {"software": {"torch": "cpu", "allow_cpu": False}, "accept_other_code": []}


def change(path: Path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def swap(bundle: Path, old: str, other: str):
    text = (bundle / "config.yaml").read_text()
    assert old in text
    (bundle / "config.yaml").write_text(text.replace(old, other))


@pytest.fixture(scope="module")
def written(tmp_path_factory, repository):
    """A bundle, for copies to be spoiled."""
    return bundle_of(Project(tmp_path_factory.mktemp("study"), repository), "bundle")


def refusal_of(bundle: Path) -> str:
    """The refusal of a bundle before any job: as planning reads it, and as its bytes are compared."""
    problems = Problems()
    try:
        BundleChecks(read_bundle(str(bundle), Places()), OWN, Places(), problems).run()
        problems.stop()
    except ProblemsFound as found:
        return str(found)
    return "no problem"


@pytest.mark.parametrize("name", FILES)
def test_a_changed_or_missing_file_is_refused_by_its_name(written, tmp_path, name):
    """One bit in the middle, the last byte, and no file at all."""
    data = (written / name).read_bytes()
    middle = len(data) // 2
    for number, changed in enumerate((data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :], data[:-1])):
        bundle = shutil.copytree(written, tmp_path / str(number))
        (bundle / name).write_bytes(changed)
        assert f"{bundle}/{name}: " in refusal_of(bundle)
    (bundle / name).unlink()
    assert name in refusal_of(bundle)


def test_records_of_the_job_that_wrote_it_are_passed_over(written, tmp_path):
    bundle = shutil.copytree(written, tmp_path / "bundle")
    (bundle / ".record").mkdir()
    (bundle / ".record/checksums.tsv.sha256").write_text("x")
    verify_files(str(bundle))


def test_a_damaged_bundle_stops_a_run(project, tmp_path):
    bundle = bundle_of(project, "bundle")
    with (bundle / "models/threads/model.safetensors").open("ab") as handle:
        handle.write(b"x")
    message = refusal(user_of(tmp_path / "user", Path("../bundle")))
    assert "../bundle/models/threads/model.safetensors: 8 bytes, and checksums.tsv says 7" in message


def test_a_file_more_is_refused_by_its_name(written, tmp_path):
    bundle = shutil.copytree(written, tmp_path / "bundle")
    (bundle / "models/threads/notes.txt").write_text("x")
    assert "bundle/models/threads/notes.txt: checksums.tsv doesn't list it" in refusal_of(bundle)


def test_a_link_is_refused_even_if_it_leads_to_the_same_bytes(written, tmp_path):
    bundle = shutil.copytree(written, tmp_path / "bundle")
    card = bundle / f"predictors/mean/{TASK}/card.md"
    card.rename(tmp_path / "card.md")
    card.symlink_to(tmp_path / "card.md")
    assert "card.md: is a link, or no regular file" in refusal_of(bundle)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../b", "a//b", "a\\b", "", "checksums.tsv"])
def test_a_list_that_leads_out_of_the_folder_is_refused(tmp_path, name):
    body = f"file\tbytes\tsha256\n{name}\t1\t{'0' * 64}\n"
    head = f"# SHA-256 of the lines below: {hashlib.sha256(body.encode()).hexdigest()}\n"
    (tmp_path / "checksums.tsv").write_text(head + body)
    with pytest.raises(BadBundle, match="is no file of the bundle's own|not a list of files"):
        read_sums(str(tmp_path))


def test_a_larger_file_is_refused_before_it_is_read(tmp_path):
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "checksums.tsv").write_text(sums_of(str(tmp_path)))
    verify_files(str(tmp_path))
    os.truncate(tmp_path / "a", 1 << 40)  # a hole: reading it would take an hour
    with pytest.raises(BadBundle, match="a: 1099511627776 bytes, and checksums.tsv says 1"):
        verify_files(str(tmp_path))


@pytest.mark.parametrize(("spoil", "message"), [
    (lambda b: change(b / "bundle.json", layout=2), "bundle.json: written by a newer version of the workflow ("),
    (lambda b: change(b / "bundle.json", predictors=["../x"]), "bundle.json: its predictors or the weights"),
    (lambda b: change(b / "bundle.json", predictors=["no/model"]), "config.yaml: predictor no/model is of a model"),
    (lambda b: change(b / f"predictors/mean/{TASK}/predictor.json", model="other"), "predictor.json: not that of"),
    (lambda b: swap(b, "patch_size: 256", "patch_size: 512"), "grid is '20x_512px_0px_overlap', and mean/"),
    (lambda b: swap(b, "min_tissue: 0.0", "min_tissue: 0.5"), "'min_tissue': 0.5, "),
    (lambda b: swap(b, "method: otsu", "method: hsv"), "'tissue': 'hsv'}, and mean/here--grade was fitted"),
    (lambda b: swap(b, ": mean_colour", ": uni_v1"), "adapter is 'uni_v1', and mean/here--grade"),
    (lambda b: swap(b, "crops: 1", "crops: 5"), "crops is 5, and mean/here--grade was fitted on patches of 1"),
    (lambda b: swap(b, "crops: 1", "crops: x"), "config.yaml: key features/encoders/tiny/crops: 'x' is not one of"),
    (
        lambda b: (b / "models/threads/model.safetensors").write_bytes(b"other"),
        "models/threads/model.safetensors: another slide encoder than the one that threads/here--grade was fitted with",
    ),
    (lambda b: (b / "config.yaml").write_text("omics: {}\n"), "config.yaml: section omics is none of a bundle's"),
    (lambda b: (b / "config.yaml").write_text("- a\n"), "config.yaml: not a map of sections"),
    (
        lambda b: swap(b, "path: models/threads", "path: ../../elsewhere"),
        "the folder of model threads lies outside of the bundle",
    ),
])  # fmt: skip
def test_a_bundle_made_by_hand_is_refused_for_what_it_says(written, tmp_path, spoil, message):
    bundle = shutil.copytree(written, tmp_path / "bundle")
    spoil(bundle)
    assert message in refusal_of(signed(bundle))


def test_no_such_folder_is_one_sentence(tmp_path):
    message = refusal(user_of(tmp_path / "user", Path("../bundle")))
    assert "../bundle: no such folder" in message
    assert "1 problem" in message
