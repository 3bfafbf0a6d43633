"""The gate of gene names: rows that are no genes never become one, and every row is known, kept, joined or counted."""

import anndata
import numpy as np
import pandas as pd
import pytest
from molpath.common.files import read_tsv
from molpath.omics.expression import normalise_rna
from molpath.omics.genes import GeneTable, NoGene, genes_of
from molpath.omics.naming import name_genes
from molpath.omics.tables import BadProfile

ROW = {"modality": "rna", "cohort": "X", "format": "matrix", "unit": "counts", "sample_id": "", "panel": ""}
SAMPLES = ["S1", "S2", "S3"]


@pytest.fixture(scope="module")
def gene_table(repository):
    return str(repository / "resources/genes/hgnc.tsv")


@pytest.fixture(scope="module")
def table(gene_table):
    return GeneTable(gene_table)


@pytest.fixture(scope="module")
def plain(table):
    """Counts of 200 genes by symbol; S1 has 84,900 in all, as the table of the public reports."""
    symbols = [name for name in sorted(table.approved) if name.isalnum()][:200]
    counts = np.random.default_rng(5).negative_binomial(2, 0.005, (200, 3))
    counts[-1, 0] += 84_900 - counts[:, 0].sum()
    assert (counts >= 0).all()
    return pd.DataFrame(counts, symbols, SAMPLES)


@pytest.fixture
def read(tmp_path, gene_table):
    """Counts (profiles x genes) and steps of a table written as TSV."""

    def read(frame, genes=gene_table, **options):
        frame.to_csv(tmp_path / "counts.tsv", sep="\t", **options)
        return read_file(tmp_path / "counts.tsv", tmp_path, genes)

    return read


def read_file(path, folder, genes):
    rows = [ROW | {"profile_id": s, "case_id": s, "column": s, "path": str(path)} for s in SAMPLES]
    normalise_rna(rows=rows, output=str(folder / "rna.h5ad"), losses=str(folder / "genes.tsv"), genes=genes)
    data = anndata.read_h5ad(folder / "rna.h5ad")
    steps = read_tsv(folder / "genes.tsv").set_index("step").genes.astype(int).to_dict()
    return pd.DataFrame(data.layers["counts"].T, data.var_names, data.obs_names), steps, data


def with_rows(plain, names, value=5000):
    """The table with further rows of one value each."""
    more = pd.DataFrame(value, names, SAMPLES)
    return pd.concat([plain.iloc[:50], more, plain.iloc[50:]])


def check_is_plain(frame, plain):
    pd.testing.assert_frame_equal(
        frame, plain.sort_index(), check_names=False, check_dtype=False, check_index_type=False
    )


JUNK = {
    "summary rows dropped": [
        *("__no_feature", "__ambiguous", "__too_low_aQual", "__not_aligned", "__alignment_not_unique"),
        *("N_unmapped", "N_multimapping", "N_noFeature", "N_ambiguous"),
        *("no_feature", "alignment_not_unique", "Unassigned_NoFeatures", "Unassigned_MultiMapping"),
        *("Total", "total counts", "Sum", "ERCC-00002", "ERCC-00171"),
    ],
    "rows without a name dropped": [
        *(
            "NA",
            "NA",
            "",
            "nan",
            "NaN",
            "None",
            "-",
            "--",
            "---",
            "N/A",
            "n/a",
            "#N/A",
            "null",
            "?",
            ".",
            "Unknown",
            " ",
        ),
    ],
    "spreadsheet dates dropped": [
        *("1-Mar", "2-Sep", "Mar-01", "Sep-2", "2023-09-02 00:00:00", "2023-03-01", "3/1/2023", "43891", "1. Mrz"),
        *("01. Mär", "1-mars", "1-Mar-23", "1-Dec", "10-Oct", "9-Sept", "1.3.2023", "01.03.", "3/1", "März 01"),
        *("2023-09-02T00:00:00", "1-Dez", "1-mrt", "2-set", "1-déc", "3月1日", "44806.0", "Sep 2, 2023"),
    ],
    "numbers among names dropped": ["12", "7157", "2.31E+19", "0"],
    "PAR_Y copies dropped": ["ENSG00000182378.15_PAR_Y", "ENSGR0000182378.10", "ENSG00000182378.15_PAR_Y|PLCXD1"],
}


