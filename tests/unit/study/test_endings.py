"""Sentences on how a run ended, and what is looked at before its first job."""

import importlib.util
import os
from importlib.util import find_spec

import pytest
from molpath.common.files import temporary_of
from molpath.study import Study, endings
from molpath.study.endings import ENDINGS, Endings
from molpath.study.launcher import Launcher
from molpath.study.problems import ProblemsFound

LOGS = {
    "Terminating processes on user request, this might take some time.": "The run was stopped (Ctrl-C).",
    "Will exit after finishing currently running jobs (scheduler).": "asked to end (SIGTERM)",
    "OSError: [Errno 28] No space left on device: 'x.h5'": "A disk or a quota is full",
    "OSError: [Errno 122] Disk quota exceeded": "A disk or a quota is full",
    "OSError: [Errno 30] Read-only file system: 'results'": "A folder can't be written to any more",
    "Command '…' died with <Signals.SIGKILL: 9>.": "most often for lack of memory",
    "SLURM job failed: OUT_OF_MEMORY": "most often for lack of memory",
    "molpath.common.ledger.TooManySetAside: 8 of 9 slides": "More slides were set aside than",
    "This could indicate a clock skew problem in your network": "Clocks of machines",
}


@pytest.mark.parametrize("log", LOGS)
def test_each_ending_has_one_sentence_and_says_what_to_do(tmp_path, log):
    (tmp_path / "run.log").write_text(f"Building DAG of jobs...\n{log}\n")
    text = Endings(str(tmp_path), []).text([str(tmp_path / "run.log"), "nowhere.log"])
    assert LOGS[log] in text
    assert text.count(endings.AGAIN) == 1
    assert "\n" not in text


def test_every_ending_is_tried_and_a_run_without_one_says_nothing(tmp_path):
    assert {sentence for _, sentence in ENDINGS} == {
        sentence for _, sentence in ENDINGS for words in LOGS.values() if words in sentence
    }
    (tmp_path / "run.log").write_text("1 of 1 steps (100%) done\n")
    assert Endings(str(tmp_path), []).text([str(tmp_path / "run.log")]) == ""


def test_the_log_of_a_failed_job_is_read(tmp_path):
    (tmp_path / "job.log").write_text("x" * endings.MOST + "OSError: No space left on device\n")
    (tmp_path / "run.log").write_text(f"    log: {tmp_path}/job.log (check log file(s) for error details)\n")
    assert "A disk or a quota is full" in Endings(str(tmp_path), []).text([str(tmp_path / "run.log")])


def test_a_sheet_that_changed_is_named(tmp_path):
    for name in ("slides.tsv", "profiles.tsv"):
        (tmp_path / name).write_text("a\n")
    run = Endings(str(tmp_path), [str(tmp_path / "slides.tsv"), str(tmp_path / "profiles.tsv"), ""])
    assert run.text([]) == ""
    (tmp_path / "slides.tsv").write_text("a\nb\n")
    assert run.text([]).startswith(f"{tmp_path}/slides.tsv changed while the run went on")


def test_a_folder_that_can_be_written_to_has_no_note_and_keeps_nothing(tmp_path):
    results = tmp_path / "not/yet/there"
    assert Endings(str(results), []).check_start(["all"], ["snakemake"]) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", ["EROFS", "ENOSPC", "EDQUOT", "EACCES"])
def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path, monkeypatch, number):
    import errno

    def fail(*arguments, **options):
        raise OSError(getattr(errno, number), os.strerror(getattr(errno, number)))

    monkeypatch.setattr(endings.tempfile, "TemporaryDirectory", fail)
    run = Endings(str(tmp_path), [])
    with pytest.raises(ProblemsFound, match=f"{tmp_path}: can't be written to: {os.strerror(getattr(errno, number))}"):
        run.check_start(["all"], [])
    assert not run.under_way
    assert run.check_start(["doctor"], ["--nolock"])[0].startswith("note: --nolock keeps no second run")


