"""A shard through readers, encoder and writer: right values, bad slides, reuse, and the same bytes however it ran."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from molpath.common.files import fingerprint
from molpath.common.stamps import ForeignFile, read_stamp


def expected_colours(shard, slide_id, count, edge=32):
    pixels = np.load(shard.folder / f"{slide_id}.npy") / 255
    return np.array(
        [
            pixels[i // 8 * edge : (i // 8 + 1) * edge, i % 8 * edge : (i % 8 + 1) * edge].mean((0, 1))
            for i in range(count)
        ]
    )


def bytes_of(rows):
    return {slide_id: row["fingerprint"] for slide_id, row in rows.items()}


def test_values_layout_and_manifest(shard):
    shard.add("a", 45).add("b", 3).add("white", 5, status="set_aside").add("c", 20, level0_edge=64).write()
    rows = shard.extract()
    assert list(rows) == ["a", "b", "white", "c"]
    assert (rows["white"]["status"], rows["white"]["reason"]) == ("set_aside", "blank")
    for slide_id, count, edge in (("a", 45, 32), ("b", 3, 32), ("c", 20, 64)):
        path = shard.wsi / rows[slide_id]["file"]
        assert rows[slide_id]["fingerprint"] == fingerprint(path)
        assert [rows[slide_id][key] for key in ("n_patches", "dim", "precision")] == [str(count), "3", "fp32"]
        with h5py.File(path) as handle:
            features = handle["features"]
            assert (features.dtype, features.chunks, features.shape) == (np.float16, None, (count, 3))
            assert features.attrs["encoder"] == "mean_colour"
            assert handle["coords"].dtype == np.int64
            assert handle["coords"].attrs["patch_size_level0"] == edge
            np.testing.assert_allclose(features[:], expected_colours(shard, slide_id, count, edge), atol=3e-3)


def test_bad_slides_cost_themselves_only(shard):
    shard.add("a", 40).add("crash", 9).add("b", 7).add("hang", 30).add("broken", 12).add("c", 18).write()
    rows = shard.extract(deadline_s=1.5, batch_size=16)
    assert {k: r["reason"] for k, r in rows.items()} == {
        "a": "",
        "crash": "crashed",
        "b": "",
        "hang": "timeout",
        "broken": "unreadable",
        "c": "",
    }
    assert rows["broken"]["detail"] == "OSError: not a slide at all"
    for slide_id, count in (("a", 40), ("b", 7), ("c", 18)):
        with h5py.File(shard.wsi / rows[slide_id]["file"]) as handle:
            np.testing.assert_allclose(handle["features"][:], expected_colours(shard, slide_id, count), atol=3e-3)


def test_a_shard_of_bad_slides_ends(shard):
    shard.add("broken1", 50).add("broken2", 1).write()
    assert {row["reason"] for row in shard.extract(batch_size=8).values()} == {"unreadable"}


def test_storage_that_disappears_is_not_the_slides_fault(shard):
    shard.add("a", 5).add("b", 5).write()
    (shard.folder / "b.npy").unlink()
    with pytest.raises(FileNotFoundError, match="is its storage still mounted"):
        shard.extract()


def test_batches_workers_and_threads_do_not_change_a_byte(shard, random_weights):
    shard.add("a", 21).add("b", 5).add("c", 11).write()
    settings = [
        {"batch_size": 32, "workers": 1, "threads": 2},
        {"batch_size": 7, "workers": 2, "threads": 1},
        {"batch_size": 3, "workers": 1, "threads": 3},
    ]
    contents = []
    for setting in settings:
        shutil.rmtree(shard.wsi / "20x_32px_0px_overlap" / "features_efficientnet_lite0", ignore_errors=True)
        contents.append(bytes_of(shard.extract("efficientnet_lite0", [random_weights], **setting)))
    assert contents[0] == contents[1] == contents[2]


def test_order_and_size_of_a_shard_do_not_change_a_byte(shard, random_weights):
    shard.add("a", 21).add("b", 5).add("c", 11).write()
    rows, contents = list(shard.rows), []
    for cut in ([rows], [rows[::-1]], [rows[:1], rows[1:]]):
        shutil.rmtree(shard.wsi / "20x_32px_0px_overlap" / "features_efficientnet_lite0", ignore_errors=True)
        contents.append({})
        for shard.rows in cut:
            shard.write()
            contents[-1] |= bytes_of(shard.extract("efficientnet_lite0", [random_weights], workers=2, batch_size=8))
    assert len(contents[0]) == 3
    assert contents[0] == contents[1] == contents[2]


def test_finished_files_are_taken_and_missing_ones_come_out_the_same(shard, random_weights):
    shard.add("a", 21).add("b", 5).add("c", 11).write()
    before = shard.extract("efficientnet_lite0", [random_weights])
    from slide_doubles import refuse

    assert shard.extract("efficientnet_lite0", [random_weights], opener=refuse) == before
    # Of files that were finished before, too; models that are runs from elsewhere compare it.
    assert {row["weights"] for row in before.values()} == {fingerprint(random_weights)}
    (shard.wsi / before["b"]["file"]).unlink()  # composes other batches: b is alone now
    assert shard.extract("efficientnet_lite0", [random_weights]) == before


def test_the_manifest_reveals_a_file_that_another_job_put_in_place_of_ours(shard, monkeypatch):
    """Two runs, one let in by `--unlock`, on machines whose last bits differ."""
    from molpath.features import storage

    shard.add("a", 21).add("b", 5).write()
    write = storage.write_features

    def with_another_job(path, features, *about):
        write(path, features, *about)
        if path.stem == "b":
            write(path.with_name("a.h5"), *arguments)
        else:
            arguments[:] = [features + np.float16(0.5), *about]

    arguments = []
    monkeypatch.setattr(storage, "write_features", with_another_job)
    rows = shard.extract(workers=1)
    for row in rows.values():
        assert row["fingerprint"] == fingerprint(shard.wsi / row["file"])


def test_what_makes_a_file_stale(shard):
    from slide_doubles import refuse

    shard.add("a", 6).write()
    first = shard.extract()
    path = shard.wsi / first["a"]["file"]
    assert shard.extract(opener=refuse, code="newer", accept_other_code=True) == first
    shard.extract(code="newer")
    assert read_stamp(path)["code"] == "newer"
    shard.write(identity="another file under the same name")
    assert shard.extract(code="newer", opener=refuse)["a"]["reason"] == "unreadable"


def test_a_file_of_another_tool_is_never_replaced(shard):
    shard.add("a", 6).write()
    path = shard.wsi / "20x_32px_0px_overlap" / "features_mean_colour" / "a.h5"
    path.parent.mkdir(parents=True)
    with h5py.File(path, "w") as handle:
        handle["features"] = np.zeros((6, 3))
    before = fingerprint(path)
    with pytest.raises(ForeignFile, match=r"a\.h5 was not made by this workflow"):
        shard.extract()
    assert fingerprint(path) == before


def test_a_users_own_encoder(shard):
    shard.add("a", 10).write()
    rows = shard.extract("slide_doubles:constant_encoder")
    with h5py.File(shard.wsi / rows["a"]["file"]) as handle:
        np.testing.assert_array_equal(handle["features"][0], np.load(shard.folder / "a.npy")[0, 0])


def test_values_that_do_not_fit_stop_the_job(shard):
    shard.add("a", 10).write()
    with pytest.raises(ValueError, match="not finite as float16"):
        shard.extract("slide_doubles:overflowing_encoder")


def test_features_are_kept_in_fp32_on_request(shard):
    """The same values unrounded, and a file that is never taken for one of fp16."""
    shard.add("a", 10).write()
    small = stored(shard)
    whole = stored(shard, store="fp32")
    assert (small.dtype, whole.dtype) == (np.float16, np.float32)
    assert (whole != small).any()
    np.testing.assert_array_equal(whole.astype(np.float16), small)
    assert np.isfinite(stored(shard, "slide_doubles:overflowing_encoder", store="fp32")).all()


def stored(shard, adapter="mean_colour", **more):
    with h5py.File(shard.wsi / shard.extract(adapter, **more)["a"]["file"]) as handle:
        return handle["features"][:]


def children_of(process):
    return [
        int(pid) for task in Path(f"/proc/{process}/task").iterdir() for pid in (task / "children").read_text().split()
    ]


def command_of(process):
    """Command line of a process, empty if it ended (a zombie has none)."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def test_killed_at_any_moment_it_ends_the_same(shard):
    for index in range(12):
        shard.add(f"s{index}", 4 + index)
    shard.write()
    whole = shard.extract()
    features = shard.wsi / "20x_32px_0px_overlap" / "features_mean_colour"
    shutil.rmtree(features)
    arguments = shard.arguments(workers=1, batch_size=4)
    arguments.pop("opener")
    script = (
        "import json, sys\n"
        "if __name__ == '__main__':\n"
        "    from slide_doubles import open_slowly\n"
        "    from molpath.features.extraction import extract_shard\n"
        "    extract_shard(**json.loads(sys.argv[1]), opener=open_slowly)\n"
    )
    path = os.pathsep.join(sys.path)
    process = subprocess.Popen(
        [sys.executable, "-c", script, json.dumps(arguments)], env=os.environ | {"PYTHONPATH": path}
    )
    while len(list(features.glob("s*.h5"))) < 4 and process.poll() is None:
        time.sleep(0.05)
    readers = children_of(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(0.3)
    assert readers
    assert not [
        pid for pid in readers if Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    kept = {path.name: path.stat().st_mtime_ns for path in features.glob("s*.h5")}
    assert 4 <= len(kept) < 12
    (features / f".tmp-{os.uname().nodename}@{process.pid}@s11.h5").write_bytes(b"half")
    assert shard.extract() == whole
    assert all((features / name).stat().st_mtime_ns == when for name, when in kept.items())
    assert not list(features.glob(".tmp*"))
