"""Files of gene sets as users have them, and random sets of the same size and expression."""

import gzip

import numpy as np
import pytest
from molpath.interpret.gene_set_files import BadGeneSets, GeneSet, measured, random_sets, read_gmt, read_sets
from molpath.interpret.gene_set_scores import ssgsea
from molpath.omics.genes import GeneTable

TEXT = "IFN\thttp://example.org\tSTAT1\tIRF1\tSTAT1\t\tCD274\r\n\r\nEMPTY\tnothing\r\n"


@pytest.mark.parametrize("packed", [False, True])
def test_what_editors_leave_is_nothing(tmp_path, packed):
    data = "\ufeff".encode() + TEXT.encode()
    path = tmp_path / ("sets.gmt.gz" if packed else "sets.gmt")
    path.write_bytes(gzip.compress(data) if packed else data)
    first, second = read_gmt(str(path))
    assert (first.name, first.given, first.notes) == ("IFN", ("STAT1", "IRF1", "CD274"), ("1 given twice",))
    assert (second.name, second.aside) == ("EMPTY", "the line has no genes")


@pytest.mark.parametrize(
    ("contents", "says"),
    [
        (
            b"IFN STAT1 IRF1\n",
            r"line 1: 'IFN STAT1 IRF1' is not a gene set; write name, description and genes",
        ),
        (b"\tnone\tSTAT1\n", "line 1: "),
        (b"A\tx\tSTAT1\n\nA\tx\tIRF1\n", "lines 1 and 3: two sets are called A: rename or remove one"),
        (b"\n\n", "no gene set in it"),
        (b"A\tx\tSTAT1\xff\n", "UTF-8"),
    ],
)
def test_what_is_no_gmt_file_is_reported_with_its_line(tmp_path, contents, says):
    (tmp_path / "a.gmt").write_bytes(contents)
    with pytest.raises(BadGeneSets, match=says):
        read_gmt(str(tmp_path / "a.gmt"))


@pytest.mark.parametrize("mark", ["\u2028", "\x0b", "\x0c", "\x85", "\x1c"])
def test_a_description_may_hold_any_character(tmp_path, mark):
    (tmp_path / "a.gmt").write_text(f"A\tfirst{mark}second\tSTAT1\tIRF1\rB\tx\tTP53\r\n", encoding="utf-8", newline="")
    names_and_genes = [(gene_set.name, gene_set.given) for gene_set in read_gmt(str(tmp_path / "a.gmt"))]
    assert names_and_genes == [("A", ("STAT1", "IRF1")), ("B", ("TP53",))]


def test_sets_of_several_files_are_distinguished(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.gmt").write_text(f"SAME\tx\tSTAT1\n{name.upper()}\tx\tIRF1\n")
    paths = [str(tmp_path / f"{name}.gmt") for name in "ab"]
    with pytest.raises(BadGeneSets, match=r"a\.gmt both have a set SAME: rename one"):
        read_sets(paths)
    assert [gene_set.name for gene_set in read_sets(paths, ["B", "A"])] == ["B", "A"]
    with pytest.raises(BadGeneSets, match="no set is called C"):
        read_sets(paths, ["C"])


def test_identifiers_of_any_kind_become_the_names_of_the_table(repository):
    table = GeneTable(str(repository / "resources/genes/hgnc.tsv"))
    genes = ("ENSG00000141510.18", "TP53", "3845", "MLL2", "NOTAGENE", "EGFR")  # TP53 twice, KRAS, KMT2D
    gene_set = GeneSet("A", "a.gmt", genes)
    resolved = measured(gene_set, ["TP53", "KRAS", "KMT2D", "BRAF"], table, 3)
    assert resolved.genes == ("KMT2D", "KRAS", "TP53")
    assert resolved.aside == ""
    assert resolved.notes == (
        "1 of the same gene as another",
        "1 unknown (NOTAGENE)",
        "1 not measured (EGFR)",
    )
    assert "3 of its 6 genes were measured, and 5 are required" in measured(gene_set, resolved.genes, table, 5).aside
    mouse = measured(GeneSet("B", "a.gmt", ("ENSMUSG00000059552", "Trp53")), ["TP53"], table, 1)
    assert "its identifiers are not of human genes" in mouse.aside


def test_random_sets_have_the_size_and_the_expression_of_the_set():
    genes = [f"G{i}" for i in range(1000)]
    means = np.random.default_rng(0).permutation(1000).astype(float)
    high = [gene for gene, mean in zip(genes, means, strict=True) if mean >= 950][:12]
    drawn = random_sets(high, genes, means, 50, 0)
    level = dict(zip(genes, means, strict=True))
    assert {len(set(gene_set)) for gene_set in drawn} == {12}
    assert min(level[gene] for gene_set in drawn for gene in gene_set) >= 900
    assert len({gene for gene_set in drawn for gene in gene_set}) > 90
    assert random_sets(high, genes, means, 50, 0) == drawn != random_sets(high, genes, means, 50, 1)


def test_a_set_of_most_genes_has_random_sets_all_the_same():
    genes = [f"G{i}" for i in range(48)]
    drawn = random_sets(genes[:8], genes, np.arange(48.0), 200, 0)
    counts = np.bincount([int(gene[1:]) for gene_set in drawn for gene in gene_set], minlength=48)
    assert counts.min() > 15  # of 33: not only neighbours in expression


def test_scores_are_those_of_ssgsea_worked_out_by_hand():
    rng = np.random.default_rng(0)
    values, genes = rng.normal(size=(5, 30)), [f"G{i}" for i in range(30)]
    sets = [genes[:6], genes[20:29]]
    scores = ssgsea(values, genes, sets)
    for n, row in enumerate(values):
        order = np.argsort(-row)
        for s, members in enumerate(sets):
            inside = np.isin(np.array(genes)[order], members)
            weights = np.where(inside, np.arange(30, 0, -1.0) ** 0.25, 0)
            steps = np.cumsum(weights) / weights.sum() - np.cumsum(~inside) / (~inside).sum()
            assert scores[n, s] == pytest.approx(steps.sum() / 30, rel=1e-3), (n, s)


def test_a_score_does_not_rise_with_all_genes():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(4, 30))
    genes = [f"G{i}" for i in range(30)]
    np.testing.assert_allclose(ssgsea(values, genes, [genes[:6]]), ssgsea(values + 7, genes, [genes[:6]]))