@pytest.mark.parametrize(("ahead", "words"), [(60, "60 s behind"), (-60, "60 s ahead of")])
def test_clocks_that_differ_are_a_note(tmp_path, monkeypatch, ahead, words):
    now = endings.time.time
    monkeypatch.setattr(endings.time, "time", lambda: now() + ahead)
    (note,) = Endings(str(tmp_path), []).check_start(["all"], [])
    assert words in note


def test_a_umask_that_hides_files_from_their_owner_is_refused(tmp_path):
    before = os.umask(0o277)
    try:
        with pytest.raises(ProblemsFound, match="a umask of 0277, with which this run can't use what it writes"):
            Endings(str(tmp_path), []).check_start(["all"], [])
        assert os.umask(0o277) == 0o277
    finally:
        os.umask(before)


def test_ids_of_250_letters_are_refused_and_those_taken_fit_into_a_name(project):
    project.slides[0]["slide_id"] = project.slides[1]["case_id"] = project.profiles[0]["profile_id"] = "S" * 250
    project.slides[2]["cohort"] = "c" * 161
    project.write()
    message = project.refusal()
    for place in ("slides.tsv, row 2, column slide_id", "slides.tsv, row 3, column case_id"):
        assert f"{place}: " in message
    assert "profiles.tsv, row 2, column profile_id: " in message
    assert "slides.tsv, row 4, column cohort: " in message
    assert "160 at most (it becomes part of a file name)" in message
    project.slides[0]["slide_id"] = "S" * 160
    project.slides[1]["case_id"], project.slides[2]["cohort"] = "C1", "A"
    project.profiles[0]["profile_id"] = "P" * 160
    project.write()
    Study.open("config.yaml").check()


def test_names_of_the_config_are_no_longer(project):
    project.config["embed"]["models"]["m" * 161] = project.config["embed"]["models"]["mean"]
    project.config["probe"]["tasks"][f"here--{'t' * 160}"] = {"path": "tasks/grade"}
    project.write()
    message = project.refusal()
    assert message.count("is too long") == 2
    assert message.count("160 at most") == 2


def test_a_temporary_name_of_the_longest_id_fits(tmp_path, monkeypatch):
    """As long as Linux lets names of hosts and numbers of processes be."""
    monkeypatch.setattr("socket.gethostname", lambda: "h" * 64)
    monkeypatch.setattr("os.getpid", lambda: 4194304)
    temporary_of(tmp_path / f"{'S' * 160}_patches.h5").touch()


def test_a_job_that_succeeded_on_retry_is_not_reported(tmp_path):
    (tmp_path / "slides.tsv").write_text("a\n")
    (tmp_path / "run.log").write_text("MemoryError\nTrying to restart job 3.\n5 of 5 steps (100%) done\n")
    run = Endings(str(tmp_path), [str(tmp_path / "slides.tsv")])
    assert run.text([str(tmp_path / "run.log")], well=True) == ""
    (tmp_path / "slides.tsv").write_text("a\nb\n")
    assert "changed while the run went on" in run.text([str(tmp_path / "run.log")], well=True)


def test_an_end_at_once_says_how_to_unlock_and_any_other_end_doesnt(tmp_path, capsys):
    run = Endings(str(tmp_path), [])
    run.say_at_once()
    assert capsys.readouterr().err == ""
    run.check_start(["all"], [])
    run.say_at_once()
    assert "`snakemake --unlock`" in capsys.readouterr().err
    run.text([])
    run.say_at_once()
    assert capsys.readouterr().err == ""


def test_an_environment_without_the_packages_of_jobs_is_reported_before_the_first_job(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pandas" else find_spec(name))
    assert Launcher().lacking() == ["pandas"]
    assert Launcher(deployment=["conda"]).lacking() == []
    with pytest.raises(
        ProblemsFound, match=r"this environment: has no pandas, which jobs import\n *-> add `--sdm conda`"
    ):
        Endings(str(tmp_path), []).check_start(["all"], [], Launcher().lacking())
    assert Endings(str(tmp_path), []).check_start(["doctor"], [], Launcher().lacking()) == []
