"""What `verify` says of files that are in no manifest, only in the record of the job that made them."""

from molpath.common import finished, job_files
from molpath.common.recorded import FOLDER
from molpath.provenance.verification import orphans, recorded_differences


def write_output(results, name, contents="contents"):
    """A file of a job that ended well."""
    path = results / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(contents)
    job_files.record([str(path)], str(results))
    return path


def test_changed_cut_and_missing_files_are_named(tmp_path):
    whole, changed, cut, lost = (
        write_output(tmp_path, f"omics/{name}.tsv") for name in ("whole", "changed", "cut", "lost")
    )
    assert recorded_differences(tmp_path) == []
    changed.write_text("CONTENTS")
    cut.write_text("con")
    lost.unlink()
    differences = recorded_differences(tmp_path)
    assert differences == [
        f"{changed} has other contents than the job that made it recorded",
        f"{cut} has 3 bytes, the job that made it recorded 8",
        f"{lost} is missing",
    ]
    assert not any(str(whole) in sentence for sentence in differences)


def test_damaged_kept_work_is_named(tmp_path):
    vector = write_output(tmp_path, "embed/slides.h5ad")
    kept = tmp_path / "embed" / ".finished" / "0123"
    finished.keep(kept, {"vector": vector})
    assert recorded_differences(tmp_path) == []
    (kept / "vector").write_text("CONTENTS")
    assert finished.damaged(kept) == [kept / "vector"]
    (sentence,) = recorded_differences(tmp_path)
    assert sentence.startswith(f"{kept / 'vector'} differs from what was kept")


def test_records_are_no_orphans(tmp_path):
    stranger = write_output(tmp_path, "wsi/20x/patches/a.h5")
    assert (stranger.parent / FOLDER).is_dir()
    assert orphans(tmp_path) == [str(stranger)]
