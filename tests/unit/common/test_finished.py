"""Finished work comes back as it was kept, or not at all."""

import pytest
from molpath.common import finished
from molpath.common.finished import keep, restore

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
def test_a_damaged_file_is_said_and_nothing_comes_back(kept, tmp_path, caplog, text):
    (kept / "model.safetensors").write_text(text)
    assert not restore(kept, outputs_in(tmp_path / "new"))
    assert not (tmp_path / "new").exists()
    assert f"{kept / 'model.safetensors'} is damaged" in caplog.text
    assert "config.json" not in caplog.text


def test_what_was_kept_without_digests_does_not_come_back(kept, tmp_path, caplog):
    for marker in ("", "{", "[]", '{"config.json": 1}'):
        (kept / "complete").write_text(marker)
        assert not restore(kept, outputs_in(tmp_path / "new"))
        assert "says no digest of model.safetensors" in caplog.text
        caplog.clear()


def test_damaged_work_is_replaced_by_work_done_again(kept, tmp_path):
    (kept / "config.json").unlink()
    (kept / "config.json").write_text("{")  # the output, which was the same file, is as it was
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
    link, temporary = finished._link, finished.temporary_of
    linked = []

    def and_then_the_second(source, target):
        link(source, target)
        linked.append(source)
        if len(linked) == 1:
            with monkeypatch.context() as other:
                other.setattr(finished, "temporary_of", lambda path: temporary(path).with_name(f".other-{path.name}"))
                keep(tmp_path / "kept", outputs["second"])

    monkeypatch.setattr(finished, "_link", and_then_the_second)
    keep(tmp_path / "kept", outputs["first"])
    assert restore(tmp_path / "kept", outputs_in(tmp_path / "new"))
    assert {(tmp_path / "new" / name).read_text() for name in TEXTS} == {f"{name} of second" for name in TEXTS}
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
