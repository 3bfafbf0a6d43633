"""Finished work comes back as it was kept, or not at all."""

import errno

import pytest
from molpath.common import finished
from molpath.common.finished import damaged, keep, restore

TEXTS = {"model.safetensors": "weights", "config.json": "{}"}


@pytest.fixture
def kept(tmp_path):
    """Folder of two kept files."""
    outputs = {name: tmp_path / "out" / name for name in TEXTS}
    for name, path in outputs.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(TEXTS[name])
    keep(tmp_path / "kept", outputs)
    return tmp_path / "kept"


def outputs_in(folder):
    return {name: folder / name for name in TEXTS}


def test_kept_files_come_back(kept, tmp_path):
    assert restore(kept, outputs_in(tmp_path / "new"))
    assert {name: (tmp_path / "new" / name).read_text() for name in TEXTS} == TEXTS


@pytest.mark.parametrize("text", ["weightz", "weight", ""])
def test_a_damaged_file_is_reported_and_nothing_is_returned(kept, tmp_path, caplog, text):
    (kept / "model.safetensors").write_text(text)
    assert not restore(kept, outputs_in(tmp_path / "new"))
    assert not (tmp_path / "new").exists()
    assert f"{kept / 'model.safetensors'} is damaged" in caplog.text
    assert "config.json" not in caplog.text


@pytest.mark.parametrize("marker", ["", "{", "[]", '{"config.json": 1}', "[" * 100_000])
def test_what_was_kept_without_digests_does_not_come_back(kept, tmp_path, caplog, marker):
    (kept / "complete").write_text(marker)
    assert not restore(kept, outputs_in(tmp_path / "new"))
    assert "has no digest of model.safetensors" in caplog.text


def test_an_edit_of_an_output_leaves_what_is_kept(kept, tmp_path):
    for path in outputs_in(tmp_path / "out").values():
        with open(path, "r+") as handle:
            handle.write("!")
    restored = outputs_in(tmp_path / "new")
    assert restore(kept, restored)
    assert {name: path.read_text() for name, path in restored.items()} == TEXTS
    (tmp_path / "new/config.json").write_text("[]")
    assert restore(kept, restored)
    assert (tmp_path / "new/config.json").read_text() == "{}"


@pytest.mark.parametrize("damage", ["flipped", "gone"])
def test_damaged_work_is_thrown_away(kept, tmp_path, damage, caplog):
    (kept / "config.json").write_text("[]") if damage == "flipped" else (kept / "config.json").unlink()
    assert damaged(kept) == [kept / "config.json"]
    assert not restore(kept, outputs_in(tmp_path / "new"))
    assert "config.json is damaged, or was changed: it is removed" in caplog.text
    assert not kept.exists()


def test_a_file_system_that_copies_nothing_itself(kept, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EXDEV, "another file system")

    monkeypatch.setattr(finished.os, "copy_file_range", refuse)
    assert restore(kept, outputs_in(tmp_path / "new"))
    assert (tmp_path / "new/model.safetensors").read_text() == "weights"


def test_damaged_work_is_replaced_by_work_done_again(kept, tmp_path):
    (kept / "config.json").write_text("{")
    again = outputs_in(tmp_path / "out")
    keep(kept, again)
    assert restore(kept, outputs_in(tmp_path / "new"))
    assert (tmp_path / "new/config.json").read_text() == "{}"
    assert sorted(path.name for path in kept.iterdir()) == ["complete", "config.json", "model.safetensors"]


def test_two_jobs_with_one_stamp_never_mix_their_files(tmp_path, monkeypatch):
    """The second job ends while the first puts its files away; on another machine its weights are others."""
    outputs = {job: outputs_in(tmp_path / job) for job in ("first", "second")}
    for job, paths in outputs.items():
        for path in paths.values():
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"{path.name} of {job}")
    copy, temporary = finished.copy, finished.temporary_of
    copied = []

    def and_then_the_second(source, target):
        copy(source, target)
        copied.append(source)
        if len(copied) == 1:
            with monkeypatch.context() as other:
                other.setattr(finished, "temporary_of", lambda path: temporary(path).with_name(f".other-{path.name}"))
                keep(tmp_path / "kept", outputs["second"])

    monkeypatch.setattr(finished, "copy", and_then_the_second)
    keep(tmp_path / "kept", outputs["first"])
    assert restore(tmp_path / "kept", outputs_in(tmp_path / "new"))
    assert {(tmp_path / "new" / name).read_text() for name in TEXTS} == {f"{name} of second" for name in TEXTS}
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
