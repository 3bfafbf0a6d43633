"""Scale of embeddings: lengths and deviations worked out by hand."""

import anndata
import numpy as np
import pytest
from molpath.common.files import read_tsv
from molpath.tables.scales import list_scales


def test_length_and_deviation_of_each_models_embeddings(tmp_path):
    rows = {"short": np.array([[0.3, 0.4, 0], [0.0, 0.0, 0]]), "long": np.array([[3.0, 4.0, 0], [3.0, 4.0, 12.0]])}
    for name, x in rows.items():
        anndata.AnnData(x.astype(np.float32)).write_h5ad(tmp_path / f"{name}.h5ad")
    tables = [str(tmp_path / f"{name}.h5ad") for name in rows]
    list_scales(models=list(rows), tables=tables, output=str(tmp_path / "scales.tsv"))
    short, long = read_tsv(tmp_path / "scales.tsv").to_dict("records")
    assert (short["model"], short["cases"], short["dimensions"], short["constant"]) == ("short", "2", "3", "1")
    assert float(short["mean_norm"]) == pytest.approx(0.25)
    assert float(short["sd"]) == pytest.approx(np.sqrt((0.15**2 + 0.2**2) / 3))
    assert float(long["mean_norm"]) == pytest.approx(9.0)
    assert (float(long["sd"]), long["constant"]) == (pytest.approx(np.sqrt(36 / 3)), "2")
