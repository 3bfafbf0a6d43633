"""What jobs of features ask for, by encoder, grid and config."""

from types import SimpleNamespace

import pytest
from molpath.study import Study
from molpath.study.problems import ProblemsFound

GRID = "20x_512px_0px_overlap"


def memory_and_time(project, encoder, attempt=1, grid=GRID, **software):
    """Memory of a job in MB, and whether it may run on the CPU."""
    project.config["features"]["encoders"]["enc"] = encoder
    project.config["software"] = software
    project.write()
    encoders = Study.open("config.yaml").encoders
    wildcards = SimpleNamespace(encoder="enc", grid=grid)
    return encoders.memory_mb(wildcards, attempt, 8), encoders.may_run_on_cpu(wildcards)


@pytest.mark.parametrize(
    ("adapter", "least", "largest"),
    [
        ("efficientnet_lite0", 4000, 7000),
        ("uni_v1", 5000, 9000),
        ("gigapath", 10_000, 13_000),  # its weights alone take 4,800
        ("precomputed", 1000, 2500),
        ("mean_colour", 2000, 5500),
    ],
)
def test_memory_follows_the_encoder(project, adapter, least, largest):
    assert least <= memory_and_time(project, {"adapter": adapter})[0] <= largest


def test_memory_follows_batch_readers_grid_and_attempt(project):
    plain = memory_and_time(project, {"adapter": "uni_v1"})[0]
    assert memory_and_time(project, {"adapter": "uni_v1", "batch_size": 1024})[0] >= plain + 1500
    assert memory_and_time(project, {"adapter": "uni_v1", "workers": 16})[0] >= plain + 1500
    assert memory_and_time(project, {"adapter": "uni_v1"}, grid="20x_1024px_0px_overlap")[0] >= plain + 1500
    assert memory_and_time(project, {"adapter": "uni_v1"}, attempt=2)[0] == 2 * plain
    for larger in ({"crops": 5}, {"input_size": 448}):  # 8 cores hold 500 to 700 MB more each
        assert memory_and_time(project, {"adapter": "uni_v1"} | larger)[0] >= plain + 4000
        assert memory_and_time(project, {"adapter": "uni_v1"} | larger, torch="gpu")[0] <= plain + 2000


@pytest.mark.parametrize(
    ("adapter", "software", "may"),
    [
        ("uni_v1", {"torch": "gpu"}, False),
        ("uni_v1", {"torch": "gpu", "allow_cpu": True}, True),
        ("mean_colour", {"torch": "gpu"}, True),  # asks for none
    ],
)
def test_jobs_with_a_gpu_use_it(project, adapter, software, may):
    assert memory_and_time(project, {"adapter": adapter}, **software)[1] is may


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        ({"adapter": "hoptimus1", "input_size": 256}, "looks at 14 pixels at a time; 256 is no multiple"),
        ({"adapter": "conch_v15", "input_size": 512}, "takes patches of its own size only"),
    ],
)
def test_input_sizes_are_looked_at_before_anything_runs(project, encoder, message):
    project.config["features"]["encoders"]["enc"] = encoder
    project.write()
    with pytest.raises(ProblemsFound, match=f"features/encoders/enc/input_size: .*{message}"):
        Study.open("config.yaml").check()


@pytest.mark.parametrize(
    ("compare", "message"),
    [
        ({"slide": "nobody"}, "features/compare/slide: no slide is called 'nobody'"),
        ({"grid": "none"}, "features/compare/grid: no grid is called 'none'"),
        ({"file": "nowhere.h5"}, "features/compare/file: no such file: 'nowhere.h5'"),
    ],
)
def test_a_comparison_names_what_there_is(project, compare, message):
    project.config["features"]["compare"] = compare
    project.write()
    with pytest.raises(ProblemsFound, match=message):
        Study.open("config.yaml").check()
