"""The ledger: who set a slide aside, what a count of it says, and when a run stops."""

import pytest
from molpath.common.ledger import (
    LEFT_OUT,
    NOT_DRAWN,
    Gathering,
    Part,
    TooManySetAside,
    count,
    first_losses,
    judge,
)

TILES, FEATURES = Part("tiles", "g"), Part("features", "g", "e")


def row(slide, reason="", **more):
    """A row of a manifest: accepted without a reason."""
    status = "set_aside" if reason else "ok"
    return {"slide_id": slide, "status": status, "reason": reason, "detail": f"why {reason}" if reason else ""} | more


def gathered():
    """A keeps to the end; B is lost by inspection, C by tissue, D by tiles, E by features; F has no raw file."""
    gathering = Gathering({"slide_id": name, "case_id": f"case {name}", "cohort": "X"} for name in "ABCDEF")
    lost = {"B": ("unreadable", "slides"), "C": ("blank", "tissue"), "F": ("features_only", "slides")}
    gathering.add_table([row(name, lost.get(name, [""])[0], stage=lost.get(name, ["", ""])[1]) for name in "ABCDEF"])
    reasons = {name: reason for name, (reason, _) in lost.items()} | {"D": "no_patches"}
    gathering.add(TILES, [row(name, reasons.get(name, ""), n_patches="7") for name in "ABCDEF"])
    reasons = {name: reason for name, reason in reasons.items() if name != "F"} | {"E": "bad_features"}
    gathering.add(FEATURES, [row(name, reasons.get(name, ""), n_patches="6") for name in "ABCDEF"])
    return gathering


def test_what_is_carried_over_was_lost_before():
    entries = {(entry.slide_id, entry.stage): entry for entry in gathered().entries}
    assert {name: entries[name, "features"].lost_at for name in "ABCDEF"} == {
        "A": "", "B": "slides", "C": "tissue", "D": "tiles", "E": "features", "F": "",
    }  # fmt: skip
    assert entries["B", "features"].reason == "unreadable"
    assert entries["C", "slides"].status == "ok"
    assert (entries["A", "tiles"].patches, entries["A", "features"].patches, entries["D", "tiles"].patches) == (
        "7",
        "6",
        "",
    )
    assert entries["E", "features"].case_id == "case E"


def test_what_came_and_was_lost_is_what_is_left():
    counts = count(gathered().entries)
    assert [(number.came, number.done) for number in counts.values()] == [(6, 4), (4, 3), (3, 2), (3, 2)]
    assert dict(counts[FEATURES].lost) == {"bad_features": 1}
    assert dict(counts[Part("slides")].lost) == {"features_only": 1, "unreadable": 1}


def test_each_slide_is_lost_once_and_features_alone_are_no_loss():
    losses = {name: loss and (loss.stage, loss.reason) for name, loss in first_losses(gathered().entries).items()}
    assert losses == {
        "A": None, "B": ("slides", "unreadable"), "C": ("tissue", "blank"), "D": ("tiles", "no_patches"),
        "E": ("features", "bad_features"), "F": None,
    }  # fmt: skip
    before = [entry for entry in gathered().entries if entry.stage != "features"]
    assert first_losses(before)["F"].reason == "features_only"


def test_losses_of_all_stages_count_against_the_limit():
    entries = [entry for entry in gathered().entries if entry.part == FEATURES]
    judge(entries, 4 / 6, "table.tsv")
    with pytest.raises(TooManySetAside, match=r"4 of 6 slides(.|\n)*1 bad_features: (.|\n)*See table.tsv; fix"):
        judge(entries, 0.6, "table.tsv")
    tiled = [entry for entry in gathered().entries if entry.part == TILES]
    with pytest.raises(TooManySetAside, match="3 of 5 slides"):  # one has no raw file, which is no failure
        judge(tiled, 0.5, "table.tsv")


def test_a_slide_of_another_sheet_is_no_part_of_it():
    gathering = gathered()
    gathering.add(Part("embed", "g", "e", "m"), [row("A"), row("Z")])
    assert [entry.slide_id for entry in gathering.entries if entry.stage == "embed"] == ["A"]


def test_a_run_says_why_it_does_without_a_slide():
    part = Part("pretrain", "g", "e", "run")
    gathering = Gathering(
        {"slide_id": name, "case_id": name, "cohort": "Y" if name == "H" else "X"} for name in "ABCDEFGH"
    )
    gathering.add(FEATURES, [row(name, "bad_features" if name == "B" else "", n_patches="5") for name in "ABCDEFGH"])
    paired = {"status": "paired", "reason": "", "detail": ""}
    pairs = [{"slide_id": name, "modality": "rna"} | paired for name in "ABCFH"]
    pairs += [{"slide_id": "D", "modality": "dna"} | paired]
    pairs += [{"slide_id": "E", "modality": "", "status": "left_out", "reason": "duplicate_slide", "detail": "of A"}]
    packed = {name: row(name, "too_large" if name == "C" else "") for name in "ACFH"}
    gathering.add_run(part, ["X"], ["rna"], pairs, packed, {"A"})
    fates = {e.slide_id: (e.status, e.lost_at, e.reason) for e in gathering.entries if e.part == part}
    assert fates == {
        "A": ("ok", "", ""),
        "B": ("set_aside", "features", "bad_features"),
        "C": ("set_aside", "pretrain", "too_large"),
        "D": (LEFT_OUT, "pretrain", "no_profile"),
        "E": (LEFT_OUT, "pretrain", "duplicate_slide"),
        "F": (LEFT_OUT, "pretrain", NOT_DRAWN),
        "G": (LEFT_OUT, "pretrain", "no_profile"),
    }
    assert count(gathering.entries)[part].came == 6
    losses = first_losses(gathering.entries)
    assert {name for name, loss in losses.items() if loss} == {"B", "C"}, "what a run leaves out counts as no loss"
