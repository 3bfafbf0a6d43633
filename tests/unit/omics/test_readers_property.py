"""Property-based tests of the readers: any odd file is read right, or refused with an error that names it."""

import gzip

import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from molpath.omics.expression import normalise_rna
from molpath.omics.flags import flag_dna
from molpath.omics.genes import NoGene
from molpath.omics.no_genes import is_nothing
from molpath.omics.tables import BadProfile
from molpath.omics.units import WrongUnit

CLEAR = (BadProfile, WrongUnit, NoGene)
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@st.composite
def dressings(draw):
    """How a text file is dressed: what a reader must not care about."""
    return {
        "bom": draw(st.booleans()),
        "crlf": draw(st.booleans()),
        "gzip": draw(st.booleans()),
        "comma": draw(st.booleans()),
        "transposed": draw(st.booleans()),
        "comment": draw(st.booleans()),
        "corner": draw(st.booleans()),
        "shuffle": draw(st.integers(0, 10**6)),
    }


@st.composite
def oddities(draw):
    """What is wrong with the values: (kind, where), or nothing."""
    kinds = ("", "nan", "negative", "huge", "infinite", "text", "twice_gene", "twice_sample", "no_rows", "no_file")
    return draw(st.sampled_from(kinds)), draw(st.integers(0, 10**6))


def write(path, table, dress, crowd=()):
    """Write genes x samples as the dressing says; crowd: further lines."""
    rng = np.random.default_rng(dress["shuffle"])
    table = table.iloc[rng.permutation(len(table)), rng.permutation(table.shape[1])]
    table = table.T if dress["transposed"] else table
    text = table.to_csv(sep="," if dress["comma"] else "\t", index_label="gene" if dress["corner"] else None)
    if not dress["corner"]:
        text = text[1:] if text[:1] in ",\t" else text  # R's write.table leaves out the corner
    text = ("# made for a test\n" if dress["comment"] else "") + text
    text = text.replace("\n", "\r\n") if dress["crlf"] else text
    data = (b"\xef\xbb\xbf" if dress["bom"] else b"") + text.encode()
    path.write_bytes(gzip.compress(data) if dress["gzip"] else data)


def rows_of(path, samples, **values):
    blank = {"modality": "rna", "cohort": "A", "format": "matrix", "unit": "counts", "sample_id": "", "panel": ""}
    return [blank | {"profile_id": f"P-{s}", "case_id": s, "path": str(path), "column": s} | values for s in samples]


def read(folder, rows):
    out = folder / "rna.h5ad"
    normalise_rna(rows=rows, output=str(out), losses=str(folder / "genes.tsv"))
    return anndata.read_h5ad(out)


def spoil(table, oddity, seed):
    """The table with something wrong in it, and whether it can still be read; the wrong value is in sample s0."""
    table = table.astype(object).copy()
    row = seed % len(table)
    cells = {"nan": "NA", "negative": -3, "huge": 10**12, "infinite": "1e999", "text": "abc"}
    if oddity in cells:
        table.iloc[row, 0] = cells[oddity]
    elif oddity == "twice_gene":
        table = pd.concat([table, table.iloc[[row]]])
    elif oddity == "twice_sample":
        table = pd.concat([table, table[["s0"]]], axis=1)
    elif oddity == "no_rows":
        table = table.iloc[:0]
    return table, oddity in ("", "nan", "twice_gene")


