"""Rows of predictions: every case has one, labels are read from either sheet, and metrics are those of the labels."""

import numpy as np
import pytest
from molpath.predict.origin import OtherOrigin, check_origin
from molpath.predict.predictor import Predictor
from predicted_cases import DIGESTS, NewCases, write_predictor
from projects import write_table
from sklearn.metrics import balanced_accuracy_score, r2_score
from sksurv.metrics import concordance_index_censored


@pytest.fixture
def x() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(40, 8)).astype(np.float32)


def test_a_case_without_embedding_has_a_row_and_says_why(tmp_path, x):
    write_predictor(tmp_path / "predictor")
    table, _ = NewCases(tmp_path, x, lost={3: "blank", 5: "unreadable"}).predict()
    assert list(table.index) == [f"K{k}" for k in range(40)]
    assert list(table.index[table.status == "not predicted"]) == ["K3", "K5"]
    assert table.reason["K3"] == "K3-S: blank (no tissue found)"
    assert (table.loc["K5", ["predicted", "set", "ood_flag", "ood_score"]] == "").all()


def test_a_case_whose_embedding_is_not_finite_is_not_predicted_and_the_others_are(tmp_path, x):
    write_predictor(tmp_path / "predictor")
    good, _ = NewCases(tmp_path, x).predict()
    x[3, 0], x[5, 1] = np.nan, np.inf
    table, _ = NewCases(tmp_path, x).predict()
    assert list(table.index[table.status == "not predicted"]) == ["K3", "K5"]
    assert set(table.reason[["K3", "K5"]]) == {"not_finite (its embedding holds NaN or infinite numbers)"}
    assert (table.loc["K3", ["predicted", "set", "ood_flag", "ood_score"]] == "").all()
    assert (table.n_slides[["K3", "K5"]].astype(int) == 0).all()
    unaffected = [name for name in table.index if name not in ("K3", "K5")]
    assert table.loc[unaffected].equals(good.loc[unaffected])


def test_nobody_has_an_embedding(tmp_path, x):
    """The table holds every case all the same."""
    write_predictor(tmp_path / "predictor")
    table, scores = NewCases(tmp_path, x[:4], lost=dict.fromkeys(range(4), "blank")).predict()
    assert list(table.status) == ["not predicted"] * 4
    assert scores.note[""] == f"no external validation: no column grade in {tmp_path}/new.tsv"


def test_values_are_those_of_their_own_case(tmp_path, x):
    """Whatever the order of embeddings, and whoever is missing before."""
    write_predictor(tmp_path / "predictor")
    new = NewCases(tmp_path, x, lost={0: "blank"})
    table, _ = new.predict()
    own = Predictor.load(tmp_path / "predictor")
    logit = own.logits(x[17:18])[0, 0]
    assert float(table.prob_high["K17"]) == pytest.approx(1 / (1 + np.exp(-logit)))


def test_labels_give_metrics_without_cases_in_training(tmp_path, x):
    write_predictor(tmp_path / "predictor")
    new = NewCases(tmp_path, x, lost={1: "blank"})
    truth = np.where(x[:, 0] + 0.8 * x[:, 1] > 0, "high", "low")
    for row, label in zip(new.rows, truth, strict=True):
        row["grade"] = label
    new.rows[7]["grade"] = ""
    new.rows[2]["case_id"] = "T4"  # a case of training
    new.identities["K9-S"] = "id-T11"  # a slide of training under another name
    table, scores = new.predict()
    assert list(table.index[table.in_training == "yes"]) == ["T4", "K9"]
    assert table.in_training_by["K9"] == "slide K9-S"
    used = [k for k in range(40) if k not in (1, 2, 7, 9)]
    guess = table.predicted.to_numpy()
    fitted = scores[scores.probabilities == "as fitted"]
    assert float(fitted.value["bacc"]) == pytest.approx(balanced_accuracy_score(truth[used], guess[used]))
    assert fitted.n["bacc"] == str(len(used))
    assert fitted.note["bacc"] == "2 in training left out; 1 labelled but not predicted"
    assert (fitted.internal_mean["bacc"], fitted.internal_upper["bacc"]) == ("0.75", "0.9")
    assert float(fitted.lower["bacc"]) < float(fitted.value["bacc"]) < float(fitted.upper["bacc"])