@pytest.mark.parametrize("step", JUNK)
def test_rows_that_are_no_genes_are_dropped_and_counted(step, read, plain):
    """With such rows in the middle of a table every gene, library and log2 CPM is as without them."""
    frame, steps, data = read(with_rows(plain, JUNK[step]), index_label="gene")
    check_is_plain(frame, plain)
    assert {key: number for key, number in steps.items() if "dropped" in key} == {step: len(JUNK[step])}
    assert steps["known to the gene table"] == 200
    assert data.obs.library_size["S1"] == 84_900
    gene = plain.index[3]
    expected = np.log2(plain.loc[gene, "S1"] / 84_900 * 1e6 + 1)
    assert data[["S1"], [gene]].X[0, 0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("step", JUNK)
def test_they_are_dropped_without_a_gene_table_as_well(step, read, plain):
    frame, steps, _ = read(with_rows(plain, JUNK[step]), genes="", index_label="gene")
    check_is_plain(frame, plain)
    assert steps[step] == len(JUNK[step])


@pytest.mark.parametrize(
    "name",
    [
        "05-symbol-na/na_names.tsv",
        "06-htseq-summary-rows/htseq.tsv",
        "07-index-column/idx.csv",
        "09-excel-dates/dates.tsv",
    ],
)
def test_reported_tables_read_as_their_plain_ones(name, tmp_path, gene_table, shared_data):
    path = shared_data.parent / "cases" / name
    if not path.is_file():
        pytest.skip("needs ../shared/cases")
    frame, _, _ = read_file(path, tmp_path, gene_table)
    check_is_plain(frame, pd.read_csv(path.parent / "plain.tsv", sep="\t", index_col=0)[SAMPLES])


def test_the_reported_table_of_other_numbers_is_refused(tmp_path, gene_table, shared_data):
    path = shared_data.parent / "cases/08-entrez-only/entrez.tsv"
    if not path.is_file():
        pytest.skip("needs ../shared/cases")
    with pytest.raises(BadProfile, match=f"{path.name}.*numbers of rows"):
        read_file(path, tmp_path, gene_table)


def test_no_word_for_nothing_is_an_alias(table):
    """NA is an alias of XK, NaN of another: neither may name a row, nor a gene of a list."""
    assert [table.current(word) for word in ("NA", "NaN", "")] == ["NA", "NaN", ""]
    with pytest.raises(NoGene, match="no row has a usable gene name"):
        name_genes(genes_of(["NA", "NaN", "-"]), table)


def test_no_approved_symbol_is_taken_for_something_else(table):
    """Every approved symbol, however odd, is its own gene, and every Ensembl and Entrez id the table's."""
    symbols = sorted(table.approved)
    assert list(name_genes(genes_of(symbols), table).names) == symbols
    for names_of in (table.by_id, table.by_entrez):
        assert list(name_genes(genes_of(names_of), table).names) == list(names_of.values())


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("genes", ["table", ""])
def test_an_index_column_is_refused(start, genes, read, plain, gene_table):
    frame = plain.set_axis(range(start, start + 200))
    with pytest.raises(BadProfile, match=f"counts.tsv: the genes are numbered from {start} and have no names"):
        read(frame, gene_table if genes else "", index_label="gene")


def test_a_filtered_index_is_refused(read, plain):
    numbers = sorted(np.random.default_rng(0).choice(9000, 200, replace=False))
    with pytest.raises(BadProfile, match=r"only \d+ of 200 are Entrez ids of genes: numbers of rows, or"):
        read(plain.set_axis(numbers), index_label="gene")


def test_entrez_ids_are_translated(read, plain, table):
    ids = {symbol: number for number, symbol in table.by_entrez.items()}
    for shape in ("{}", "{}.0"):
        frame, steps, _ = read(plain.rename(index=lambda name: shape.format(ids[name])), index_label="entrez")  # noqa: B023
        check_is_plain(frame, plain)
        assert steps["Entrez ids translated"] == 200


@pytest.mark.parametrize(
    "shape",
    [
        "{e}.3_{s}",
        "{e}|{s}",
        "{s}|{e}.12",
        "{s}_{e}",
        "{s} ({n})",
        "{s}|{n}",
        "{n}|{s}",
        "gene:{e}",
        "?|{n}",
        '"{s}"',
        "{e}_{s}|x",
    ],
)
def test_names_of_two_parts_are_taken_apart(shape, read, plain, table):
    ensembl = {symbol: gene for gene, symbol in table.by_id.items()}
    entrez = {symbol: number for number, symbol in table.by_entrez.items()}
    named = plain[[name in ensembl for name in plain.index]]
    names = [shape.format(e=ensembl[name], n=entrez[name], s=name) for name in named.index]
    frame, _, _ = read(named.set_axis(names), index_label="gene")
    check_is_plain(frame, named)


def test_the_id_decides_where_the_symbol_means_another_gene(table):
    """SLC35E2 was split: its Entrez ids distinguish the two. A gene's old symbol may be another one's of today."""
    naming = name_genes(genes_of(["SLC35E2|728661", "SLC35E2|9906", "TP53|7157"]), table)
    assert list(naming.names) == ["SLC35E2B", "SLC35E2A", "TP53"]


def test_an_alias_with_a_row_next_to_its_gene_stays_separate(read, plain, table):
    """ABP1 was a name of AOC1; where a table has rows of both gene and alias, it means two genes by them."""
    alias, gene = next((a, g) for a, g in sorted(table.aliases.items()) if a.isalnum() and g not in plain.index)
    both = pd.concat([plain, pd.DataFrame([[1, 2, 3], [10, 20, 30]], [alias, gene], SAMPLES)])
    frame, steps, _ = read(both, index_label="gene")
    assert frame.loc[alias].tolist() == [1, 2, 3]
    assert frame.loc[gene].tolist() == [10, 20, 30]
    assert steps["aliases of a gene that has a row of its own, kept apart"] == 1
    alone, steps, _ = read(both.drop(gene), index_label="gene")
    assert alone.loc[gene].tolist() == [1, 2, 3]
    assert steps["symbols brought up to date"] == 1


def test_an_old_and_a_new_symbol_are_one_gene(read, plain):
    both = pd.concat([plain, pd.DataFrame([[1, 2, 3], [10, 20, 30]], ["MLL2", "KMT2D"], SAMPLES)])
    frame, steps, _ = read(both, index_label="gene")
    assert frame.loc["KMT2D"].tolist() == [11, 22, 33]
    assert steps["rows of the same gene joined"] == 1


OTHER_NAMES = {
    "genes of mouse or rat": ["Trp53", "Kras", "Actb", "Gapdh", "0610005C13Rik", "mt-Nd1"],
    "Ensembl ids of another species": [f"ENSMUSG{i:011d}.4" for i in range(6)],
    "transcripts": ["ENST00000000233.10", "ENST00000000412.8", "NM_000546.6"],
    "probes of an array": ["1007_s_at", "1053_at", "117_at", "ILMN_1343291"],
    "proteins": ["P04637", "P01116", "NP_000537"],
}


@pytest.mark.parametrize("kind", OTHER_NAMES)
def test_names_of_something_else_are_refused_with_what_they_look_like(kind, read, plain):
    names = OTHER_NAMES[kind]
    frame = plain.iloc[: len(names)].set_axis(names)
    with pytest.raises(BadProfile, match=rf"counts.tsv: only 0 of {len(names)} names .* look like {kind}.*as_given"):
        read(frame, index_label="gene")
    read_frame, _, _ = read(frame, genes="", index_label="gene")
    assert len(read_frame) == len(set(names))


@pytest.mark.parametrize(("strange", "stops"), [(199, False), (201, True)])
def test_the_share_of_known_names_decides(strange, stops, read, plain):
    """At least half of the names must be genes; those that no table knows are kept and counted."""
    frame = pd.concat([plain, pd.DataFrame(1, [f"STRANGE{i}" for i in range(strange)], SAMPLES)])
    if stops:
        with pytest.raises(BadProfile, match="only 200 of 401 names are of human genes; unknown are STRANGE0"):
            read(frame, index_label="gene")
        return
    read_frame, steps, _ = read(frame, index_label="gene")
    assert len(read_frame) == 399
    assert steps["not known to the gene table, kept as they stand"] == 199


def test_clones_of_gencode_are_neither_known_nor_strange(read, plain):
    """A table by symbols of GENCODE has thousands of genes that have no approved symbol: they are genes."""
    clones = [f"RP11-{i}P13.7" for i in range(150)] + [f"AC{i:06d}.1" for i in range(150)]
    frame, steps, _ = read(pd.concat([plain, pd.DataFrame(1, clones, SAMPLES)]), index_label="gene")
    assert len(frame) == 500
    assert steps["clones and loci without an approved symbol, kept as they stand"] == 300