@QUICK
@given(dress=dressings(), oddity=oddities(), values=st.lists(st.integers(0, 10**6), min_size=24, max_size=24))
def test_a_matrix_of_counts_is_right_or_refused(tmp_path_factory, dress, oddity, values):
    folder = tmp_path_factory.mktemp("matrix")
    samples = ["s0", "s1", "s2"]
    plain = pd.DataFrame(np.reshape(values, (8, 3)), [f"GENE{i}" for i in range(8)], samples)
    table, readable = spoil(plain, *oddity)
    path = folder / ("counts.csv" if dress["comma"] else "counts.tsv")
    if oddity[0] != "no_file":
        write(path, table, dress)
    rows = rows_of(path, samples)
    if not readable:
        with pytest.raises((*CLEAR, FileNotFoundError), match="counts"):
            read(folder, rows)
        return
    read_data = read(folder, rows)
    genes = sorted(plain.index) if oddity[0] != "nan" else sorted(set(plain.index) - {plain.index[oddity[1] % 8]})
    expected = plain.groupby(level=0).sum().loc[genes].T.to_numpy(float)
    if oddity[0] == "twice_gene":
        doubled = plain.index[oddity[1] % 8]
        expected[:, genes.index(doubled)] *= 2  # rows of one gene are summed
    assert list(read_data.var_names) == genes
    assert list(read_data.obs.case_id) == samples
    np.testing.assert_array_equal(read_data.layers["counts"], expected)
    cpm = expected / np.maximum(expected.sum(1, keepdims=True), 1) * 1e6
    np.testing.assert_allclose(read_data.X, np.log2(cpm + 1), rtol=1e-5, atol=1e-6)


@QUICK
@given(dress=dressings(), oddity=oddities(), seed=st.integers(0, 10**6))
def test_a_star_file_is_right_or_refused(tmp_path_factory, dress, oddity, seed):
    folder = tmp_path_factory.mktemp("star")
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 10**5, 12)
    tpm = rng.random(12)
    tpm = tpm / tpm.sum() * 1e6
    ids = [f"ENSG{i:011d}.{i}" for i in range(12)]
    table = pd.DataFrame({"gene_id": ids, "gene_name": [f"G{i}" for i in range(12)], "gene_type": "protein_coding"})
    table["unstranded"], table["tpm_unstranded"] = counts.astype(object), tpm
    kind, place = oddity
    row = place % 12
    cells = {"negative": -1, "huge": 10**12, "infinite": "1e999", "text": "x"}
    if kind in cells:
        table.loc[row, "unstranded"] = cells[kind]
    if kind == "nan":
        table.loc[row, "unstranded"] = ""
    if kind == "twice_gene":
        table = pd.concat(
            [table, table.iloc[[row]].assign(gene_id=f"{ids[row]}_PAR_Y", unstranded=9, tpm_unstranded=0)]
        )
    if kind == "twice_sample":
        table.insert(3, "unstranded", table.pop("tpm_unstranded"), allow_duplicates=True)
    if kind == "no_rows":
        table = table.iloc[:0]
    special = pd.DataFrame({"gene_id": ["N_unmapped", "N_multimapping"], "unstranded": [5, 7]})
    table = pd.concat([special, table]) if kind != "twice_sample" else table
    table = table[[*("gene_id", "gene_name", "gene_type"), *[c for c in table if not c.startswith("gene_")]]]
    text = "# gene-model: GENCODE v36\n" + table.to_csv(sep="\t", index=False)
    text = text.replace("\n", "\r\n") if dress["crlf"] else text
    data = (b"\xef\xbb\xbf" if dress["bom"] else b"") + text.encode()
    path = folder / "star.tsv"
    if kind != "no_file":
        path.write_bytes(gzip.compress(data) if dress["gzip"] else data)
    rows = rows_of(path, ["s0"], format="gdc_star", column="")
    if kind in ("", "twice_gene", "nan"):
        read_data = read(folder, rows)
        kept = [i for i in range(12) if not (kind == "nan" and i == row)]
        named = dict(zip([f"G{i}" for i in kept], counts[kept], strict=True))
        assert set(named) <= set(read_data.var_names)  # a count that is missing leaves the TPM, which is there
        if kind != "nan":
            assert read_data.layers["counts"][0].tolist() == [named[name] for name in read_data.var_names]
        return
    with pytest.raises((*CLEAR, FileNotFoundError), match="star"):
        read(folder, rows)


