"""Files of others that are refused before a library opens them, in little memory, by name."""

import io

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import torch
import yaml
from hostile_files import nested_json, npz_bomb, run_limited, safetensors_of, yaml_bomb, zip_bomb
from molpath.common.given_files import check_archive, check_array, check_safetensors
from molpath.common.given_parquet import check_parquet
from molpath.common.given_text import Refused, check_yaml_size, read_json
from molpath.common.given_yaml import read_yaml
from molpath.common.tsv import MOST_COLUMNS, BadTable, read_cells
from molpath.study.problems import ProblemsFound
from molpath.study.yaml_files import load_yaml
from safetensors.torch import save_file


def test_json_that_nests_or_is_none(tmp_path):
    path = tmp_path / "a.json"
    for text, wrong in ((nested_json(), "nests too deep"), ("{", "not JSON"), ("\xff", "not JSON")):
        path.write_bytes(text.encode("latin-1"))
        with pytest.raises(Refused, match=f"a.json is .*{wrong}"):
            read_json(path)
    path.write_text('\ufeff{"a": 1}')
    assert read_json(path) == {"a": 1}


@pytest.mark.parametrize("length", [1 << 62, 100, 3])
def test_safetensors_with_an_absurd_header(tmp_path, length):
    path = tmp_path / "w.safetensors"
    safetensors_of(path, length)
    with pytest.raises(Refused, match=r"w\.safetensors: not a (complete )?safetensors file"):
        check_safetensors(path)
    safetensors_of(path, 400_000, nested_json().encode())
    with pytest.raises(Refused, match="RecursionError"):
        check_safetensors(path)


def test_a_sound_file_of_weights_passes(tmp_path):
    save_file({"a": torch.ones(3)}, tmp_path / "w.safetensors")
    torch.save({"a": torch.zeros(10**6)}, tmp_path / "w.pt")
    np.savez_compressed(tmp_path / "a.npz", features=np.zeros((10**6, 2)))
    (tmp_path / "plain").write_bytes(b"no archive")
    check_safetensors(tmp_path / "w.safetensors")
    check_archive(tmp_path / "w.pt")
    check_archive(tmp_path / "a.npz", packed=True)
    check_archive(tmp_path / "plain")
    with open(tmp_path / "w.pt", "rb") as handle:
        data = io.BytesIO(handle.read())
    check_archive(data, "w.pt")
    assert data.tell() == 0


def test_a_flipped_bit_of_a_torch_file_is_no_value(tmp_path):
    """torch.load gives 3.0000002 for 3.0 and says nothing."""
    path = tmp_path / "f.pt"
    torch.save(torch.full((1000,), 3.0), path)
    data = bytearray(path.read_bytes())
    data[data.index(torch.full((8,), 3.0).numpy().tobytes())] ^= 1
    path.write_bytes(data)
    assert torch.load(path, weights_only=True).ne(3.0).sum() == 1
    with pytest.raises(Refused, match=r"f\.pt: \S+ in it differs from its checksum: get it again"):
        check_archive(path)


def test_a_torch_file_written_without_checksums_passes(tmp_path):
    before = torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(torch.full((1000,), 3.0), tmp_path / "f.pt")
    finally:
        torch.serialization.set_crc32_options(before)
    check_archive(tmp_path / "f.pt")


def test_archives_that_unpack_without_end(tmp_path):
    zip_bomb(tmp_path / "w.pt")
    npz_bomb(tmp_path / "a.npz")
    with pytest.raises(Refused, match=r"w\.pt: 64 MiB in an archive"):
        check_archive(tmp_path / "w.pt")
    with pytest.raises(Refused, match=r"a\.npz: 1100 MiB"):
        check_archive(tmp_path / "a.npz", packed=True)


def test_weights_of_every_loader_are_looked_at(tmp_path):
    zip_bomb(tmp_path / "w.pt")
    (tmp_path / "best_model.pt").hardlink_to(tmp_path / "w.pt")
    output = run_limited(
        """
        import hashlib, sys, torch
        from pathlib import Path
        from molpath.embed.foreign import read_weights
        from molpath.features.weights import load_weights
        from molpath.features.layouts import read_features
        from molpath.pretrain.molecular_encoders import read_scgpt_weights
        from molpath.tissue.checkpoints import read_tensors
        path = sys.argv[1]
        digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        calls = (lambda: load_weights(path), lambda: read_weights(path), lambda: read_tensors(path, digest))
        for call in (*calls, lambda: read_scgpt_weights(str(Path(path).parent)), lambda: read_features(path)):
            try:
                call()
            except Exception as error:
                print(type(error).__name__, "w.pt" in str(error) or "best_model.pt" in str(error))
        """,
        tmp_path / "w.pt",
    )
    lines = output.splitlines()
    assert len(lines) == 5
    assert all(line.endswith("True") and not line.startswith("MemoryError") for line in lines)


