"""Matrices of others in h5ad and Parquet that point elsewhere or claim more than they hold."""

import anndata
import h5py
import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from hostile_files import ABSURD
from molpath.omics.tables import BadProfile, read_frame


@pytest.mark.parametrize("kind", ["elsewhere", "absurd", "link"])
def test_an_h5ad_is_refused_by_name(tmp_path, kind):
    path, secret = tmp_path / "x.h5ad", tmp_path / "secret"
    secret.write_bytes(b"root:x:0:0:root:/root:/bin/bash\n" * 10)
    anndata.AnnData(np.ones((2, 3), np.float32)).write_h5ad(path)
    assert read_frame(str(path)).shape == (2, 3)
    with h5py.File(path, "a") as handle:
        del handle["X"]
        if kind == "elsewhere":
            handle.create_dataset("X", (2, 3), np.float32, external=[(str(secret), 0, 24)])
        elif kind == "absurd":
            handle.create_dataset("X", (ABSURD, 3), np.float32, chunks=(1024, 3))
        else:
            handle["X"] = h5py.ExternalLink("/etc/passwd", "/X")
    with pytest.raises(BadProfile, match=r"x\.h5ad: "):
        read_frame(str(path))


def test_parquet_is_refused_by_name(tmp_path):
    path = tmp_path / "x.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"a": pyarrow.nulls(3 * 10**8, pyarrow.null())}), path)
    with pytest.raises(BadProfile, match=r"x\.parquet: 300000000 rows"):
        read_frame(str(path))
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(BadProfile, match=r"x\.parquet: "):
        read_frame(str(path))
