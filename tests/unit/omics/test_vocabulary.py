"""Retired words of a vocabulary are found by today's symbols, and never two genes by one word."""

import json
import logging

import pytest
from molpath.omics.genes import GeneTable
from molpath.omics.vocabulary import current_words, vocabulary_counts
from molpath.pretrain.preparation import words_of

TABLE = """\
symbol\tensembl_id\tentrez_id\tprevious\taliases
VSIR\tENSG1\t1\tC10orf54|GI24\tB7H5
MARCHF1\tENSG2\t2\tMARCH1\t
TWO\tENSG3\t3\tOLD2|OLDER2\t
SHARED1\tENSG4\t4\tBOTH\t
SHARED2\tENSG5\t5\tBOTH\t
TP53\tENSG6\t6\t\tP53
"""


@pytest.fixture
def table(tmp_path):
    (tmp_path / "hgnc.tsv").write_text(TABLE)
    return GeneTable(str(tmp_path / "hgnc.tsv"))


def test_a_retired_word_is_todays_symbol_in_its_place(table):
    words = ["<pad>", "C10orf54", "TP53", "MARCH1", "AC0123.4", "<cls>"]
    current = current_words(words, table)
    assert current.words == ["<pad>", "VSIR", "TP53", "MARCHF1", "AC0123.4", "<cls>"]
    assert current.renamed == {"C10orf54": "VSIR", "MARCH1": "MARCHF1"}
    assert current.left_out == {}
    assert current.by_retired_name(["VSIR", "TP53"]) == 1


def test_what_is_ambiguous_is_left_out_with_a_reason(table):
    """BOTH was two genes' name, TWO has two retired words, MARCHF1 a word of its own; aliases are no names."""
    words = ["BOTH", "OLD2", "OLDER2", "MARCH1", "MARCHF1", "P53"]
    current = current_words(words, table)
    assert current.words == [*(f"<left out: {word}>" for word in words[:4]), "MARCHF1", "P53"]
    assert current.left_out == {
        "BOTH": "several genes had this name",
        "OLD2": "2 words are previous names of TWO",
        "OLDER2": "2 words are previous names of TWO",
        "MARCH1": "MARCHF1 is a word of its own",
    }


def test_names_as_given_rename_nothing():
    assert current_words(["C10orf54"], GeneTable()).words == ["C10orf54"]


def test_a_run_finds_retired_words_and_says_so(table, tmp_path, caplog):
    """Tokens are places in the list: a gene of today takes the weights of its old name. rna_genes.tsv counts it."""
    words = ["<pad>", "<cls>", "C10orf54", "TP53", "BOTH"]
    (tmp_path / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    caplog.set_level(logging.INFO)
    vocabulary = words_of({"checkpoint": str(tmp_path)}, ["VSIR", "TP53", "BOTH"], str(tmp_path / "hgnc.tsv"))
    assert vocabulary.index("VSIR") == words.index("C10orf54")
    assert "BOTH" not in vocabulary
    assert "1 retired words have their current symbol, by which 1 genes are found" in caplog.text
    assert "word BOTH is left out: several genes had this name" in caplog.text
    assert "2 of 3 genes are in the vocabulary of 5 words" in caplog.text
    counts = vocabulary_counts(["VSIR", "TP53"], {"one": str(tmp_path / "vocab.json")}, table)
    assert [row[1] for row in counts] == [2, 1]
