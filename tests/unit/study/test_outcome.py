"""What a run says at its end: counts, what to look at, where it is, what is next; the same form, whatever the end."""

import os
from pathlib import Path

import pytest
from molpath.study import Study
from molpath.study.outcome import failure, shortened
from projects import write_table


@pytest.fixture
def study(project, monkeypatch) -> Study:
    """Eight slides, two runs' worth of settings, one task; nothing was made yet."""
    project.write()
    monkeypatch.chdir(project.folder)
    monkeypatch.setenv("COLUMNS", "110")
    return Study.open("config.yaml")


def make(study: Study, path: str, rows: list[dict]) -> None:
    write_table(Path(study.summary._path(path)), rows)


def manifest(bad: dict[int, str]) -> list[dict]:
    """Rows of eight slides, those in `bad` set aside."""
    return [
        {"slide_id": f"S{i}", "status": "set_aside" if i in bad else "ok", "reason": bad.get(i, ""), "detail": ""}
        for i in range(8)
    ]


def as_far_as_features(study: Study, bad: dict[int, str]) -> None:
    parts = [paths for part, paths in study.summary._manifests(("slides", "tissue", "tiles", "features")).items()]
    for number, (path,) in enumerate(parts):
        make(study, path, manifest(bad))
        os.utime(study.summary._path(path), (1000 + number, 1000 + number))


def test_features_of_which_most_slides_were_set_aside(study):
    as_far_as_features(study, dict.fromkeys(range(1, 8), "unreadable"))
    text = study.outcome.text({"features"})
    assert "Set aside: 7 of 8 slides" in text
    assert "7  slides, unreadable: no reader opens the file" in text
    assert text.endswith("Next: `snakemake` does what is left (pretrain, embed, probe, report).")


def test_nothing_is_reported_of_targets_that_need_no_comment(study):
    as_far_as_features(study, {})
    assert study.outcome.text({"orphans"}) == ""
    assert study.outcome.text({"wait"}, [], well=True) == ""


def test_a_failed_run_says_what_failed_once(study, tmp_path):
    as_far_as_features(study, {})
    log = tmp_path / "run.log"
    log.write_text("Error in rule extract_features:\n    jobid: 1\nError in rule extract_features:\nError in rule x:\n")
    text = study.outcome.text({"all"}, [str(log)], well=False)
    assert "Jobs failed: extract_features (2), x (1); their messages and logs are named above." in text
    assert "Next:" not in text
    log.write_text("Error in rule extract_features:\nTerminating processes on user request, this might\n")
    text = study.outcome.text({"all"}, [str(log)], well=False)
    assert "Jobs failed" not in text
    assert text.count("Start it again") == 1
    assert failure([]) == "The run failed. Fix the cause. Start it again: it continues from what is finished."


def test_leaks_runs_and_probes_that_want_a_look(study):
    as_far_as_features(study, {})
    leak = {"case_id": "C1", "run": "one", "task": "here--grade", "fold": "fold_0", "side": "test", "detail": "itself"}
    leaks = [leak | {"action": action} for action in ("error", "allowed")]
    twin = dict.fromkeys(leak, "") | {"case_id": "C2", "action": "listed"}
    make(study, "<results>/omics/leakage.tsv", [*leaks, leak | {"fold": "fold_1", "action": "error"}, twin])
    rows = [
        {"protocol": "logistic", "primary": 1, "n_failed": 1, "n_empty": 0, "note": "x", "model": "mean", "task": "t"},
        {"protocol": "permuted", "primary": 1, "n_failed": 1, "n_empty": 9, "model": "mean", "task": "t"}
        | {"note": "permuted labels are off chance: auc 0.7 (0.6 to 0.8), chance 0.5"},
        {"protocol": "site_only", "primary": 1, "n_failed": 0, "n_empty": 0, "model": "mean", "task": "t"}
        | {"note": "the site alone predicts the label: auc 0.9"},
        {"protocol": "cox", "primary": 1, "n_failed": 0, "n_empty": 2, "note": "", "model": "threads", "task": "os"},
        {"protocol": "cox", "primary": 0, "n_failed": 5, "n_empty": 2, "note": "", "model": "threads", "task": "os"},
    ]
    make(study, study.probing.summaries()[0], rows)
    log = study.summary._path("<results>/logs/pretrain/runs/one.log")
    os.makedirs(os.path.dirname(log))
    with open(log, "w") as handle:
        handle.write("Traceback\nmolpath.pretrain.training.Untrained: in 3 epochs no step had two cases\n")
    lines = study.outcome.cautions.lines(("omics", "pretrain", "probe"), [])
    assert [line.split(" (")[0] for line in lines] == [
        "leakage: 1 cases are in pretraining and on a test side: C1",
        "leakage: 1 cases are in pretraining and on a test side, which omics/allow_leakage permits: C1",
        "profiles: 1 cases share an expression profile with another case, so one of the two is mislabelled: C2",
        "pretraining one: nothing was learned: in 3 epochs no step had two cases",
        "probes: the control with permuted labels is off chance: 1 of 4 scores",
        "probes: the site alone predicts the label: 1 of 4 scores",
        "probes: folds without a result: 1 of 4 scores",
        "probes: no coefficient kept, so that a score of 0.5 says nothing: 1 of 4 scores",
    ]
    whole = study.outcome.text({"all"})
    assert "Look at these before the numbers:\n  leakage: 1 cases are" in whole
    assert "Look at these" not in study.outcome.text({"features"})


