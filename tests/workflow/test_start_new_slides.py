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
    origin, user = tmp_path_factory.mktemp("origin"), tmp_path_factory.mktemp("here")
    put_clone(user, repository)
    (user / "shared").mkdir()
    shutil.copytree(train(origin, repository), user / "shared/threads")
    slides = sorted((origin / "resources/demo/slides").iterdir())[:3]
    (user / "incoming").mkdir()
    for number, path in enumerate(slides):
        # One of them under a name that the model's study doesn't know.
        shutil.copy(path, user / "incoming" / (f"new{path.suffix}" if number == 2 else path.name))
    shutil.copytree(origin / f"results/wsi/{GRID}/features_mean_colour", user / "incoming_features")
    return origin, user, [path.stem for path in slides]


def vectors(path):
    import anndata

    data = anndata.read_h5ad(path)
    return dict(zip(data.obs_names, np.asarray(data.X), strict=True))


def page(repository):
    return repository / "workflow/docs/start_new_slides.md"


def test_slides_get_the_vectors_that_the_models_study_gives_them(place, repository):
    origin, user, (first, second, renamed) = place
    block = blocks(page(repository))[0]
    assert len(block.splitlines()) <= 3
    done = run_block(block, user)
    assert done.returncode == 0, done.stdout[-4000:]
    expected = vectors(origin / "results/embed/made-here/slides.h5ad")
    encoded = vectors(user / "new/results/embed/ours/slides.h5ad")
    assert sorted(encoded) == sorted([first, second, "new"])
    for name, same in ((first, first), (second, second), ("new", renamed)):
        np.testing.assert_array_equal(encoded[name], expected[same])
    code = blocks(page(repository), "python")[0]
    shown = run_block(f"cd new\npython - <<'END'\n{code}END\n", user)
    assert shown.returncode == 0, shown.stdout
    assert first in shown.stdout


def test_features_get_the_same_vectors_without_slides(place, repository):
    origin, user, _ = place
    block = blocks(page(repository))[1].replace("init new ", "init new2 ").replace("cd new", "cd new2")
    done = run_block(block, user)
    assert done.returncode == 0, done.stdout[-4000:]
    expected = vectors(origin / "results/embed/made-here/slides.h5ad")
    encoded = vectors(user / "new2/results/embed/ours/slides.h5ad")
    assert sorted(encoded) == sorted(expected)
    for name, vector in encoded.items():
        np.testing.assert_array_equal(vector, expected[name])


@pytest.mark.parametrize(("message", "grid"), [("reads grid 20x_256px_0px_overlap", "20x_512px_0px_overlap")])
def test_features_of_another_grid_write_nothing(place, repository, message, grid):
    _, user, _ = place
    shutil.copytree(user / "incoming_features", user / "plain", dirs_exist_ok=True)
    done = run_block(f"molpath init other --model shared/threads --features plain --grid {grid}", user)
    assert done.returncode == 1
    assert message in done.stdout
    assert not (user / "other").exists()
