"""Given vectors that point elsewhere, or claim more than they hold: refused by name, before they are read."""

import struct

import anndata
import h5py
import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest
from hostile_files import ABSURD, h5_bomb, h5_external
from molpath.common.tsv import BadTable
from molpath.embed.given_arrays import read_vectors


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(b"root:x:0:0:root:/root:/bin/bash\n" * 100)
    return path


def h5ad(path):
    obs = pd.DataFrame(index=pd.Index(["C1", "C2"], name="case_id"))
    anndata.AnnData(np.ones((2, 3), np.float32), obs).write_h5ad(path)


def external_x(path, secret):
    h5ad(path)
    with h5py.File(path, "a") as handle:
        del handle["X"]
        handle.create_dataset("X", (2, 3), np.float32, external=[(str(secret), 0, 24)])


def linked_obs(path, secret):
    h5ad(f"{path}.other")
    h5ad(path)
    with h5py.File(path, "a") as handle:
        del handle["obs"]
        handle["obs"] = h5py.ExternalLink(f"{path}.other", "/obs")


def absurd_x(path, secret):
    h5ad(path)
    with h5py.File(path, "a") as handle:
        del handle["X"]
        handle.create_dataset("X", (2, ABSURD), np.float32, chunks=(2, 1024))


@pytest.mark.parametrize("make", [external_x, linked_obs, absurd_x])
def test_an_h5ad_elsewhere_is_refused(tmp_path, secret, make):
    path = tmp_path / "x.h5ad"
    h5ad(path)
    assert read_vectors(str(path)).ids == ["C1", "C2"]
    make(path, secret)
    with pytest.raises(BadTable, match=r"x\.h5ad"):
        read_vectors(str(path))


@pytest.mark.parametrize("make", [h5_external, lambda path, secret: h5_bomb(path)], ids=["elsewhere", "bomb"])
def test_a_file_of_a_folder_is_refused_by_name(tmp_path, secret, make):
    folder = tmp_path / "pooled"
    folder.mkdir()
    make(folder / "C1.h5", secret)
    with pytest.raises(BadTable, match=r"C1\.h5"):
        read_vectors(str(folder), unit="case_id")


def test_parquet_that_claims_too_much_is_refused(tmp_path):
    path = tmp_path / "x.parquet"
    table = pyarrow.table({"case_id": pyarrow.nulls(3 * 10**8, pyarrow.null())})
    pyarrow.parquet.write_table(table, path)
    with pytest.raises(BadTable, match=r"x\.parquet: 300000000 rows of 1 columns"):
        read_vectors(str(path))


def npy(shape, descr="<f4", data=b"\0" * 64):
    text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


@pytest.mark.parametrize(
    "data",
    [npy((1 << 60, 2)), npy((2, 3), "|O"), npy((-1, 3)), npy((2, 3), "O" * 9000), b"\x93NUMPY\x01\x00\xff\xff{"],
    ids=["shape", "objects", "negative", "header", "cut"],
)
def test_an_array_with_an_absurd_header_is_refused(tmp_path, data):
    (tmp_path / "x.npy").write_bytes(data)
    (tmp_path / "ids.tsv").write_text("case_id\nC1\nC2\n")
    with pytest.raises(BadTable, match=r"x\.npy"):
        read_vectors(str(tmp_path / "x.npy"), str(tmp_path / "ids.tsv"))
