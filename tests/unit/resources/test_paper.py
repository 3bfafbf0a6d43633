"""The paper's tasks and scores as data: counts, names, sums that the paper itself states."""

import re
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from molpath.probe.metrics import ALWAYS

RESOURCES = Path(__file__).resolve().parents[3] / "resources"
MODELS = {
    "mean-virchow",
    "mean-gigapath",
    "mean-ctranspath",
    "mean-conch_v15",
    "prism",
    "gigapath",
    "chief",
    "threads",
}


def table(name: str) -> pd.DataFrame:
    """A table of resources/, empty cells as ''."""
    return pd.read_csv(RESOURCES / name, sep="\t", comment="#", dtype=str, keep_default_na=False)


@pytest.fixture(scope="module")
def tasks() -> pd.DataFrame:
    return table("tasks/tasks.tsv")


@pytest.fixture(scope="module")
def probed(tasks) -> pd.DataFrame:
    """Scores of the linear probe on the public tasks, a row per task and a column per model."""
    scores = table("published/linear_probe.tsv")
    scores = scores[scores.task.isin(tasks.task[tasks.access == "public"])]
    return scores.assign(score=scores.score.astype(float)).pivot(index="task", columns="model", values="score")


def test_fifty_four_tasks_by_family(tasks):
    assert len(tasks) == 54 == tasks.task.nunique()
    assert list(tasks.number.astype(int)) == list(range(1, 55))
    families = {"subtyping_grading": 8, "mutation": 21, "ihc": 12, "response_survival": 13}
    assert Counter(tasks.family) == families
    assert Counter(tasks.access) == {"public": 42, "in_house": 12}
    public = tasks[tasks.access == "public"]
    assert Counter(public.family) == {"subtyping_grading": 6, "mutation": 21, "ihc": 3, "response_survival": 12}
    assert Counter(tasks.kind)["response"] == 6
    assert Counter(tasks.kind)["survival"] == 6
    assert (tasks.probe == "cox").sum() == 7  # the paper's 47 linear probes and 7 CoxNets


def test_every_task_can_be_set_up_from_its_row(tasks):
    assert set(tasks.metric) <= {*ALWAYS, "cindex"}
    assert set(tasks.unit) == {"case_id", "slide_id"}
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*--[A-Za-z0-9][A-Za-z0-9._-]*", name) for name in tasks.task)
    assert set(zip(tasks.split, tasks.folds, strict=True)) == {
        ("official", "1"),
        ("cross_validation", "5"),
        ("monte_carlo", "50"),
    }
    assert ((tasks.metric == "cindex") == (tasks.probe == "cox")).all()
    assert ((tasks.cox_alpha != "") == (tasks.probe == "cox")).all()
    assert tasks.set_index("task").cox_alpha["boehmk_--PFS"] == "0.01"
    for row in tasks.itertuples():
        assert row.n_cases if row.unit == "case_id" else row.n_slides, row.task
        assert row.labels, row.task


def test_every_cohort_says_where_it_is_and_in_house_ones_that_they_are_not_obtainable(tasks):
    every = table("tasks/cohorts.tsv").set_index("cohort")
    cohorts = every[every.used_by == "tasks"]
    assert len(cohorts) == 23  # as the paper counts them
    assert set(tasks.cohort) == set(cohorts.index)
    assert (cohorts.access[tasks.cohort].to_numpy() == tasks.access.to_numpy()).all()
    in_house = cohorts[cohorts.access == "in_house"]
    assert (in_house.slides_from == "not obtainable").all()
    assert ((every.in_sheet != "") == (every.access == "public")).all()
    assert every[every.access == "public"].slides_from.str.startswith("https://").all()
    public = cohorts[cohorts.access == "public"]
    assert public.slides_from.str.startswith("https://").all()
    assert all(row.splits.startswith(f"MahmoodLab/Patho-Bench: {row.Index}") for row in public.itertuples())


def test_pretraining_sources_add_up_to_the_papers_cohort():
    sources = table("tasks/pretraining_cohorts.tsv")
    pairs = sources.n_pairs.astype(int)
    assert pairs.sum() == 47171
    assert pairs[sources.access == "public"].sum() == 19716
    assert sources.terabytes.astype(float).sum() == pytest.approx(40.7)


def test_class_counts_add_up_to_the_samples(tasks):
    classes = table("tasks/classes.tsv")
    tasks = tasks.set_index("task")
    for name, rows in classes.groupby("task"):
        assert len(rows) == int(tasks.n_classes[name])
        if (rows.n != "").all():
            samples = tasks.n_cases[name] if tasks.unit[name] == "case_id" else tasks.n_slides[name]
            assert rows.n.astype(int).sum() == int(samples), name


def test_every_public_task_has_eight_scores_with_errors(tasks, probed):
    assert probed.shape == (42, 8)
    assert set(probed.columns) == MODELS
    assert probed.notna().all().all()
    scores = (
        table("published/linear_probe.tsv")
        .drop(columns="split")
        .merge(tasks[["task", "metric", "split", "access"]], on="task")
    )
    assert (scores.metric_x == scores.metric_y).all()
    public = scores[scores.access == "public"]
    single = public[public.split == "official"]
    assert ((single.lower.astype(float) <= single.score.astype(float)) & (single.upper != "")).all()
    assert (public[public.split != "official"].se.astype(float) > 0).all()
    assert (public.uncertain == "0").all()


