"""Cases to predict: of the world of the cohort before them, with labels of the same rule, some from other scanners."""

import h5py
import numpy as np
import pytest
from molpath.common.files import read_tsv
from molpath.demo.new_pairs import SCANNERS, draw_scanners, scan, write_new_pairs, write_whole
from molpath.demo.pairs import DOMINANT, LATENTS, TASKS, draw_world, write_pairs
from sklearn.metrics import roc_auc_score

COUNTS = {"usual": 150, "shifted": 30, "scaled": 30}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    world = write_pairs(folder, seed=3, pretrained=20, probed=150)
    write_new_pairs(folder, world, 3, COUNTS)
    return folder, world


def bags(folder, cases) -> list[np.ndarray]:
    features = []
    for case in cases:
        with h5py.File(next((folder / "features").rglob(f"{case}-1.h5"))) as handle:
            features.append(handle["features"][:])
    return features


def test_the_first_cohort_stays_as_it_was(cohort, tmp_path):
    before = {path: path.read_bytes() for path in cohort[0].rglob("*") if path.is_file() and "new" not in path.parts}
    write_pairs(tmp_path, seed=3, pretrained=20, probed=150)
    assert {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()} == {
        path.relative_to(cohort[0]) for path in before
    }
    assert all((tmp_path / path.relative_to(cohort[0])).read_bytes() == held for path, held in before.items())


def test_a_draw_gives_the_same_bytes_and_another_gives_others(cohort, tmp_path):
    folder, world = cohort
    for draw in (0, 1):
        write_new_pairs(tmp_path / str(draw), world, 3, COUNTS, draw)
    files = [path.relative_to(tmp_path / "0") for path in (tmp_path / "0").rglob("*") if path.is_file()]
    assert len(files) == sum(COUNTS.values()) + 2
    assert all((tmp_path / "0" / path).read_bytes() == (folder / path).read_bytes() for path in files)
    assert (tmp_path / "1/new/cases.tsv").read_bytes() != (folder / "new/cases.tsv").read_bytes()


def test_no_case_is_of_the_first_cohort_and_every_case_has_labels(cohort):
    cases, slides = read_tsv(cohort[0] / "new/cases.tsv"), read_tsv(cohort[0] / "new/slides.tsv")
    assert not set(cases.case_id) & set(read_tsv(cohort[0] / "slides.tsv").case_id)
    assert cases.case_id.tolist() == slides.case_id.tolist()
    assert cases.scanner.value_counts().to_dict() == COUNTS
    for task in (*TASKS, "dominant"):
        assert set(cases[task]) == set(read_tsv(cohort[0] / "tasks" / task / "k=all.tsv")[task])
    assert SCANNERS["usual"] >= 400, "what coverage is shown over"


def test_labels_follow_the_carriers_of_their_world_and_not_of_another(cohort):
    """What the world's carriers read from marked patches of new cases separates their labels."""
    folder, world = cohort
    cases = read_tsv(folder / "new/cases.tsv").head(COUNTS["usual"])

    def auc(world) -> float:
        read = np.array(
            [patches[(patches @ world.mark).argsort()[-3:]].mean(0) for patches in bags(folder, cases.case_id)]
        )
        levels = read @ world.carriers.T
        scores = [
            roc_auc_score(cases[task].astype(int), levels[:, LATENTS.index(programme)])
            for task, programme in TASKS.items()
        ]
        places = [LATENTS.index(programme) for programme in DOMINANT]
        assert world is not cohort[1] or (levels[:, places].argmax(1) == cases.dominant.astype(int)).mean() > 0.6
        return float(np.mean(scores))

    assert auc(world) > 0.85
    assert auc(draw_world(np.random.default_rng(99))) < 0.7


def test_other_scanners_change_features_as_described(cohort):
    cases = read_tsv(cohort[0] / "new/cases.tsv")
    centres, spreads = {}, {}
    for scanner, part in cases.groupby("scanner"):
        held = bags(cohort[0], part.case_id)
        centres[scanner] = np.mean([patches.mean(0) for patches in held], axis=0)
        spreads[scanner] = np.mean([np.sqrt(patches.var(0).sum()) for patches in held])
    assert np.linalg.norm(centres["shifted"] - centres["usual"]) == pytest.approx(4.0, abs=0.8)
    assert spreads["shifted"] / spreads["usual"] == pytest.approx(1.0, abs=0.03)
    assert spreads["scaled"] / spreads["usual"] > 1.1


def test_a_scanner_is_what_its_name_says():
    changes, patches = draw_scanners(np.random.default_rng(0)), np.random.default_rng(1).normal(size=(50, 48))
    assert scan(patches, "usual", changes) is patches
    np.testing.assert_allclose(scan(patches, "shifted", changes) - patches, np.tile(changes.move, (50, 1)))
    np.testing.assert_allclose(scan(patches, "scaled", changes) / patches, np.tile(changes.factors, (50, 1)))
    faded = scan(patches, "faded", changes)
    np.testing.assert_allclose(faded.mean(0), patches.mean(0))
    np.testing.assert_allclose(faded.std(0), 0.6 * patches.std(0))
    with pytest.raises(ValueError, match="no scanner blurred"):
        scan(patches, "blurred", changes)


def test_a_folder_of_other_files_is_never_replaced(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("a year of work")
    with pytest.raises(FileExistsError, match="mine holds other files than a synthetic cohort: name a new folder"):
        write_whole(tmp_path / "mine", 0)
    assert (tmp_path / "mine/notes.txt").read_text() == "a year of work"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
