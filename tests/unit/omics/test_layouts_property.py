"""Whatever a table looks like: each sample and gene has exactly the value that was written, or the file is refused."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from molpath.omics.copy_numbers import read_copy_numbers
from molpath.omics.expression_files import Reading, read_rows
from molpath.omics.genes import GeneTable
from molpath.omics.maf import read_maf
from molpath.omics.tables import BadProfile
from molpath.omics.units import WrongUnit
from table_layouts import DRESS, JUNK, MISSING, dressed, is_plain, mostly, pack

REPEATABLE = settings(deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
COUNTS = st.one_of(st.integers(0, 10**6).map(str), st.integers(0, 10**6).map(str), st.sampled_from(MISSING))
CALLS = st.sampled_from(["-2", "-1", "0", "1", "2", "NA", ""])

COPIES_DRESS = DRESS | {"across": st.just(False), "junk": st.just(False), "corner": mostly("Hugo_Symbol", "gene", "")}


def number(text):
    """The value that a cell means."""
    return float("nan") if text in MISSING else float(text)


def same(value, text):
    return value == number(text) or (np.isnan(value) and text in MISSING)


@pytest.fixture(scope="module")
def outcomes():
    """How many files were read and refused, by kind."""
    return Counter()


@pytest.fixture(scope="module")
def human_genes(repository):
    """The gene table of the workflow."""
    return GeneTable(str(repository / "resources/genes/hgnc.tsv"))


def attempt(reader, path, outcomes, kind):
    """(what was read, ''), or (None, the refusal, which names the file)."""
    try:
        result, refusal = reader(), ""
    except (BadProfile, WrongUnit) as error:
        result, refusal = None, str(error)
    outcomes[f"{kind} {'refused' if refusal else 'read'}"] += 1
    assert not refusal or str(path) in refusal
    return result, refusal


@settings(REPEATABLE, max_examples=1600)
@given(given_=dressed(COUNTS))
def test_a_matrix_holds_the_values_that_were_written(tmp_path_factory, outcomes, human_genes, given_):
    matrix, dress, data = given_
    path = tmp_path_factory.getbasetemp() / "matrix.any"
    path.write_bytes(data)
    samples = sorted(next(iter(matrix.values())))
    common = {"format": "matrix", "path": str(path), "unit": "counts", "panel": ""}
    rows = [common | {"profile_id": sample, "case_id": sample, "column": sample} for sample in samples]
    profiles, refusal = attempt(lambda: read_rows(rows, Reading(table=human_genes)), path, outcomes, "matrix")
    if refusal:
        measured = all(any(row[sample] not in MISSING for row in matrix.values()) for sample in samples)
        assert not (is_plain(dress) and measured), refusal
        return
    for sample, profile in zip(samples, profiles, strict=True):
        names = [symbol or gene for gene, symbol in zip(profile.genes.ids, profile.genes.symbols, strict=True)]
        assert set(matrix) <= set(names) <= {*matrix, *JUNK, "Description"}
        values = dict(zip(names, profile.values["counts"], strict=True))
        other = [gene for gene, row in matrix.items() if not same(values[gene], row[sample])]
        if dress["fault"] == "a lost cell" and dress["ends"]:  # before a delimiter that ends it: an empty cell
            assert len(other) <= 1
            other = [gene for gene in other if not np.isnan(values[gene])]
        assert not other, (sample, values)


@settings(REPEATABLE, max_examples=300)
@given(given_=dressed(CALLS, COPIES_DRESS))
def test_copy_numbers_are_those_that_were_written(tmp_path_factory, outcomes, given_):
    matrix, dress, data = given_
    path = tmp_path_factory.getbasetemp() / "copies.any"
    path.write_bytes(data)
    copies, refusal = attempt(lambda: read_copy_numbers(str(path)), path, outcomes, "copies")
    if refusal:
        plain = is_plain(dress) and dress["corner"] == "Hugo_Symbol" and not dress["numbered"] + dress["beside"]
        assert not plain, refusal
        return
    if dress["across"]:  # samples for genes: no sample of the sheet is found, and the job stops
        assert not set(copies.values.columns) & set(next(iter(matrix.values())))
        return
    for gene, row in matrix.items():
        assert all(same(copies.values.at[gene, sample], text) for sample, text in row.items())


@pytest.mark.parametrize(
    "text", ["TP53\tKRAS\nS1\t0\n", "__no_feature\tKRAS\tTP53\t__ambiguous\tN_unmapped\nS1\t99999\t0\t0\t99999\n"]
)
def test_a_gene_is_no_name_for_the_column_of_samples(tmp_path, human_genes, text):
    """Rows that lost a cell below a header without a corner: each value would be its neighbour's."""
    (tmp_path / "m.tsv").write_text(text)
    row = {"format": "matrix", "path": str(tmp_path / "m.tsv"), "unit": "counts", "panel": ""}
    with pytest.raises(BadProfile, match="is called '(TP53|__no_feature)', like a gene"):
        read_rows([row | {"profile_id": "S1", "case_id": "S1", "column": "S1"}], Reading(table=human_genes))


