"""Which aliquot counts: the rules of GDAC's Firehose, on the choices that it published."""

import itertools

import pytest
from molpath.omics.aliquots import FFPE_VIALS, choose_aliquot, is_ffpe

#: Removed and chosen RNA aliquots of LUAD: GDAC, snapshot of 2017-07-22, replicate samples.
LUAD = [
    ("TCGA-44-2656-01A-02R-0946-07", "TCGA-44-2656-01A-02R-A278-07"),
    ("TCGA-44-2662-01A-01R-0946-07", "TCGA-44-2662-01A-01R-A278-07"),
    ("TCGA-44-2666-01A-01R-0946-07", "TCGA-44-2666-01A-01R-A278-07"),
    ("TCGA-44-2668-01A-01R-0946-07", "TCGA-44-2668-01A-01R-A278-07"),
    ("TCGA-44-3918-01A-01R-1107-07", "TCGA-44-3918-01A-01R-A278-07"),
    ("TCGA-44-5645-01A-01R-1628-07", "TCGA-44-5645-01A-01R-A278-07"),
    ("TCGA-44-6146-01A-11R-1755-07", "TCGA-44-6146-01A-11R-A278-07"),
    ("TCGA-44-6147-01A-11R-1755-07", "TCGA-44-6147-01A-11R-A278-07"),
    ("TCGA-44-6775-01A-11R-1858-07", "TCGA-44-6775-01A-11R-A278-07"),
]
#: The same of LAML's mutations (all amplified DNA).
LAML = [
    ("TCGA-AB-2807-03B-01W-0728-08", "TCGA-AB-2807-03D-01W-0755-09"),
    ("TCGA-AB-2808-03B-01W-0728-08", "TCGA-AB-2808-03D-01W-0755-09"),
    ("TCGA-AB-2814-03B-01W-0728-08", "TCGA-AB-2814-03D-01W-0755-09"),
]


@pytest.mark.parametrize(
    ("names", "modality"), [(pair, "rna") for pair in LUAD] + [(pair, "dna") for pair in LAML], ids=str
)
def test_published_choices(names, modality):
    assert names[choose_aliquot(names, modality)] == names[1]
    assert choose_aliquot(names[::-1], modality) == 0


@pytest.mark.parametrize(
    ("best", "modality"),
    [
        # analyte before everything else: H, R, T
        (["01A-11H-2237-07", "01A-11R-A277-07", "01A-12T-A278-07"], "rna"),
        # then the later plate, then the barcode that sorts last
        (["01A-01R-A278-07", "01B-11R-A277-07", "01A-11R-A277-07", "01A-11R-0946-07"], "rna"),
        # native before amplified DNA of the same or an earlier plate
        (["01A-01D-2237-01", "01A-11X-2237-01"], "dna"),
        (["01A-01D-2237-01", "01A-11W-0182-01", "01A-01G-0001-01"], "dna"),
        # amplified DNA of a later plate
        (["01A-01W-2238-01", "01A-11D-2237-01"], "dna"),
        # highest vial, portion, plate
        (["01A-11D-0182-01", "01A-01D-A277-01", "01A-01D-0182-01"], "dna"),
    ],
)
def test_the_rules_in_their_order(best, modality):
    names = [f"TCGA-02-0001-{end}" for end in best]
    for order in itertools.permutations(names):
        assert order[choose_aliquot(order, modality)] == names[0]


def test_ffpe_comes_after_frozen_of_the_same_analyte():
    frozen, fixed = "TCGA-44-2656-01A-02R-0946-07", "TCGA-44-2656-01B-06R-A277-07"
    assert choose_aliquot([fixed, frozen], "rna") == 1
    assert choose_aliquot([fixed, frozen, LUAD[0][1]], "rna") == 2
    assert choose_aliquot([fixed], "rna") == 0  # nothing else is there
    both = ["TCGA-44-2656-01B-06D-A271-08", "TCGA-44-2656-01B-06D-A273-01"]
    assert choose_aliquot(both, "dna") == 1
    assert choose_aliquot(["TCGA-02-0001-01B", "TCGA-02-0001-01A"], "rna", ["FFPE", ""]) == 1


def test_the_list_of_ffpe_holds_vials():
    assert len(FFPE_VIALS) == 38
    assert is_ffpe("TCGA-44-2656-01B")  # as the GDC names samples
    assert is_ffpe("TCGA-44-6775-01C-02R-A27D-13")
    assert not is_ffpe("TCGA-44-2656-01A-02R-0946-07")
    assert not is_ffpe("s1")
    assert is_ffpe("s1", "FFPE")


def test_equal_names_keep_the_order_of_the_sheet():
    assert choose_aliquot(["TCGA-02-0001-01A"] * 3, "rna") == 0