def test_parquet_with_more_rows_than_its_bytes_hold(tmp_path):
    path = tmp_path / "a.parquet"
    rows = 3 * 10**8
    table = pyarrow.table({"a": pyarrow.nulls(rows, pyarrow.null())})
    pyarrow.parquet.write_table(table, path)
    with pytest.raises(Refused, match="300000000 rows of 1 columns"):
        check_parquet(path)
    pyarrow.parquet.write_table(pyarrow.table({"a": np.zeros(10**6)}), path)
    check_parquet(path)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.float64])
def test_flags_that_are_nearly_all_zero_are_data(tmp_path, dtype):
    """Mutations of 0.3 % of the genes, as many samples and genes as in TCGA."""
    path = tmp_path / "flags.parquet"
    gene = (np.random.default_rng(0).random(70_000) < 0.003).astype(dtype)
    columns = {str(i): pyarrow.array(np.roll(gene, 37 * i)) for i in range(2000)}
    pyarrow.parquet.write_table(pyarrow.table(columns), path, compression="zstd")
    check_parquet(path)


def test_a_header_of_an_array_that_ends_in_a_bracket(tmp_path):
    path = tmp_path / "a.npy"
    path.write_bytes(b'\x93NUMPY\x01\x00\x10\x00{"a":((((((((((\n')
    with pytest.raises(Refused, match="no header of an array"):
        check_array(path)


def test_a_yaml_bomb_is_refused_and_aliases_are_not(tmp_path):
    path = tmp_path / "config.yaml"
    for text in (yaml_bomb(), "a: &a [*a]", "a: &a {<<: *a}"):
        path.write_text(text)
        with pytest.raises(ProblemsFound, match=r"config\.yaml.*alias"):
            load_yaml(path)
    path.write_text("a: &a {x: [1, 2]}\nb: *a\nc: {<<: *a, y: 3}")
    assert load_yaml(path) == {"a": {"x": [1, 2]}, "b": {"x": [1, 2]}, "c": {"x": [1, 2], "y": 3}}
    check_yaml_size(yaml.compose("[1, 2, {a: b}]"))


@pytest.mark.parametrize("text", ["[" * 200_000, "- " * 200_000 + "a", "{a: " * 200_000])
def test_yaml_that_nests_too_deep_is_refused(tmp_path, text):
    (tmp_path / "config.yaml").write_text(text)
    output = run_limited(
        """
        import sys
        from molpath.study.yaml_files import load_yaml
        try:
            load_yaml(sys.argv[1])
        except Exception as error:
            print(type(error).__name__, "config.yaml" in str(error))
        """,
        tmp_path / "config.yaml",
    )
    assert output.strip() == "ProblemsFound True"


def test_a_sheet_of_absurd_width_is_refused(tmp_path):
    path = tmp_path / "k=all.tsv"
    path.write_text("\t".join(f"c{i}" for i in range(MOST_COLUMNS + 1)) + "\n")
    with pytest.raises(BadTable, match=f"header: {MOST_COLUMNS + 1} columns"):
        read_cells(path)
    path.write_text("a\tb\nc" + "\t" * 10**7 + "\n")
    with pytest.raises(BadTable, match=r"row 2: 10000001 cells, and the header has 2"):
        read_cells(path)


def test_the_config_of_a_task_is_read_as_carefully(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("a: &a [1]\nb: *a")
    assert read_yaml(path) == {"a": [1], "b": [1]}
    path.write_text("")
    assert read_yaml(path) is None
    path.write_text(yaml_bomb())
    with pytest.raises(Refused, match=r"config\.yaml: more than 1000000 values"):
        read_yaml(path)


def test_an_array_of_objects_is_reported_as_such(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.array([{}, []], object), allow_pickle=True)
    with pytest.raises(Refused, match="it holds Python objects"):
        check_array(path)
    np.save(path, np.ones((2, 3)))
    check_array(path)
