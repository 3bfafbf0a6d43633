"""What the gallery of new slides says of each: the row of its case or its own, titles, texts of others."""

import html
import re

import numpy as np
import pandas as pd
from molpath.common.files import write_tsv
from molpath.predict.reference import describe
from molpath.tables.gallery import keys_of, packed
from molpath.tables.predicted_slides import as_html, doubt_of, predictions_of

SLIDES = [{"slide_id": f"S{k}", "case_id": case} for k, case in enumerate("BABC")]


def said_of(folder, rows):
    """What a predictor with these rows says of the slides."""
    path = folder / "predict/m/t/predictions.tsv"
    path.parent.mkdir(parents=True)
    write_tsv(path, pd.DataFrame(rows).fillna(""))
    return predictions_of([str(path)], SLIDES)


def test_a_slide_has_the_row_of_its_case(tmp_path):
    rows = [{"case_id": name, "prob_high": p, "predicted": "high"} for name, p in (("A", "0.25"), ("B", "0.75"))]
    predictions = said_of(tmp_path, rows)
    assert predictions == {
        "m/t": {"predicted": ["high"] * 3 + [""], "probability of high": ["0.75", "0.25", "0.75", ""]}
    }
    assert keys_of(predictions)["m/t: probability of high"] == [0.75, 0.25, 0.75, None]
    assert keys_of(predictions)["m/t: predicted"] == ["high", "high", "high", None]
    assert re.sub("<[^>]+>", "", as_html(predictions, 1)) == "m/t predicted: high; probability of high: 0.250"
    assert "nothing is said" in as_html(predictions, 3)


def test_a_class_named_by_a_number_keeps_its_name(tmp_path):
    predictions = said_of(tmp_path, [{"case_id": "A", "prob_0.5": "0.25", "predicted": "0.5"}])
    assert "predicted: 0.5; probability of 0.5: 0.250" in as_html(predictions, 1)


def test_a_task_of_slides_has_a_row_per_slide(tmp_path):
    rows = [{"case_id": "B", "slide_id": f"S{k}", "risk": f"{k}.5", "risk_group": "low"} for k in (2, 0)]
    predictions = said_of(tmp_path, rows)["m/t"]
    assert predictions == {"log relative hazard": ["0.5", "", "2.5", ""], "risk group": ["low", "", "low", ""]}


def test_calibrated_probabilities_replace_fitted_ones_where_there_are_some(tmp_path):
    predictions = said_of(tmp_path, [{"case_id": "A", "prob_x": "0.9", "calibrated_x": "0.7"}])["m/t"]
    assert predictions == {"calibrated probability of x": ["", "0.7", "", ""]}


def test_doubt_is_marked_and_texts_of_others_are_texts(tmp_path):
    hostile = "</script><img src=x onerror=alert(1)>"
    row = {"case_id": "A", "ood_flag": "yes", "ood_reason": hostile, "in_training": "no"}
    shown = said_of(tmp_path, [row])
    assert as_html(shown, 1).startswith('<p class="said doubt">')
    assert html.escape(hostile) in as_html(shown, 1)
    assert "in training" not in as_html(shown, 1)
    assert "<" not in packed(keys_of(shown))


def test_too_few_training_cases_are_no_absence_of_doubt(tmp_path):
    """What the reference itself says of a case far from three training cases, at a rate for which it takes 19."""
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    cases, no_slides = ["X", "Y", "Z"], pd.DataFrame(columns=["slide_id", "case_id"])
    judged = describe(x, cases, no_slides, {}.get).judge(x[:1] + 50, no_slides, None, 0.05, ["A"])
    (doubt,) = judged.to_dict("records")
    assert not doubt["ood_flag"]
    rows = [{"case_id": "A", "predicted": "high", "ood_flag": "no", "ood_reason": doubt["ood_reason"]}]
    rows += [{"case_id": "B", "predicted": "high", "ood_flag": "no", "ood_reason": ""}]
    shown = said_of(tmp_path, rows)
    assert shown["m/t"]["doubt"] == ["no", "not judged (too few cases)", "no", ""]
    assert "doubt: not judged (too few cases); reason for doubt: cannot tell: 3 training cases" in as_html(shown, 1)
    assert "said doubt" not in as_html(shown, 1)
    assert [doubt_of(shown, place) for place in range(4)] == ["no", "not judged (too few cases)", "no", ""]
    other = shown | {"m/u": {"doubt": ["no", "no", "yes", ""]}, "m/v": {"predicted": ["x"] * 4}}
    assert [doubt_of(other, place) for place in range(4)] == ["no", "not judged (too few cases)", "yes", ""]
