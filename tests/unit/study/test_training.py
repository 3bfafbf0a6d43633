"""What the job of a run asks for grows with its processes."""

from types import SimpleNamespace

import pytest
from molpath.study import Study


@pytest.mark.parametrize(
    ("processes", "build", "gpus", "memory", "minutes"),
    [
        (1, "cpu", 0, 16000, 2880),
        (1, "gpu", 1, 16000, 2880),
        (2, "cpu", 0, 32000, 2880),
        (2, "gpu", 2, 32000, 1440),
        (4, "gpu", 4, 64000, 720),
    ]
    + [(8, "gpu", 8, 128000, 720)],
)
def test_a_run_asks_for_its_processes(project, processes, build, gpus, memory, minutes):
    project.config["pretrain"]["runs"]["one"]["training"] = {"processes": processes}
    project.config["software"] = {"torch": build}
    project.write()
    training, here = Study.open("config.yaml").training, SimpleNamespace(run="one")
    assert training.gpus(here) == gpus
    assert training.memory_mb(here, 1) == memory
    assert training.memory_mb(here, 2) == 2 * memory
    assert training.runtime(here) == minutes