def test_public_averages_are_the_means_of_the_scores(tasks, probed):
    averages = table("published/public_averages.tsv")
    assert len(averages) == 8 * 5
    family = tasks.set_index("task").family
    for row in averages.itertuples():
        scores = probed[row.model] if row.scope == "all" else probed[row.model][family[probed.index] == row.scope]
        assert len(scores) == int(row.tasks)
        assert scores.mean() == pytest.approx(float(row.score), abs=0.001), (row.model, row.scope)


def test_threads_wins_as_often_as_counted(probed):
    for rival, wins in {"prism": 35, "chief": 38, "gigapath": 42}.items():
        assert (probed.threads > probed[rival]).sum() == wins
    stated = table("published/comparisons.tsv")
    stated = stated[stated.scope == "all_public"].set_index("baseline").wins.astype(int)
    assert dict(stated) == {"prism": 35, "chief": 38, "gigapath": 42}


def test_gains_of_the_text_follow_from_the_scores(tasks, probed):
    """Mutation is the one family with no in-house task: the paper states +6.1 over CHIEF."""
    mutation = probed.loc[tasks.task[tasks.family == "mutation"]].mean()
    assert 100 * (mutation.threads - mutation.chief) == pytest.approx(6.1, abs=0.05)


@pytest.mark.parametrize("path", sorted((RESOURCES / "published").glob("*.tsv")), ids=lambda path: path.name)
def test_every_number_has_a_source(path):
    rows = table(f"published/{path.name}")
    if path.name == "models.tsv":
        assert set(rows.model) == MODELS
        return
    if path.name == "other_sources.tsv":
        assert (rows[["origin", "protocol", "split", "place", "confidence", "score"]] != "").all().all()
        return
    assert set(rows.source) <= {"paper", "paper~", "paper-tbl", "derived"}
    assert ((rows.source == "paper~") == (rows.uncertain == "1")).all()
    if "protocol" in rows and "score" in rows:
        keys = [name for name in ("protocol", "task", "model", "shots", "metric") if name in rows]
        assert not rows.duplicated(keys).any()
        values = pd.to_numeric(rows.score[rows.score != ""])
        assert values.between(0, 2.2).all()
        assert (rows.note[rows.score == ""] != "").all()  # a gap says why


def test_further_sets_name_known_tasks(tasks):
    transfer, sets = table("tasks/transfer.tsv"), table("tasks/sets.tsv")
    assert len(transfer) == 9 == transfer.task.nunique()
    assert (
        transfer.task
        == transfer.train_cohort + "==" + transfer.test_cohort + "--" + transfer.task.str.split("--").str[1]
    ).all()
    assert Counter(sets["set"]) == {"few_shot": 8, "retrieval": 3, "prompting": 9, "clustering": 2}
    cohorts = table("tasks/cohorts.tsv")
    names = {*cohorts.cohort, "cptac_all"}
    joined = [*transfer.task[transfer.access == "public"], *sets.task[sets.access == "public"]]
    assert {source for task in joined for source in task.split("--")[0].split("==")} <= names
    guessed = sets[sets.access == "guessed"]
    assert len(guessed) == 3
    assert guessed.note.str.startswith("guessed").all()
    prompts = sets[sets["set"] == "prompting"]
    assert not prompts.task.str.contains("bcnb").any()
    assert {f"tcga_brca==mgb_breast--{name}" for name in ("er", "pr", "her2", "subtype")} <= set(prompts.task)
    few_shot = set(sets.task[sets["set"] == "few_shot"])
    assert few_shot <= set(tasks.task)
    published = {
        name: set(table(f"published/{name}.tsv").task) for name in ("few_shot", "transfer", "retrieval", "clustering")
    }
    assert published["few_shot"] == few_shot
    assert published["transfer"] == set(transfer.task)
    for name in ("retrieval", "clustering"):
        assert published[name] == set(sets.task[sets["set"] == name])
    assert set(table("published/fine_tuning.tsv").task) <= set(tasks.task)


def test_scores_recovered_from_the_papers_text_have_place_and_confidence():
    """185 few-shot scores were lacking; what is certain is no longer marked as damaged."""
    few = table("published/few_shot.tsv")
    few = few[few.score != ""]
    assert len(few) == 194 + 24
    shot = few[(few.task == "bcnb--er") & (few.model == "mean-virchow") & (few.shots == "1")].iloc[0]
    assert (shot.score, shot.se, shot.n, shot.confidence) == ("0.520", "0.025", "1058", "certain")
    assert "offset" in shot.place
    assert shot.split == "cross-validation, 5 folds"
    fold = table("published/retrieval.tsv").set_index(["task", "model", "metric"])
    row = fold.loc[("ebrains--diagnosis", "mean-virchow", "mAP@1")]
    assert (row.score, row.lower, row.upper, row.confidence) == ("0.593", "0.555", "0.627", "re-aligned")
    rows = table("published/other_sources.tsv")
    assert len(rows) == 952
    assert not {"Patho-Bench's public splits"} & set(rows.split[~rows.origin.str.startswith("EXAONE")])
