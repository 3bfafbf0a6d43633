"""card.md of a predictor: what it predicts, its training cases, its scores, and its limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: What every card says.
LIMITS = (
    "Research software: not a medical device, and nothing here supports a decision about a patient.",
    "Scores are those of folds of the training cohort. Another laboratory, scanner, stain or population can give "
    "worse ones: validate on labelled cases of your own first.",
    "Coverage holds on average over new cases that are like the training cases, not for each case, and not for a "
    "cohort that differs.",
)
BALANCED = (
    "The probe weighs classes alike, so its probabilities are those of a cohort in which all classes are equally "
    "common; a temperature makes them less or more extreme and does not bring back how common a class is."
)


def card_of(facts: Mapping[str, Any]) -> str:
    """The card (Markdown) of a predictor, from what predictor.json says."""
    parts = [head_of(facts), trained_of(facts), scores_of(facts), trust_of(facts), limits_of(facts)]
    return "\n\n".join(parts) + "\n"


def head_of(facts: Mapping[str, Any]) -> str:
    """Title, note, and what is predicted."""
    unit = {"case_id": "case", "slide_id": "slide"}[facts["sample"]]
    outcome = {
        "classes": "one of the classes " + ", ".join(facts["classes"]),
        "survival": "a risk, a risk group and the probability of no event up to given days",
        "regression": "a number, in the unit of the labels",
    }[facts["kind"]]
    lines = [f"# Predictor {facts['model']}/{facts['task']}"]
    lines += [f"**{facts['note']}**"] * bool(facts["note"])
    lines.append(
        f"Predicts for each {unit} {outcome}, from its embedding ({facts['width']} numbers) by {facts['model']}."
    )
    if absent := facts["classes_without_cases"]:
        lines.append(f"No training {unit} is of class {', '.join(absent)}, which is therefore never predicted.")
    return "\n\n".join(lines)


def trained_of(facts: Mapping[str, Any]) -> str:
    """Training cases by class and site; how the embeddings were made."""
    training, patches = facts["training"], facts["patches"]
    classes = list(training["n_cases_by_class"])
    rows = [["all", *(training["n_cases_by_class"][name] for name in classes)]]
    rows += [[site, *(counts.get(name, 0) for name in classes)] for site, counts in training["n_cases_by_site"].items()]
    probe = ", ".join(f"{key} {value}" for key, value in facts["probe"].items() if key != "notes")
    patch_facts = f"grid {patches['grid_name']}, patch encoder {patches['encoder']}, " if patches else ""
    lines = [
        "## Training",
        f"{training['n_cases']} cases, {training['n_samples']} samples, {len(training['slides'])} slides; "
        f"{training['n_without_embedding']} labelled samples have no embedding and are not among them.",
        table_of(["cases by site", *classes], rows),
        f"Probe: {probe}; embeddings: {patch_facts}slide encoder of kind {facts['model_kind']}.",
    ]
    lines += [f"Note: {note}." for note in facts["probe"]["notes"]]
    return "\n\n".join(lines)


def scores_of(facts: Mapping[str, Any]) -> str:
    """Cross-validated scores with intervals."""
    rows = [[row["metric"], number(row["mean"]), interval(row), row["interval"]] for row in facts["cross_validated"]]
    head = "## Cross-validated scores"
    explanation = "Of the same probe on the folds of the task, whose test cases it did not see; intervals are 95 %."
    return "\n\n".join([head, explanation, table_of(["metric", "mean over folds", "interval", "made of"], rows)])


def trust_of(facts: Mapping[str, Any]) -> str:
    """Calibration and coverage, or survival's baseline."""
    lines = ["## Calibration and coverage"]
    if facts["kind"] == "survival":
        survival_facts = facts["survival"]
        lines.append(
            f"Baseline hazard (Breslow) of {survival_facts['n_events']} events. High risk: above "
            f"{survival_facts['cutoff']:.4g}, the median of the training cases. Nothing is known after "
            f"{survival_facts['follow_up']:g} days of follow-up: survival there is empty. "
            "There are no conformal sets for survival."
        )
        return "\n\n".join(lines)
    if facts["kind"] == "classes":
        lines.append(temperature_of(facts))
    conformal = facts["conformal"]
    lines.append(
        f"{'Sets' if facts['kind'] == 'classes' else 'Intervals'}: {conformal['method']}. They rest on "
        f"{conformal['n_cases']} cases that one of {conformal['folds']} probes of the other cases left out; "
        f"{conformal['n_cases_never_left_out']} cases were left out by no probe: they count as misses."
    )
    if facts["kind"] == "classes":
        counts = ", ".join(f"{name} {count}" for name, count in conformal["n_cases_by_class"].items())
        lines.append(
            f"Left-out cases by class: {counts}. With coverage by class, a class of fewer than "
            "1 / (1 - coverage) - 1 cases (9 at 90 %) belongs to every set. The predicted class always belongs to its "
            "set, so that sets cover at least as much as the predicted class alone."
        )
    return "\n\n".join(lines)


def temperature_of(facts: Mapping[str, Any]) -> str:
    """One sentence on the temperature."""
    if facts["temperature"] is None:
        return f"No calibrated probabilities: {facts['temperature_note'].removeprefix('none: ')}. {BALANCED}"
    error = facts["calibration"]
    return (
        f"Temperature {facts['temperature']:.3g}, {facts['temperature_note']}; expected calibration error "
        f"{error['ece']:.3f} before and {error['ece_calibrated']:.3f} after, on the same cases. {BALANCED}"
    )


def limits_of(facts: Mapping[str, Any]) -> str:
    """What the predictor is not; digests and versions."""
    digests = [[name.replace("_", " "), f"`{value}`" if value else "none"] for name, value in facts["digests"].items()]
    versions = ", ".join(f"{name} {value}" for name, value in facts["software"].items())
    lines = [
        "## Limits",
        *(f"- {line}" for line in LIMITS),
        "",
        "## Made of",
        "",
        table_of(["what", "digest"], digests),
    ]
    return "\n".join(["\n".join(lines), "", f"Fitted with {versions}."])


def number(value: float | None) -> str:
    """Three digits after the point, or a dash."""
    return "–" if value is None else f"{value:.3f}"


def interval(row: Mapping[str, Any]) -> str:
    """Both bounds, or a dash."""
    return "–" if row["lower"] is None else f"{number(row['lower'])} to {number(row['upper'])}"


def table_of(head: list[str], rows: list[list[Any]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', '/') for cell in line)} |" for line in lines)