def test_codes_and_the_sheet_of_cases(tmp_path, x):
    """The sheet of cases counts before that of slides, and codes are as good as names."""
    write_predictor(tmp_path / "predictor")
    new = NewCases(tmp_path, x)
    new.cases = [{"case_id": f"K{k}", "grade": int(x[k, 0] > 0)} for k in reversed(range(40))]
    table, scores = new.predict()
    assert (table.label == np.where(x[:, 0] > 0, "high", "low")).all()
    assert float(scores[scores.probabilities == "as fitted"].value["bacc"]) == pytest.approx(
        balanced_accuracy_score(table.label, table.predicted)
    )


@pytest.mark.parametrize(
    ("labels", "remark"),
    [
        ({0: "low", 1: "low"}, "the test side has one class only"),
        ({0: "low", 1: "mid"}, "row 3, column grade: labels ['mid'] are not in label_dict of the predictor"),
        ({0: ""}, "column grade of "),
    ],
    ids=["one class", "unknown", "empty"],
)
def test_labels_that_say_little_say_so(tmp_path, x, labels, remark):
    write_predictor(tmp_path / "predictor")
    new = NewCases(tmp_path, x[:6])
    for k, label in labels.items():
        new.rows[k]["grade"] = label
    table, scores = new.predict()
    assert (table.status == "ok").all()
    assert any(remark in note for note in scores.note), list(scores.note)


def test_survival_is_held_against_times_and_events(tmp_path, x):
    write_predictor(tmp_path / "predictor", "survival")
    new = NewCases(tmp_path, x)
    rng = np.random.default_rng(3)
    times, events = 1000 * np.exp(-x[:, 0] + rng.normal(size=40)) + 1, rng.random(40) < 0.7
    for k, row in enumerate(new.rows):
        row |= {"grade": "1", "OS_event": int(events[k]), "OS_days": times[k]}
    table, scores = new.predict()
    risk = table.risk.astype(float).to_numpy()
    assert float(scores.value["cindex"]) == pytest.approx(concordance_index_censored(events, times, risk)[0])


def test_a_task_of_slides_has_a_row_for_every_slide(tmp_path, x):
    """Two slides of one case have predictions of their own; one of a case in training is left out of validation."""
    write_predictor(tmp_path / "predictor", unit="slide_id")
    new = NewCases(tmp_path, x[:8], lost={3: "blank"})
    new.rows[1]["case_id"] = "K0"
    new.rows[2]["case_id"] = "T0"
    for k, row in enumerate(new.rows):
        row["grade"] = k % 2
    table, scores = new.predict()
    assert list(table.slide_id) == [f"K{k}-S" for k in range(8)]
    assert list(table.case_id[:3]) == ["K0", "K0", "T0"]
    assert list(table.status).count("not predicted") == 1
    assert (scores.n["acc"].iloc[0], scores.n_cases["acc"].iloc[0]) == ("6", "5")


def test_a_number_is_held_against_numbers(tmp_path, x):
    write_predictor(tmp_path / "predictor", "regression")
    new = NewCases(tmp_path, x)
    for k, row in enumerate(new.rows):
        row["grade"] = float(x[k, 0]) + 0.3 * (k % 2)
    table, scores = new.predict()
    truth = [float(row["grade"]) for row in new.rows]
    assert float(scores.value["r2"]) == pytest.approx(r2_score(truth, table.predicted.astype(float)))


def test_the_page_stands_alone(tmp_path, x):
    write_predictor(tmp_path / "predictor")
    NewCases(tmp_path, x, lost={1: "blank"}).predict()
    page = (tmp_path / "predictions.html").read_text()
    assert "39 of 40 predicted, 1 not predicted" in page
    assert "Predictions of mean/a--grade (synthetic)" in page
    assert "http" not in page.split("<script")[0]


def test_the_same_twice_is_the_same_bytes(tmp_path, x):
    write_predictor(tmp_path / "predictor")
    rows = []
    for _ in range(2):
        NewCases(tmp_path, x).predict()
        rows.append([(tmp_path / name).read_bytes() for name in ("predictions.tsv", "metrics.tsv", "predictions.html")])
    assert rows[0] == rows[1]


def test_other_weights_made_the_patches(tmp_path):
    facts = {"model": "mean", "task": "a--grade", "digests": DIGESTS}
    for weights, fits in (("w1", True), ("w2", False)):
        write_table(tmp_path / "f.tsv", [{"slide_id": "A", "status": "ok", "weights": weights}])
        if fits:
            check_origin(facts, [str(tmp_path / "f.tsv")], [], {})
        else:
            with pytest.raises(OtherOrigin, match="mean/a--grade: another patch encoder"):
                check_origin(facts, [str(tmp_path / "f.tsv")], [], {})
