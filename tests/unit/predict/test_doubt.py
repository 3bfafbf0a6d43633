"""Doubt: false alarms within the rate asked for, planted differences found and named, on drawn (synthetic) cases."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from drawn_cohort import Source
from molpath.predict.doubt import Reference
from molpath.predict.levels import left_out_levels
from molpath.predict.patch_kinds import apart
from molpath.predict.reference import describe
from molpath.predict.reference_files import FACTS, TENSORS, DamagedReference, pack, write_files
from sklearn.metrics import roc_auc_score

NO_SLIDES = pd.DataFrame(columns=["slide_id", "case_id"])


def rates_of_flags(n, width, draws, new=40, patches=32):
    """Mean share of new cases of the same source that are flagged at 0.05 and 0.1, and by embeddings alone at 0.1."""
    rates = []
    for draw in range(draws):
        source, rng = Source(draw, width=width, patches=patches), np.random.default_rng([draw, n])
        x, cases, slides, bags = source.draw(n, rng)
        y, case_names, new_slides, bags_of = source.draw(new, rng, "N")
        reference = describe(x, cases, slides, bags.get, seed=draw)
        both = [reference.judge(y, new_slides, bags_of.get, rate, case_names).ood_flag.mean() for rate in (0.05, 0.1)]
        rates.append([*both, reference.judge(y, NO_SLIDES, None, 0.1, case_names).ood_flag.mean()])
    return np.mean(rates, 0)


@pytest.mark.parametrize(("n", "width"), [(40, 8), (60, 128)])
def test_false_alarms_are_within_the_rate(n, width):
    at_5, at_10, by_embedding = rates_of_flags(n, width, draws=15, patches=16)
    assert at_5 <= 0.05 + 0.02
    assert at_10 <= 0.1 + 0.03
    assert by_embedding <= 0.1 + 0.03


@pytest.mark.slow
@pytest.mark.parametrize(("n", "width"), [(40, 8), (60, 64)])
def test_false_alarms_over_many_draws(n, width):
    """More sizes take minutes each: call rates_of_flags by hand (workflow/docs/doubt.md has what it gave)."""
    at_5, at_10, by_embedding = rates_of_flags(n, width, draws=100)
    assert at_5 <= 0.05 + 0.01
    assert at_10 <= 0.1 + 0.01
    assert by_embedding <= 0.1 + 0.01


PLANTED = {
    "stain": ({"quality": lambda t: t.assign(hue=t.hue - 30, stain_density=t.stain_density + 0.1)}, "stain"),
    "blur": ({"quality": lambda t: t.assign(focus=t.focus / 2, in_focus_fraction=0.6)}, "out of focus"),
    "slight blur": ({"quality": lambda t: t.assign(fine_detail=t.fine_detail / 2)}, "less fine detail than"),
    "resolution": ({"quality": lambda t: t.assign(mpp=0.5)}, "resolution unlike the training slides' (0.50 µm/px; "),
    "cover slip": ({"quality": lambda t: t.assign(edge_or_bubble_fraction=0.2)}, "bubbles"),
    "compression": ({"quality": lambda t: t.assign(jpeg_quality=30.0)}, "more compressed"),
    "patches": ({"odd": 0.3}, "patches unlike any training patch"),
    "embedding": ({"shift": 2.0}, "embedding far from"),
    "faded patches": ({"faded": 0.6}, "patches "),
    "scattered patches": ({"faded": 1.4}, "patches "),
    "shrunk embedding": ({"shrunk": 0.5}, "embedding nearer to the middle"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_difference_is_flagged_and_named(name):
    changed, words = PLANTED[name]
    areas, alarms, named = [], [], []
    for draw in range(2):
        rng = np.random.default_rng(draw)
        x, cases, slides, bags = Source(draw, patches=48).draw(80, rng)
        reference = describe(x, cases, slides, bags.get, seed=draw)
        y, case_names, new_slides, bags = Source(draw, patches=48).draw(40, rng, "N")
        usual = reference.judge(y, new_slides, bags.get, 0.1, case_names)
        y, case_names, new_slides, bags = Source(draw, patches=48, **changed).draw(40, rng, "O")
        odd = reference.judge(y, new_slides, bags.get, 0.1, case_names)
        areas.append(roc_auc_score([0] * 40 + [1] * 40, [*usual.ood_score, *odd.ood_score]))
        alarms.append(usual.ood_flag.mean())
        named += list(odd.ood_reason[odd.ood_flag].str.contains(words, regex=False))
        assert odd.ood_flag.mean() >= 0.8
        assert not usual.ood_reason[~usual.ood_flag].any()
    assert np.mean(areas) >= 0.9
    assert np.mean(alarms) <= 0.15
    assert np.mean(named) >= 0.9


def small(n=60, slides=True, seed=0):
    rng = np.random.default_rng(seed)
    x, cases, table, bags = Source(seed, width=8, patches=20).draw(n, rng)
    return (x, cases, table, bags) if slides else (x, cases, NO_SLIDES, {})


def test_scores_of_embeddings_alone_by_hand():
    x, cases, table, _ = small(slides=False)
    reference = describe(x, cases, table)
    single = [left_out_levels(reference.table[f"embedding:{item}"].to_numpy()) for item in ("near", "far", "inside")]
    part = np.max(single, axis=0)
    scores = left_out_levels(part)
    judged = reference.judge(x[:1] + 100, table, None, 0.05)
    assert judged.ood_p[0] == pytest.approx(1 / 61)
    assert judged.ood_flag[0]
    usual = np.argsort(reference.table["embedding:far"])[30]
    middle = reference.judge(x[[usual]] + np.float32(0.01), table, None, 0.05)
    assert middle.ood_p[0] == pytest.approx((1 + (scores >= middle.ood_score[0]).sum()) / 61)
    assert not middle.ood_flag[0]
    assert middle.ood_missing[0] == "patches; slides"
    centre = reference.judge(x.mean(0)[None], table, None, 0.05)
    assert centre.ood_flag[0]
    assert centre.ood_reason[0].startswith("embedding nearer to the middle than the training cases' (0.0 times")


def test_too_few_training_cases_flag_nobody():
    for n, needed in ((3, 19), (18, 19)):
        x, cases, table, bags = small(n)
        judged = describe(x, cases, table, bags.get).judge(x + 50, table, bags.get, 0.05, cases)
        assert not judged.ood_flag.any()
        assert (judged.ood_reason == f"cannot tell: {n} training cases, {needed} needed for false alarms of 0.05").all()
    x, cases, table, bags = small(19)
    assert describe(x, cases, table, bags.get).judge(x + 50, table, bags.get, 0.05, cases).ood_flag.any()


def test_a_vendor_is_named_and_flags_nothing():
    x, cases, table, bags = small()
    reference = describe(x, cases, table, bags.get)
    before = reference.judge(x, table, bags.get, 0.1, cases)
    after = reference.judge(x, table.assign(vendor="hamamatsu"), bags.get, 0.1, cases)
    assert (after.ood_flag == before.ood_flag).all()
    assert after.ood_reason.str.endswith("scanner vendor hamamatsu, training slides aperio").all()


def test_what_is_missing_flags_nothing_and_is_listed():
    x, cases, table, bags = small()
    reference = describe(x, cases, table.assign(focus=""), bags.get)
    judged = reference.judge(x, table.assign(focus=0.01), bags.get, 0.1, cases)
    assert judged.ood_missing.str.contains("focus").all()
    assert not judged.ood_reason.str.contains("focus 0.01").any()
    x, cases, table, bags = small()
    reference = describe(x, cases, table, bags.get)
    unknown = table.drop(columns=["hue"]).assign(focus=np.nan)
    judged = reference.judge(x, unknown, lambda slide: None, 0.1, cases)
    assert judged.ood_missing.str.startswith("patches; focus; hue").all()
    assert judged.ood_flag.mean() <= 0.1


def test_of_several_slides_the_furthest_counts():
    x, cases, table, bags = small()
    reference = describe(x, cases, table, bags.get)
    several = table.case_id.value_counts().index[0]
    row = table.index[table.case_id == several][-1]
    assert (table.case_id == several).sum() > 1
    table.loc[row, "focus"] = 0.1
    judged = reference.judge(x, table, bags.get, 0.1, cases).iloc[cases.index(several)]
    assert judged.ood_flag
    assert "out of focus: less sharp than the training slides' (focus 0.10; training " in judged.ood_reason


def test_of_several_slides_both_ends_of_how_far_apart_patches_are_count():
    x, cases, table, bags = small()
    reference = describe(x, cases, table, bags.get)
    faded = {name: 0.5 * rows + 0.5 * rows.mean(0) for name, rows in bags.items()}
    judged = reference.judge(x, table, faded.get, 0.1, cases)
    assert judged.ood_flag.all()
    assert judged.ood_reason.str.contains("patches more alike than those of a training slide (0.", regex=False).any()


def test_of_a_training_case_one_slide_counts():
    x, cases, table, bags = small()
    reference = describe(x, cases, table, bags.get)
    spread = pd.Series([apart(bags[name] @ reference.kinds.projection) for name in table.slide_id])
    drawn = []
    for case, row in zip(cases, reference.table.to_dict("records"), strict=True):
        patches = table[table.case_id == case]
        of_focus = patches[patches.focus == row["focus:more"]].index
        assert len(of_focus) == 1
        assert row["hue:less"] == pytest.approx(-((patches.hue[of_focus[0]] - 110) % 360))
        assert row["patches:wide"] == -row["patches:narrow"] == pytest.approx(spread[of_focus[0]], rel=1e-5)
        drawn += [(len(patches), patches.index.get_loc(of_focus[0]))]
    assert {place for count, place in drawn if count == 3} == {0, 1, 2}


def of_numbers(reference, x, **numbers):
    """Verdict on a case of as many slides as there are values of a number."""
    slides = pd.DataFrame(numbers).assign(case_id="N")
    return reference.judge(x, slides.assign(slide_id=[f"N-{k}" for k in slides.index]), None, 0.1, ["N"])


@pytest.mark.parametrize("count", [2, 4, 8])
def test_one_odd_slide_of_several_is_less_odd_by_their_number_and_the_same_slide_many_times_is_not(count):
    x, cases, table, _ = small()
    reference = describe(x, cases, table)
    usual = x[[np.argsort(reference.table["embedding:far"])[30]]]
    single = of_numbers(reference, usual, focus=[0.4])
    among = of_numbers(reference, usual, focus=[0.4] + [0.95] * (count - 1))
    assert single.ood_score[0] - among.ood_score[0] == pytest.approx(np.log(count))
    half = of_numbers(reference, usual, focus=([0.4, 0.95] * count)[:count])
    assert single.ood_score[0] - half.ood_score[0] == pytest.approx(np.log(2))
    assert "focus 0.40" in half.ood_reason[0]
    assert of_numbers(reference, usual, focus=[0.4] * count).equals(single)
    assert of_numbers(reference, usual, focus=[0.4] + [np.nan] * (count - 1)).equals(single)
    far = of_numbers(reference, usual + 50, focus=[0.95])
    assert of_numbers(reference, usual + 50, focus=[0.95] * count).equals(far)


@pytest.mark.parametrize("alike", [0.0, 0.7])
def test_cases_with_more_slides_than_training_cases_are_flagged_no_more_often(alike):
    shares = []
    for draw in range(12):
        source, rng = Source(draw, width=8, patches=16, slides=(1,), alike=alike), np.random.default_rng(draw)
        x, cases, slides, bags = source.draw(60, rng)
        y, new_names, patches, bags_of = replace(source, slides=(8,)).draw(30, rng, "N")
        reference = describe(x, cases, slides, bags.get, seed=draw)
        shares.append(
            [reference.judge(y, patches, bags_of.get, rate, new_names).ood_flag.mean() for rate in (0.05, 0.1)]
        )
    assert (np.mean(shares, 0) <= [0.05 + 0.02, 0.1 + 0.03]).all()


def test_slides_of_other_cases_and_none_at_all_say_nothing():
    x, cases, table, bags = small()
    reference = describe(x, cases, table, bags.get)
    stray = pd.concat([table, table.assign(case_id="X", slide_id="X", focus=0.01)], ignore_index=True)
    stray_bags = {**bags, "X": bags[table.slide_id[0]] + 1000}
    expected = reference.judge(x, table, bags.get, 0.1, cases)
    pd.testing.assert_frame_equal(reference.judge(x, stray, stray_bags.get, 0.1, cases), expected)
    nothing = reference.judge(x, stray[stray.case_id == "X"], stray_bags.get, 0.1, cases)
    assert (nothing.ood_missing == "patches; slides").all()


def test_cases_with_the_same_embedding_count_once(caplog):
    x, cases, table, bags = small(30)
    twice = np.concatenate([x, x]), [*cases, *(f"{name}b" for name in cases)]
    again = describe(*twice, table, bags.get)
    assert again.facts["duplicates"] == 30
    pd.testing.assert_frame_equal(again.table, describe(x, cases, table, bags.get).table)


@pytest.mark.parametrize("place", ["training", "new"])
def test_numbers_that_are_none_are_refused(place):
    x, cases, table, bags = small()
    broken = x.copy()
    broken[4, 1] = np.nan
    with pytest.raises(ValueError, match="of (training case )?C4 holds NaN or infinite numbers: embed it again"):
        describe(broken if place == "training" else x, cases, table).judge(broken, table, None, 0.05, cases)


def test_cases_are_those_of_the_embeddings():
    x, cases, table, _ = small()
    reference = describe(x, cases, table)
    with pytest.raises(ValueError, match="59 cases, and embeddings of shape"):
        reference.judge(x, table, None, 0.05, cases[1:])
    with pytest.raises(ValueError, match="a case is there twice"):
        reference.judge(x, table, None, 0.05, [*cases[1:], cases[1]])
    with pytest.raises(ValueError, match="embeddings of 5 numbers, and the training cases have 8"):
        reference.judge(x[:, :5], table, None, 0.05, cases)


def test_files_come_back_with_the_same_verdicts_and_bytes(tmp_path):
    x, cases, table, bags = small()
    written = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        reference = describe(x, cases, table, bags.get, seed=5)
        reference.save(str(tmp_path / name / TENSORS), str(tmp_path / name / FACTS))
        written.append([(tmp_path / name / file).read_bytes() for file in (TENSORS, FACTS)])
    assert written[0] == written[1]
    y, case_names, new_slides, new = Source(9, width=8, patches=20).draw(30, np.random.default_rng(2), "N")
    before = reference.judge(y, new_slides, new.get, 0.1, case_names)
    after = Reference.load(tmp_path / "a").judge(y, new_slides, new.get, 0.1, case_names)
    pd.testing.assert_frame_equal(before, after, rtol=1e-4)
    path = tmp_path / "a" / TENSORS
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(DamagedReference, match=r"reference.safetensors isn't the file whose SHA-256"):
        Reference.load(tmp_path / "a")


def test_a_reference_from_before_a_column_is_read_and_the_column_says_nothing(tmp_path):
    x, cases, table, bags = small()
    reference = describe(x, cases, table.drop(columns="fine_detail"), bags.get, seed=5)
    old = [item for item in reference.table if not item.startswith("fine_detail:")]
    arrays = pack(reference.table[old].to_numpy(np.float64), reference.distances, reference.kinds)
    write_files(arrays, reference.facts, tmp_path / TENSORS, tmp_path / FACTS, old)
    read = Reference.load(tmp_path)
    y, case_names, new_slides, new = Source(9, width=8, patches=20).draw(30, np.random.default_rng(2), "N")
    judged = read.judge(y, new_slides, new.get, 0.1, case_names)
    pd.testing.assert_frame_equal(reference.judge(y, new_slides, new.get, 0.1, case_names), judged, rtol=1e-4)
    assert judged.ood_missing.str.contains("fine_detail").all()
    assert not judged.ood_reason.str.contains("detail").any()
    for items in ([*old[:-1], "shoe size"], [*old, old[0]], old[:-1]):
        write_files(arrays, reference.facts, tmp_path / TENSORS, tmp_path / FACTS, items)
        with pytest.raises(DamagedReference, match="another version"):
            Reference.load(tmp_path)


def test_more_cases_than_are_looked_at_patch_by_patch(monkeypatch):
    monkeypatch.setattr("molpath.predict.reference.CASES", 40)
    monkeypatch.setattr("molpath.predict.doubt.KNOWN_CASES", 30)
    x, cases, table, bags = small(100)
    reference = describe(x, cases, table, bags.get)
    assert reference.table["patches:share"].notna().sum() == 40
    assert len(reference.scores(("embedding:near", "patches:share")).score) == 40
    assert len(reference.scores(("embedding:near",)).score) == 100