@settings(QUICK, max_examples=30)
@given(
    dress=dressings(),
    oddity=oddities(),
    unit=st.sampled_from(["gct", "log2_tpm_plus_1", "log2_tpm_plus_0.001", "fpkm", "wrong"]),
)
def test_gct_and_xena_matrices_are_right_or_refused(tmp_path_factory, dress, oddity, unit):
    """The same TPM as GTEx and Xena give them; a declared unit that isn't the file's is refused."""
    folder = tmp_path_factory.mktemp("tpm")
    samples = ["s0", "s1", "s2"]
    values = np.random.default_rng(dress["shuffle"]).gamma(0.5, 100, (30, 3))
    ids = [f"ENSG{i:011d}.{i % 7}" for i in range(30)]
    tpm = pd.DataFrame(values / values.sum(0) * 1e6, ids, samples)
    pseudo = {"log2_tpm_plus_1": 1, "log2_tpm_plus_0.001": 0.001}.get(unit)
    table = tpm / 3 if unit == "fpkm" else np.log2(tpm + pseudo) if pseudo else tpm
    table, _ = spoil(table, *oddity)
    path = folder / "tpm.tsv"
    plain = dress | {"comment": False, "comma": False, "transposed": False, "corner": True}
    if unit == "gct" and oddity[0] not in ("no_file", "no_rows"):
        table.insert(0, "Description", [f"SYMBOL{i}" for i in range(len(table))])
        end = "\r\n" if dress["crlf"] else "\n"
        text = f"#1.2{end}30\t3{end}" + table.to_csv(sep="\t", index_label="Name", lineterminator=end)
        data = (b"\xef\xbb\xbf" if dress["bom"] else b"") + text.encode()
        path.write_bytes(gzip.compress(data) if dress["gzip"] else data)
    elif oddity[0] != "no_file":
        write(path, table, plain)
    form = "gct" if unit == "gct" else "xena"
    declared = {"gct": "tpm", "wrong": "log2_tpm_plus_1"}.get(unit, unit)
    rows = rows_of(path, samples, format=form, unit=declared)
    linear = spoiled_tpm(tpm, unit, *oddity)
    if linear is None or unit == "wrong":
        with pytest.raises((*CLEAR, FileNotFoundError), match="tpm"):
            read(folder, rows)
        return
    read_data = read(folder, rows)
    names = [f"SYMBOL{ids.index(name)}" if unit == "gct" else name.split(".")[0] for name in linear.index]
    if unit == "gct" and oddity[0] == "twice_gene":
        names[-1] = "SYMBOL30"  # a symbol of its own on the same Ensembl id
    expected = linear.set_axis(names).groupby(level=0).sum(min_count=1).dropna()
    assert set(read_data.var_names) == set(expected.index)
    np.testing.assert_allclose(read_data.X, np.log2(expected.T + 1)[read_data.var_names], atol=2e-4)


def spoiled_tpm(tpm, unit, oddity, seed):
    """TPM that the spoiled file holds, row by row, or None where it must be refused."""
    row = seed % len(tpm)
    linear = tpm.copy()
    if oddity == "nan":
        linear.iloc[row, 0] = np.nan
    elif oddity == "negative" and unit == "log2_tpm_plus_0.001":
        linear.iloc[row, 0] = 2**-3 - 0.001  # a fair logarithm
    elif oddity == "twice_gene":
        linear = pd.concat([linear, linear.iloc[[row]]])
    elif oddity:
        return None
    total = linear.sum()
    if unit == "fpkm":
        return linear / total * 1e6
    return linear if (abs(total - 1e6) <= 5e4).all() else None


