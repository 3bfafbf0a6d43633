"""Memory of a job: the smallest limit of its control groups, of both versions, as schedulers set them."""

import pytest
from molpath.common.memory import memory_available

GB = 1024**3


@pytest.fixture
def machine(tmp_path):
    """A machine of 64 GB: files of control groups by path, and what /proc/self/cgroup says."""

    def make(cgroup, limits):
        (tmp_path / "proc/self").mkdir(parents=True)
        (tmp_path / "proc/meminfo").write_text(f"MemTotal: 1 kB\nMemAvailable: {64 * GB // 1024} kB\n")
        (tmp_path / "proc/self/cgroup").write_text(cgroup)
        for path, text in limits.items():
            (tmp_path / "groups" / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "groups" / path).write_text(f"{text}\n")
        return memory_available(str(tmp_path / "proc"), str(tmp_path / "groups")) / GB

    return make


SLURM = "system.slice/slurmstepd.scope/job_7/step_batch/user/task_0"


def test_the_limit_of_a_slurm_job_is_found_above_its_task(machine):
    limits = {f"{SLURM}/memory.max": "max", "system.slice/slurmstepd.scope/job_7/memory.max": 8 * GB}
    assert machine(f"0::/{SLURM}\n", limits) == 8


def test_the_smallest_limit_on_the_way_up_counts(machine):
    assert machine("0::/a/b\n", {"a/b/memory.max": 20 * GB, "a/memory.max": 4 * GB, "memory.max": 30 * GB}) == 4


def test_version_1_has_a_hierarchy_of_memory(machine):
    cgroup = "12:cpu,cpuacct:/slurm/uid_1\n4:memory:/slurm/uid_1/job_7\n0::/init\n"
    limits = {"memory/slurm/uid_1/job_7/memory.limit_in_bytes": 6 * GB}
    limits["memory/memory.limit_in_bytes"] = 9223372036854771712
    assert machine(cgroup, limits) == 6


def test_a_container_shows_its_own_group_as_the_root(machine):
    """Its process may be named by the path on the host, of which nothing is there."""
    assert machine("0::/../../kubepods/pod1\n", {"memory.max": 3 * GB}) == 3


def test_without_limits_it_is_what_the_kernel_says(machine):
    assert machine("0::/\n", {"memory.max": "max"}) == 64


def test_without_control_groups_too(tmp_path):
    assert memory_available(str(tmp_path), str(tmp_path)) > 0
