"""Tables of given vectors: every format gives the same numbers; a bad file is reported with file, row and remedy."""

import h5py
import numpy as np
import pytest
from molpath.common.tsv import BadTable
from molpath.embed.given import Given, take_vectors
from molpath.embed.given_arrays import read_vectors

NAMES = ["C1", "C2", "C3"]
X = np.array([[0.5, -1.25], [2.0, 3.5], [1e-3, 7.0]], np.float32)


def text(separator, x=X, unit="case_id"):
    rows = [separator.join([name, *map(str, row.tolist())]) for name, row in zip(NAMES, x, strict=True)]
    return "\n".join([separator.join([unit, "e0", "e1"]), *rows]) + "\n"


def write_tsv(folder):
    (folder / "x.tsv").write_text(text("\t"))
    return {"path": folder / "x.tsv"}


def write_csv(folder):
    (folder / "x.csv").write_text(text(",").replace("C2,", '"C2",'))
    return {"path": folder / "x.csv"}


def write_parquet(folder):
    import pandas as pd

    pd.DataFrame({"case_id": NAMES, "e0": X[:, 0], "e1": X[:, 1]}).to_parquet(folder / "x.parquet")
    return {"path": folder / "x.parquet"}


def write_npy(folder):
    np.save(folder / "x.npy", X.astype(np.float64))
    (folder / "ids.tsv").write_text("\n".join(["case_id", *NAMES]) + "\n")
    return {"path": folder / "x.npy", "ids": folder / "ids.tsv"}


def write_h5ad(folder, index="case_id"):
    import anndata
    import pandas as pd

    anndata.AnnData(X, obs=pd.DataFrame(index=pd.Index(NAMES, name=index))).write_h5ad(folder / "x.h5ad")
    return {"path": folder / "x.h5ad"}


def write_folder(folder, shape=(2,)):
    """As TRIDENT and Patho-Bench write: one vector a file, with or without an axis of length 1 before it."""
    (folder / "pooled").mkdir()
    for name, row in zip(NAMES, X, strict=True):
        with h5py.File(folder / f"pooled/{name}.h5", "w") as handle:
            handle["features"] = row.reshape(shape)
    return {"path": folder / "pooled", "unit": "case_id"}


WRITERS = {
    "tsv": write_tsv,
    "csv": write_csv,
    "parquet": write_parquet,
    "npy": write_npy,
    "h5ad": write_h5ad,
    "folder": write_folder,
    "folder of rows": lambda folder: write_folder(folder, (1, 2)),
}


def read(options):
    return read_vectors(**{key: str(value) for key, value in options.items()})


@pytest.mark.parametrize("form", WRITERS)
def test_every_format_gives_the_same_vectors(form, tmp_path):
    vectors = read(WRITERS[form](tmp_path))
    assert (vectors.unit, vectors.ids) == ("case_id", NAMES)
    np.testing.assert_array_equal(np.asarray(vectors.values, np.float32), X)


def test_a_table_of_slides_keeps_their_cases(tmp_path):
    (tmp_path / "x.tsv").write_text("slide_id\tcase_id\te0\nS1\tC1\t1\nS2\tC1\t2\n")
    vectors = read_vectors(str(tmp_path / "x.tsv"))
    assert (vectors.unit, vectors.ids, vectors.cases) == ("slide_id", ["S1", "S2"], ["C1", "C1"])
    assert np.asarray(vectors.values).tolist() == [[1.0], [2.0]]


