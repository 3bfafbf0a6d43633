"""HDF5 files of others: arrays that are elsewhere, or that claim more than the file can hold."""

import anndata
import h5py
import numpy as np
import pytest
from hostile_files import ABSURD, h5_bomb, h5_external, run_limited
from molpath.common.given_h5 import Unusable, check_tree, own_array


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(b"root:x:0:0:root:/root:/bin/bash\n" * 100)
    return path


def external_link(path, secret):
    with h5py.File(f"{path}.other", "w") as handle:
        handle["features"] = np.ones((4, 2), np.float32)
        handle["group/features"] = np.ones((4, 2), np.float32)
    with h5py.File(path, "w") as handle:
        handle["features"] = h5py.ExternalLink(f"{path}.other", "/features")


def external_group(path, secret):
    external_link(path, secret)
    with h5py.File(path, "w") as handle:
        handle["group"] = h5py.ExternalLink(f"{path}.other", "/group")
        handle["features"] = h5py.SoftLink("/group/features")


def virtual(path, secret):
    external_link(path, secret)
    layout = h5py.VirtualLayout((4, 2), np.float32)
    layout[:] = h5py.VirtualSource(f"{path}.other", "features", (4, 2))
    with h5py.File(path, "w") as handle:
        handle.create_virtual_dataset("features", layout)


def absurd(path, secret):
    with h5py.File(path, "w") as handle:
        handle.create_dataset("features", (ABSURD, 2), np.float32, chunks=(1024, 2))


def filled(path, secret):
    """No block of it is written: zeros without end."""
    with h5py.File(path, "w") as handle:
        handle.create_dataset("features", (ABSURD, 2), np.float32, fillvalue=1)


def dangling(path, secret):
    with h5py.File(path, "w") as handle:
        handle["features"] = h5py.SoftLink("/nowhere")


HOSTILE = [lambda path, secret: h5_external(path, secret), external_link, external_group, virtual, absurd, filled]
NAMES = ["storage", "link", "group", "virtual", "absurd", "filled"]


@pytest.mark.parametrize("make", [*HOSTILE, dangling], ids=[*NAMES, "dangling"])
def test_an_array_that_is_not_the_file_s_own_is_refused(tmp_path, secret, make):
    path = tmp_path / "a.h5"
    make(path, secret)
    with h5py.File(path) as handle, pytest.raises(Unusable, match="features"):
        own_array(handle, "features", "f")


@pytest.mark.parametrize("make", HOSTILE, ids=NAMES)
def test_a_tree_with_such_an_array_anywhere_is_refused(tmp_path, secret, make):
    path = tmp_path / "a.h5ad"
    make(path, secret)
    with h5py.File(path) as handle, pytest.raises(Unusable):
        check_tree(handle)


def test_a_group_in_another_file_is_refused(tmp_path, secret):
    external_group(tmp_path / "a.h5", secret)
    with h5py.File(tmp_path / "a.h5") as handle, pytest.raises(Unusable, match="link into another file"):
        own_array(handle, "group/features", "f")


def test_compressed_zeros_are_refused_before_they_are_read(tmp_path):
    h5_bomb(tmp_path / "a.h5")
    output = run_limited(
        """
        import sys, h5py
        from molpath.common.given_h5 import Unusable, check_tree, own_array
        with h5py.File(sys.argv[1]) as handle:
            for call in (lambda: check_tree(handle), lambda: own_array(handle, "features", "f")):
                try:
                    call()
                except Unusable as error:
                    print(error)
        """,
        tmp_path / "a.h5",
    )
    assert output.count("16384 MiB") == 2


def test_one_text_named_a_million_times_is_refused(tmp_path):
    """Texts are in a heap, and every cell may point to the same megabyte."""
    path = tmp_path / "a.h5ad"
    with h5py.File(path, "w") as handle:
        data = handle.create_dataset("names", (1 << 16,), h5py.string_dtype())
        data[0] = "x" * (1 << 18)
        place = data.id.get_offset()
    raw = bytearray(path.read_bytes())
    for row in range(1, 1 << 16):
        raw[place + 16 * row : place + 16 * (row + 1)] = raw[place : place + 16]
    path.write_bytes(raw)
    output = run_limited(
        """
        import sys, h5py
        from molpath.common.given_h5 import Unusable, check_tree
        try:
            with h5py.File(sys.argv[1]) as handle:
                check_tree(handle)
        except Unusable as error:
            print(error)
        """,
        path,
    )
    assert "up to '/names' it claims" in output


def test_sound_files_pass(tmp_path):
    data = anndata.AnnData(np.zeros((50, 20), np.float32))
    data.obs["case_id"] = [f"C{i}" for i in range(50)]
    data.obs["kind"] = "a"
    data.obs["kind"] = data.obs["kind"].astype("category")
    data.uns["note"] = "text"
    data.write_h5ad(tmp_path / "a.h5ad", compression="gzip")
    with h5py.File(tmp_path / "a.h5ad") as handle:
        check_tree(handle)
    with h5py.File(tmp_path / "b.h5", "w") as handle:
        handle["features/uni"] = np.ones((4, 2), np.float32)
        handle["features/soft"] = h5py.SoftLink("/features/uni")
        assert own_array(handle, "features/uni", "f").shape == (4, 2)
        assert own_array(handle, "features/soft", "f").shape == (4, 2)


def test_texts_in_columns_of_a_row_are_counted(tmp_path):
    """As anndata wrote tables before 0.7: rows of texts and numbers."""
    path = tmp_path / "a.h5ad"
    kind = np.dtype([("name", h5py.string_dtype()), ("value", "<f4")])
    with h5py.File(path, "w") as handle:
        handle.create_dataset("rows", data=np.array([("x" * 10, 1.0)] * 5, kind))
        handle.create_dataset("one", data="text")
        handle.create_dataset("wide", data=np.full((3, 5), "a", h5py.string_dtype()))
        handle.create_dataset("none", data=h5py.Empty("f"))
    with h5py.File(path) as handle:
        check_tree(handle)
    with h5py.File(path, "w") as handle:
        handle.create_dataset("wide", (2, 10**6), h5py.string_dtype())
    with h5py.File(path) as handle, pytest.raises(Unusable, match="rows of 1000000 texts"):
        check_tree(handle)