MAF = ("Hugo_Symbol", "Variant_Classification", "Tumor_Sample_Barcode")
MAF_DRESS = {key: DRESS[key] for key in ("numbered", "top", "encoding", "end", "last_end", "packing", "seed")}
MAF_DRESS |= {
    "ends": mostly("", "rows", "both", "some rows", weight=1),
    "fault": mostly("", "lone quote", "a lost cell"),
    "quotes": mostly(False, True),
}


@settings(REPEATABLE, max_examples=300)
@given(
    calls=st.lists(st.tuples(st.sampled_from(["TP53", "KRAS", "EGFR"]), st.sampled_from(["S1", "S2"])), max_size=5),
    dress=st.fixed_dictionaries(MAF_DRESS),
)
def test_variants_are_those_that_were_written(tmp_path_factory, outcomes, calls, dress):
    header = [*MAF, "HGVSp"]
    rows = [[gene, "Missense_Mutation", sample, "p.\"5'" if dress["quotes"] else ""] for gene, sample in calls]
    if dress["numbered"]:
        front = {"named": ["Unnamed: 0"], "unnamed": [""]}.get(dress["numbered"], [])
        header, rows = [*front, *header], [[str(i), *row] for i, row in enumerate(rows)]
    lines = ["\t".join(header), *("\t".join(row) for row in rows)]
    if len(lines) > 1 and dress["fault"] == "lone quote":
        lines[1] = f'"{lines[1]}'
    if len(lines) > 1 and dress["fault"] == "a lost cell":
        lines[1] = lines[1].rsplit("\t", 1)[0]
    for place in range(len(lines)):
        ends = {"rows": place > 0, "both": True, "some rows": place > 0 and place % 2}
        lines[place] += "\t" * bool(ends.get(dress["ends"], False))
    top = ["#version 2.4"] if dress["top"] else []
    path = tmp_path_factory.getbasetemp() / "variants.any"
    path.write_bytes(pack(dress["end"].join([*top, *lines]) + dress["end"] * dress["last_end"], dress))
    variants, refusal = attempt(lambda: read_maf(str(path)), path, outcomes, "MAF")
    if not refusal:
        spoilt = 0 if dress["fault"] == "lone quote" and not dress["numbered"] else None
        expected = [('"' * (i == spoilt) + gene, sample) for i, (gene, sample) in enumerate(calls)]
        assert list(zip(variants.gene, variants["sample"], strict=True)) == expected


def test_most_layouts_are_read(outcomes):
    """The tests above would hold for a reader that refuses everything."""
    assert outcomes["matrix read"] > 400, outcomes
    assert outcomes["copies read"] > 30, outcomes
    assert outcomes["MAF read"] > 100, outcomes
    print(outcomes)