MISTAKES = {
    "an id twice": ("x.tsv", text("\t").replace("C3", "C1"), r"x.tsv, row 4: case_id C1 is there twice .*row 2"),
    "no id": ("x.tsv", text("\t").replace("C3", ""), "row 4: case_id is empty"),
    "NaN": ("x.tsv", text("\t").replace("3.5", "nan"), r"row 3, column e1: 'nan' is no finite number"),
    "empty cell": ("x.tsv", text("\t").replace("3.5", ""), r"row 3, column e1: '' is no finite number"),
    "more than float32 holds": ("x.csv", text(",").replace("3.5", "1e39"), r"row 3, column e1: '1e39'"),
    "words": ("x.csv", text(",").replace("7.0", "male"), r"x.csv, row 4, column e1: 'male' is no finite number"),
    "a row too short": ("x.tsv", text("\t").replace("\t3.5", ""), "x.tsv, row 3: 2 cells, and the header has 3"),
    "a row too long": ("x.csv", text(",").replace("3.5", "3.5,1"), "x.csv, row 3: 4 cells, and the header has 3"),
    "a column twice": ("x.csv", text(",").replace("e1", "e0"), "header: column 'e0' is there 2 times"),
    "no ids at all": ("x.csv", text(",", unit="patient"), "header: no column case_id or slide_id"),
    "no vectors": ("x.tsv", "case_id\nC1\n", "no vectors in it"),
    "nothing": ("x.csv", "\n", "no line in it"),
    "semicolons": ("x.csv", text(";"), r"x.csv, header: 'case_id;e0;e1' has no comma, but semicolons: .*commas"),
    "tabs": ("x.csv", text("\t"), "has no comma, but tabs: .*call it .tsv"),
    "digits of another script": (
        "x.csv",
        text(",").replace("3.5", "\u0661"),
        "row 3, column e1: .* is no finite number",
    ),
    "underscores": ("x.tsv", text("\t").replace("3.5", "1_000"), "row 3, column e1: '1_000' is no finite number"),
    "a line end in an id": ("x.csv", text(",").replace("C2", '"C\n2"'), r"case_id 'C\\n2' has white space"),
    "an id with a space behind it": ("x.csv", text(",").replace("C3", "C1 "), "row 4: case_id 'C1 ' has white space"),
    "two spaces in an id": ("x.tsv", text("\t").replace("C3", "C  1"), "row 4: case_id 'C  1' has white space"),
    "fractions for ids": ("x.csv", "case_id,e0\n1.0,5\n2.0,6\n", r"case_ids are fractions \(1.0, …\)"),
    "another format": ("x.pkl", "", r"no format of vectors by its name: give it as .tsv, .csv"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_is_wrong_with_text_is_reported(mistake, tmp_path):
    name, contents, message = MISTAKES[mistake]
    (tmp_path / name).write_text(contents)
    with pytest.raises(BadTable, match=message):
        read_vectors(str(tmp_path / name))


def test_what_is_wrong_with_an_array_is_reported(tmp_path):
    options = write_npy(tmp_path)
    with pytest.raises(BadTable, match="an array has no ids: name under `ids`"):
        read({"path": options["path"]})
    np.save(tmp_path / "x.npy", X[:2])
    with pytest.raises(BadTable, match=r"x.npy: 2 rows, and .*ids.tsv has 3 ids"):
        read(options)
    np.save(tmp_path / "x.npy", np.where(X == 3.5, np.inf, X))
    with pytest.raises(BadTable, match=r"x.npy, row 3 of .*ids.tsv, column 1: inf is no finite number"):
        read(options)
    np.save(tmp_path / "x.npy", X[0])
    with pytest.raises(BadTable, match=r"shape \(2,\)"):
        read(options)


def test_what_is_wrong_with_a_folder_is_reported(tmp_path):
    options = write_folder(tmp_path)
    with pytest.raises(BadTable, match="set `unit` to slide_id or case_id"):
        read({"path": options["path"]})
    for values, message in (
        (np.zeros(3), r"C2.h5: a vector of 3 numbers, where most have 2"),
        (np.zeros((9, 2)), r"C2.h5: features of shape \(9, 2\), not one vector: .*pool these patches"),
        (np.array([1.0, np.nan]), r"file C2.h5, column 1: nan is no finite number"),
    ):
        with h5py.File(tmp_path / "pooled/C2.h5", "w") as handle:
            handle["features"] = values
        with pytest.raises(BadTable, match=message):
            read(options)
    (tmp_path / "pooled/C2.h5").write_bytes(b"no h5")
    with pytest.raises(BadTable, match=r"C2.h5: .*make it again, or take it out of the folder"):
        read(options)


def test_an_index_of_another_name_needs_the_unit(tmp_path):
    options = write_h5ad(tmp_path, index="sample")
    with pytest.raises(BadTable, match="index 'sample' is neither case_id nor slide_id: say under `unit`"):
        read(options)
    assert read(options | {"unit": "slide_id"}).unit == "slide_id"


def frame(**columns):
    import pandas as pd

    return pd.DataFrame({"case_id": NAMES, "e0": X[:, 0], "e1": X[:, 1]} | columns)


def write_frame(table, path):
    """A data frame as pandas writes it without further thought: its index goes along."""
    import anndata
    import pandas as pd

    if path.suffix == ".csv":
        table.to_csv(path)
    elif path.suffix == ".parquet":
        table.to_parquet(path)
    else:
        numbers = table.set_index("case_id").select_dtypes("number")
        anndata.AnnData(numbers.to_numpy(), numbers[[]], pd.DataFrame(index=numbers.columns)).write_h5ad(path)


ROW_NUMBERS = {
    "pandas' index": ("x.csv", lambda: frame(), "column 1 of its numbers, which has no name"),
    "an index read back": ("x.parquet", lambda: frame(**{"Unnamed: 0": [0, 1, 2]}), "column Unnamed: 0"),
    "an index of sorted rows": ("x.parquet", lambda: frame().iloc[[2, 0, 1]], "column __index_level_0__"),
    "an index made a column": ("x.h5ad", lambda: frame().reset_index(), "column index"),
}


@pytest.mark.parametrize("form", ROW_NUMBERS)
def test_row_numbers_are_no_part_of_a_vector(form, tmp_path):
    name, table, message = ROW_NUMBERS[form]
    write_frame(table(), tmp_path / name)
    with pytest.raises(BadTable, match=rf"{name}, {message}: row numbers, .* \(index=False\)"):
        read_vectors(str(tmp_path / name))


@pytest.mark.parametrize("name", ["x.csv", "x.parquet"])
def test_an_index_that_is_the_key_is_read(name, tmp_path):
    write_frame(frame().set_index("case_id"), tmp_path / name)
    vectors = read_vectors(str(tmp_path / name))
    assert vectors.ids == NAMES
    np.testing.assert_array_equal(np.asarray(vectors.values), X)


@pytest.mark.parametrize("name", ["x.csv", "x.parquet", "x.h5ad"])
def test_a_label_among_the_numbers_is_refused(name, tmp_path):
    table = frame(label=[0, 1, 0])
    write_frame(table.set_index("case_id") if name != "x.h5ad" else table, tmp_path / name)
    options = {"path": str(tmp_path / name), "ids": "", "unit": "", "output": str(tmp_path / "vectors.h5")}
    with pytest.raises(BadTable, match=rf"{name}, column label: a task names it as its label"):
        take_vectors(**options, labels=["label"])
    take_vectors(**options, labels=["another"])


@pytest.mark.parametrize("name", ["x.csv", "x.parquet", "x.h5ad"])
def test_a_slide_of_another_case_is_refused_in_every_format(name, tmp_path):
    import anndata
    import pandas as pd

    cases = pd.DataFrame({"case_id": ["P1", "P2", "P3"]}, index=pd.Index(NAMES, name="slide_id"))
    if name == "x.h5ad":
        anndata.AnnData(X, cases).write_h5ad(tmp_path / name)
    else:
        write_frame(cases.assign(e0=X[:, 0], e1=X[:, 1]), tmp_path / name)
    output = str(tmp_path / "vectors.h5")
    take_vectors(path=str(tmp_path / name), ids="", unit="", output=output)
    vectors = Given.read(output)
    np.testing.assert_array_equal(vectors.of("P1", ["C1"])[0], X[0])
    with pytest.raises(BadTable, match=f"{name}: slide C2 is of case P2 here, and of P1 in the study"):
        vectors.of("P1", ["C1", "C2"])


def test_a_case_called_0_is_a_case(tmp_path):
    frame(case_id=[0, 1, 1], slide_id=NAMES).to_parquet(tmp_path / "x.parquet")
    output = str(tmp_path / "vectors.h5")
    take_vectors(path=str(tmp_path / "x.parquet"), ids="", unit="", output=output)
    with pytest.raises(BadTable, match=r"x.parquet: slide C1 is of case 0 here, and of P1 in the study"):
        Given.read(output).of("P1", ["C1"])


def test_cases_that_are_numbers_in_an_h5ad_are_text(tmp_path):
    import anndata
    import pandas as pd

    cases = pd.DataFrame({"case_id": [7, 8, 8]}, index=pd.Index(NAMES, name="slide_id"))
    anndata.AnnData(X, cases).write_h5ad(tmp_path / "x.h5ad")
    assert list(read({"path": tmp_path / "x.h5ad"}).cases) == ["7", "8", "8"]


@pytest.mark.parametrize(("contents", "kind"), [(text(",").encode("utf-16"), "UTF-16"), (b"\x1f\x8b\x08abc", "gzip")])
def test_a_csv_that_is_another_format_is_named(contents, kind, tmp_path):
    (tmp_path / "x.csv").write_bytes(contents)
    with pytest.raises(BadTable, match=f"x.csv: this is .*{kind}.*comma-separated text in UTF-8"):
        read_vectors(str(tmp_path / "x.csv"))


def test_columns_without_name_and_cells_are_none(tmp_path):
    (tmp_path / "x.csv").write_text(text(",").replace("\n", ",\n"))
    np.testing.assert_array_equal(np.asarray(read_vectors(str(tmp_path / "x.csv")).values), X)


def test_odd_arrays_are_reported_and_ids_may_have_more_columns(tmp_path):
    options = write_npy(tmp_path)
    (tmp_path / "ids.csv").write_text("\n".join(["case_id,note", *(f"{name},x" for name in NAMES)]) + "\n")
    assert read(options | {"ids": tmp_path / "ids.csv"}).ids == NAMES
    with open(tmp_path / "x.npy", "wb") as handle:
        np.savez(handle, X)
    with pytest.raises(BadTable, match=r"x.npy: an archive of arrays \(.npz\), no array"):
        read(options)
    write_h5ad(tmp_path)
    with h5py.File(tmp_path / "x.h5ad", "a") as handle:
        del handle["X"]
    with pytest.raises(BadTable, match="x.h5ad: it has no X"):
        read({"path": tmp_path / "x.h5ad"})


def test_hidden_files_of_a_folder_are_skipped_and_a_scalar_is_reported(tmp_path):
    options = write_folder(tmp_path)
    (tmp_path / "pooled/._C1.h5").write_bytes(b"x")
    (tmp_path / "pooled/C3.h5").rename(tmp_path / "pooled/C3.hdf5")
    assert read(options).ids == NAMES
    with h5py.File(tmp_path / "pooled/C2.h5", "w") as handle:
        handle["features"] = np.float32(1)
    with pytest.raises(BadTable, match=r"C2.h5: features of shape \(\), not one vector"):
        read(options)
