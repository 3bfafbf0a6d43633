"""The control of shuffled pairs: every slide has another case's profiles, of its own cohort, and all of them."""

import pandas as pd
from molpath.pretrain.parts import shuffled_pairs


def pairs():
    rows = []
    for cohort, count in (("A", 7), ("B", 2), ("C", 1)):
        for number in range(count):
            case = f"{cohort}{number}"
            for slide in range(1 + number % 2):
                for modality in ("rna", "dna")[: 1 + (number != 3)]:
                    rows.append([f"{case}-{slide}", case, cohort, modality, f"{case}-{modality}"])
    return pd.DataFrame(rows, columns=["slide_id", "case_id", "cohort", "modality", "profile_id"])


def test_no_slide_keeps_its_case_and_every_profile_goes_to_one_other_case():
    before, after = pairs(), shuffled_pairs(pairs(), 0)
    assert set(after.slide_id) == set(before.slide_id[before.cohort != "C"]), "a cohort of one case has no other"
    donor = after.profile_id.str.split("-").str[0]
    assert (donor != after.case_id).all()
    assert (donor.str[0] == after.cohort).all()
    by_case = after.assign(donor=donor).groupby("case_id").donor.nunique()
    assert (by_case == 1).all()
    assert set(after.profile_id) == set(before.profile_id[before.cohort != "C"])


def test_all_slides_of_a_case_get_the_same_profiles_in_all_modalities():
    after = shuffled_pairs(pairs(), 1)
    for _, part in after.groupby("case_id"):
        profile_sets = part.groupby("slide_id").profile_id.agg(sorted).tolist()
        assert all(profiles == profile_sets[0] for profiles in profile_sets)


def test_a_seed_gives_the_same_pairs_and_another_gives_others():
    assert shuffled_pairs(pairs(), 5).equals(shuffled_pairs(pairs(), 5))
    assert not shuffled_pairs(pairs(), 5).equals(shuffled_pairs(pairs(), 6))
    mixed = pairs().sample(frac=1, random_state=0)
    key = ["slide_id", "modality"]
    assert (
        shuffled_pairs(mixed, 5)
        .sort_values(key, ignore_index=True)
        .equals(shuffled_pairs(pairs(), 5).sort_values(key, ignore_index=True))
    )