def test_a_run_with_fewer_cases_than_a_batch(study):
    as_far_as_features(study, {})
    pairs = [
        {"slide_id": f"S{i}", "case_id": f"C{i}", "profile_id": f"P{i}", "modality": "rna", "status": "paired"}
        | {"reason": "", "detail": ""}
        for i in (0, 2, 4)
    ]
    pairs += [pairs[0] | {"slide_id": "", "profile_id": "P6", "status": "left_out", "reason": "no_slide"}]
    make(study, "<results>/omics/pairs.tsv", pairs)
    for path in study.ledger.packed_of("one"):
        make(study, path, manifest({}))
    weights = study.summary._path("<results>/pretrain/runs/one/model.safetensors")
    os.makedirs(os.path.dirname(weights))
    open(weights, "w").close()
    text = study.outcome.text({"pretrain"})
    assert "pretraining one: 3 cases with slide and profile, fewer than the 300 of a batch" in text.replace(
        "\n    ", " "
    )
    assert "profiles paired with slides" in text
    assert "1 no_slide" in text


def test_embedded_cases_and_probed_tasks_are_counted(study):
    as_far_as_features(study, {})
    make(study, "<results>/embed/mean/slides.tsv", manifest({3: "no_features"}))
    cases = [{"case_id": f"C{i}", "status": "ok" if i else "set_aside"} for i in range(8)]
    make(study, "<results>/embed/mean/cases.tsv", cases)
    make(study, study.probing.metrics()[0], [{"fold": 0}])
    text = study.outcome.text(())
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "embed mean 7 1" in lines
    assert "embed cases of mean 7 1" in lines
    assert "probe models and protocols on 1 task 1 1 not reached" in lines
    # A transfer is a pair of tasks, of which the second is tested.
    study.probing.section["transfer"]["use"] = [f"elsewhere=={study.probing.used[0]}"]
    make(study, study.probing.of_protocols()[0], [{"fold": 0}])
    lines = [" ".join(line.split()) for line in study.outcome.text(()).splitlines()]
    assert "probe models and protocols on 1 task 2 2 not reached" in lines


def test_where_it_is_and_a_report_that_is_older(study):
    as_far_as_features(study, {})
    make(study, "<results>/tables/slides.tsv", manifest({}))
    assert "Next: `snakemake --report results/report.html` binds" in study.outcome.text({"all"})
    report, last = "results/report.html", "results/job_times.tsv"
    for path in (report, last):
        open(path, "w").close()
    os.utime(last, (1000, 1000))
    text = study.outcome.text({"all"})
    assert "  table       results/tables/slides.tsv\n  report      results/report.html" in text
    assert "Next:" not in text
    os.utime(report, (10, 10))
    text = study.outcome.text({"all"})
    assert "results/report.html (older than these results)" in text
    assert "Next: `snakemake --report" in text


def test_the_summary_and_the_report_say_the_same(study):
    assert study.outcome.now() == "No slide has been inspected yet."
    as_far_as_features(study, {2: "blank"})
    assert study.outcome.now(with_paths=False) in study.outcome.text({"all"})
    assert study.outcome.now() in study.outcome.text({"all"})


def test_of_many_models_some_are_named():
    outputs = [("embeddings", f"m{i}") for i in range(6)] + [("table", "t")]
    assert shortened(outputs)[-2:] == [("embeddings", "m3 and 2 more"), ("table", "t")]


def test_what_an_earlier_run_set_aside_is_counted_but_not_what_this_one_makes_again(study):
    as_far_as_features(study, {1: "blank", 2: "features_only"})
    assert study.summary.lost_before(()) == {"blank": 1}
    outputs = {
        study.summary._path(path) for paths in study.summary._manifests(("slides", "tissue")).values() for path in paths
    }
    outputs |= {
        study.summary._path(path)
        for paths in study.summary._manifests(("tiles", "features")).values()
        for path in paths
    }
    assert not study.summary.lost_before(outputs)
