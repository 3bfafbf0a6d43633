"""workflow/docs/start_new_slides.md, literally: a copied model folder with new slides, or new features."""

import shutil

import numpy as np
import pytest
from page_blocks import blocks, put_clone, run_block
from trained_study import GRID, train

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory, repository):
    """A folder as the page has it: a copy of a model, slides, and features; and the study that trained it, apart."""
    origin, here = tmp_path_factory.mktemp("origin"), tmp_path_factory.mktemp("here")
    put_clone(here, repository)
    (here / "shared").mkdir()
    shutil.copytree(train(origin, repository), here / "shared/threads")
    slides = sorted((origin / "resources/demo/slides").iterdir())[:3]
    (here / "incoming").mkdir()
    for number, path in enumerate(slides):
        # One of them under a name that the model's study doesn't know.
        shutil.copy(path, here / "incoming" / (f"new{path.suffix}" if number == 2 else path.name))
    shutil.copytree(origin / f"results/wsi/{GRID}/features_mean_colour", here / "incoming_features")
    return origin, here, [path.stem for path in slides]


def vectors(path):
    import anndata

    data = anndata.read_h5ad(path)
    return dict(zip(data.obs_names, np.asarray(data.X), strict=True))


def page(repository):
    return repository / "workflow/docs/start_new_slides.md"


def test_slides_get_the_vectors_that_the_models_study_gives_them(place, repository):
    origin, here, (first, second, renamed) = place
    block = blocks(page(repository))[0]
    assert len(block.splitlines()) <= 3
    done = run_block(block, here)
    assert done.returncode == 0, done.stdout[-4000:]
    theirs = vectors(origin / "results/embed/made-here/slides.h5ad")
    ours = vectors(here / "new/results/embed/ours/slides.h5ad")
    assert sorted(ours) == sorted([first, second, "new"])
    for name, same in ((first, first), (second, second), ("new", renamed)):
        np.testing.assert_array_equal(ours[name], theirs[same])
    code = blocks(page(repository), "python")[0]
    shown = run_block(f"cd new\npython - <<'END'\n{code}END\n", here)
    assert shown.returncode == 0, shown.stdout
    assert first in shown.stdout


def test_features_get_the_same_vectors_without_slides(place, repository):
    origin, here, _ = place
    block = blocks(page(repository))[1].replace("init new ", "init new2 ").replace("cd new", "cd new2")
    done = run_block(block, here)
    assert done.returncode == 0, done.stdout[-4000:]
    theirs = vectors(origin / "results/embed/made-here/slides.h5ad")
    ours = vectors(here / "new2/results/embed/ours/slides.h5ad")
    assert sorted(ours) == sorted(theirs)
    for name, vector in ours.items():
        np.testing.assert_array_equal(vector, theirs[name])


@pytest.mark.parametrize(("told", "grid"), [("reads grid 20x_256px_0px_overlap", "20x_512px_0px_overlap")])
def test_features_of_another_grid_write_nothing(place, repository, told, grid):
    _, here, _ = place
    shutil.copytree(here / "incoming_features", here / "plain", dirs_exist_ok=True)
    done = run_block(f"molpath init other --model shared/threads --features plain --grid {grid}", here)
    assert done.returncode == 1
    assert told in done.stdout
    assert not (here / "other").exists()
