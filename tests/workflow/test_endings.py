"""Runs that end before their end: one sentence on the terminal each, what to do next, and a next run that goes on."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from projects import SNAKEMAKE

pytestmark = pytest.mark.slow

#: The workflow with a job of its own that waits, writes, or ends as a file says.
SNAKEFILE = """
import sys
include: "{workflow}/Snakefile"

rule wait:
    output: "results/waited.txt"
    log: "results/logs/wait.log"
    retries: 0
    shell: "touch began; ({{config_command}}) 2> {{log}}; touch {{output}}"
"""


class Running:
    """A run of the rule `wait` in a process group of its own."""

    def __init__(self, project, command: str, *arguments: str):
        project.write()
        snakefile = project.folder / "Snakefile"
        text = SNAKEFILE.format(workflow=project.repository / "workflow").replace("{config_command}", command)
        snakefile.write_text(text.replace("{{", "{").replace("}}", "}"))
        self.folder = project.folder
        call = [SNAKEMAKE, "--snakefile", snakefile, "--configfile", "config.yaml", "--cores", "1", *arguments, "wait"]
        self.process = subprocess.Popen(
            [str(part) for part in call],
            cwd=project.folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        )

    def after_its_start(self) -> "Running":
        """Wait until the job is under way."""
        deadline = time.monotonic() + 60
        while not (self.folder / "began").exists():
            assert self.process.poll() is None, self.process.stdout.read()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return self

    def output(self) -> str:
        """What it printed until its end."""
        return self.process.communicate(timeout=90)[0]


def goes_on(project, *arguments: str) -> None:
    """The next run comes to its end."""
    (project.folder / "began").unlink(missing_ok=True)
    output = (again := Running(project, "true", *arguments)).output()
    assert again.process.returncode == 0, output
    assert "1 of 1 steps (100%) done" in output
    assert not re.search(r"The run (was|ended)|A job was|changed while", output)


def test_ctrl_c_once(project):
    run = Running(project, "sleep 30").after_its_start()
    os.killpg(run.process.pid, signal.SIGINT)
    output = run.output()
    assert run.process.returncode == 1
    assert output.count("The run was stopped (Ctrl-C). Start it again: it continues from what is finished.") == 1
    goes_on(project, "--rerun-incomplete")


def test_ctrl_c_twice(project):
    """The second while jobs that don't end at once are waited for."""
    run = Running(project, "trap '' INT; sleep 4").after_its_start()
    os.killpg(run.process.pid, signal.SIGINT)
    time.sleep(1)
    os.killpg(run.process.pid, signal.SIGINT)
    output = run.output()
    assert run.process.returncode != 0
    # When the second comes, Snakemake has reported the first, or ends with a traceback, below which this is printed.
    (ending,) = re.findall(
        r"The run (was stopped \(Ctrl-C\)|ended at once \(Ctrl-C twice.*`snakemake --unlock`)", output
    )
    assert "Start it again: it continues from what is finished." in output, ending
    time.sleep(3)
    goes_on(project, "--rerun-incomplete")


def test_sigterm_lets_jobs_come_to_their_end(project):
    run = Running(project, "sleep 3").after_its_start()
    run.process.send_signal(signal.SIGTERM)
    output = run.output()
    assert "The run was asked to end (SIGTERM)" in output or run.process.returncode == 0
    assert (project.folder / "results/waited.txt").exists()


def test_a_kill_needs_unlock_and_the_next_start_says_so(project):
    run = Running(project, "sleep 1").after_its_start()
    run.process.kill()
    run.process.communicate()
    time.sleep(1.5)
    (project.folder / "began").unlink()
    locked = Running(project, "true", "--rerun-incomplete")
    output = locked.output()
    assert locked.process.returncode != 0
    assert "--unlock" in output
    assert "Unlocked working directory" in Running(project, "true", "--unlock").output()
    goes_on(project, "--rerun-incomplete")


def test_a_job_that_is_killed_for_want_of_memory(project):
    """By SIGKILL to the job alone, as the kernel does for a control group."""
    output = Running(project, "kill -9 $$").output()
    assert output.count("A job was killed, most often for lack of memory: give its rule more (`--set-resources") == 1


def test_a_full_disk_in_a_job(project):
    """A file system of one page (/dev/full) in place of a quota, whose message has its own words in ENDINGS."""
    output = Running(project, "echo x > /dev/full").output()
    assert output.count("A disk or a quota is full: make room, or name another disk.") == 1


def test_nolock_and_a_sheet_that_changes_during_the_run(project):
    output = Running(project, "printf 'S9\\\\tC9\\\\tfiles/S0.svs\\\\tA\\\\t0.5\\\\n' >> slides.tsv").output()
    assert output.count("slides.tsv changed while the run went on, which used the rows as they were at its start.") == 1


def test_a_umask_that_hides_files_is_reported_at_the_start(project):
    before = os.umask(0o700)
    try:
        run = Running(project, "true")
        output = run.output()
    finally:
        os.umask(before)
    assert run.process.returncode != 0
    assert "umask: a umask of 0700, with which this run can't use what it writes" in output
    assert "Traceback" not in output


def read_only(folder: Path) -> None:
    """Mount a folder on itself, read-only; skip where that can't be done."""
    folder.mkdir(exist_ok=True)
    for words in (["--bind", folder, folder], ["-o", "remount,ro,bind", folder]):
        if subprocess.run(["mount", *map(str, words)], capture_output=True, check=False).returncode:
            pytest.skip("only root can mount a folder read-only")


def test_results_that_cannot_be_written_to_stop_the_start(project):
    results = project.folder / "results"
    read_only(results)
    try:
        run = Running(project, "true")
        output = run.output()
    finally:
        subprocess.run(["umount", results], check=False)
    assert run.process.returncode != 0
    assert "results: can't be written to: Read-only file system" in output
    assert "change its owner or mode, mount it for writing" in output
    assert "Traceback" not in output
    assert not (project.folder / "began").exists()