@settings(QUICK, max_examples=25)
@given(
    dress=dressings(),
    calls=st.lists(st.sampled_from(["-2", "-1", "0", "1", "2", "NA", ""]), min_size=12, max_size=12),
    kinds=st.lists(st.sampled_from(["Missense_Mutation", "Nonsense_Mutation", "Silent", "Strange"]), max_size=8),
)
def test_maf_and_copy_numbers_become_the_flags_they_say(tmp_path_factory, repository, dress, calls, kinds):
    folder = tmp_path_factory.mktemp("dna")
    end = "\r\n" if dress["crlf"] else "\n"

    def put(path, lines):
        data = (b"\xef\xbb\xbf" if dress["bom"] else b"") + (end.join(lines) + end).encode()
        path.write_bytes(gzip.compress(data) if dress["gzip"] else data)

    rng = np.random.default_rng(dress["shuffle"])
    owners = [f"C{i}" for i in rng.integers(0, 3, len(kinds))]
    genes = [f"G{i}" for i in rng.integers(0, 4, len(kinds))]
    head = ["#version 2.4"] * dress["comment"] + ["Hugo_Symbol\tVariant_Classification\tTumor_Sample_Barcode\tHGVSp"]
    put(folder / "m.maf", head + [f'{g}\t{k}\t{o}\tp."#1' for g, k, o in zip(genes, kinds, owners, strict=True)])
    table = np.reshape(calls, (4, 3))
    lines = ["Gene Symbol\tLocus ID\tCytoband\tC0\tC1\tC2"]
    put(folder / "g.txt", lines + [f"G{i}|chr1\t7\t1p\t" + "\t".join(table[i]) for i in range(4)])
    rows = []
    for case in ("C0", "C1", "C2"):
        for form, name in (("maf", "m.maf"), ("gistic", "g.txt")):
            rows += rows_of(folder / name, [case], modality="dna", format=form, unit="", column="")
    (folder / "genes.txt").write_text("G0\nG1\nG2\nG3\n")
    arguments = {
        "rows": rows,
        "consequences": str(repository / "resources/consequences/consequences.tsv"),
        "genes": str(folder / "genes.txt"),
        "output": str(folder / "dna.h5ad"),
        "losses": str(folder / "losses.tsv"),
    }
    if len(set(owners)) < 2:  # of three that are asked for
        with pytest.raises(BadProfile, match=rf"m\.maf: only {len(set(owners))} of 3 profiles"):
            flag_dna(**arguments)
        return
    if 2 * kinds.count("Strange") > len(kinds):
        with pytest.raises(BadProfile, match="variants have an unknown classification \\(such as 'Strange'\\)"):
            flag_dna(**arguments)
        return
    flag_dna(**arguments)
    data = anndata.read_h5ad(folder / "dna.h5ad")
    assert data.shape == (3, 28)
    frame, looked = data.to_df(), pd.DataFrame(data.layers["observed"], data.obs_names, data.var_names)
    names = {-2: "two_copy_deletion", -1: "loss", 1: "gain", 2: "amplification"}
    sets = {"Missense_Mutation": "small_coding", "Nonsense_Mutation": "large_coding"}
    expected = {(f"P-{o}", f"{g}:{sets[k]}") for g, k, o in zip(genes, kinds, owners, strict=True) if k in sets}
    for i in range(4):
        for j in range(3):
            measured = table[i, j] not in ("NA", "")
            assert looked.loc[f"P-C{j}", [f"G{i}:{flag}" for flag in names.values()]].eq(int(measured)).all()
            if measured and int(table[i, j]):
                expected.add((f"P-C{j}", f"G{i}:{names[int(table[i, j])]}"))
    assert {(row, column) for row in frame.index for column in frame if frame.loc[row, column]} == expected
    losses = (folder / "losses.tsv").read_text()
    assert ("unknown classification 'Strange'" in losses) == ("Strange" in kinds)


@settings(QUICK, max_examples=30)
@given(names=st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=6), seed=st.integers(0, 99))
def test_any_names_of_genes_end_in_one_row_each(tmp_path_factory, names, seed):
    """Whatever names a gene: every sum of the file is in the table or counted, or the file is refused."""
    folder = tmp_path_factory.mktemp("names")
    path = folder / "counts.parquet"
    values = np.random.default_rng(seed).integers(0, 99, (len(names), 2))
    pd.DataFrame(values, index=names, columns=["s0", "s1"]).to_parquet(path)
    try:
        table = read(folder, rows_of(path, ["s0", "s1"]))
    except CLEAR:
        # A name that says something is never refused; numbers and words for nothing say nothing.
        assert not any(name.isalnum() and not name.isdecimal() and not is_nothing(name) for name in names)
        return
    assert table.var_names.is_unique
    steps = pd.read_csv(folder / "genes.tsv", sep="\t").set_index("step").genes
    assert steps["rows"] == len(names)
    assert table.shape[1] == steps["in the table"]
    lost = steps.filter(like="dropped").sum() + steps.get("rows of the same gene joined", 0)
    assert steps["rows"] - lost == steps["in the table"]
