"""How results were made, as a methods paragraph of what this config asks for: it names no step that was not taken."""

from __future__ import annotations

from .config import Config
from .models import Models

#: Methods of segmentation in words.
TISSUE = {"contours": "given as polygons", "fpn": "segmented by a network (FPN)", "deeplab": "segmented by DeepLab"}
TISSUE |= {
    "hsv": "segmented by saturation (HSV)",
    "grandqc": "segmented by GrandQC",
    "otsu": "segmented by Otsu's threshold",
}
TESTS = (
    "Differences between models were tested within tasks (two-way analysis of variance over shared folds with Tukey's "
    "contrasts, corrected resampled t tests, DeLong's test) and over tasks (mixed-effects model with Tukey-adjusted "
    "contrasts of marginal means); adjustments for multiplicity are given with each P."
)


def methods_of(config: Config, models: Models) -> str:
    """The paragraph, in sentences; one for each stage that the config uses."""
    parts = [*patches(config, models), molecules(models), encoders(models), probes(config, models)]
    if models.slides.path:
        parts.append("Slides set aside are listed with their reasons in the chapter Slides.")
    return " ".join(filter(None, parts))


def patches(config: Config, models: Models) -> list[str]:
    """Where patch features come from, by what each encoder in use is."""
    names = {encoder for _, encoder in models.used_sources()}
    given_encoders = {name for name in names if models.encoders.entries[name]["adapter"] == "precomputed"}
    sentences = []
    if given_encoders:
        sentences.append(f"Features of patches were given ({', '.join(sorted(given_encoders))}).")
    if names - given_encoders:
        method = config["tissue"]["method"]
        also = "Other whole-slide images" if given_encoders else "Whole-slide images"
        tissue = TISSUE.get(method, f"segmented ({method})")
        sentences.append(
            f"{also} were inspected, their tissue {tissue} and judged for quality, tiled, "
            f"and encoded patch by patch with a frozen encoder ({', '.join(sorted(names - given_encoders))})."
        )
    if any(models.entries[name]["kind"] == "table" for name in models.used):
        sentences.append("Vectors of models of kind table were given.")
    return sentences


def molecules(models: Models) -> str:
    """Measures taken from profiles."""
    texts = {
        "rna": "expression was taken as log2(TPM + 1)",
        "dna": "mutations and copy numbers were taken as flags per gene",
    }
    used_texts = [text for modality, text in texts.items() if models.used_runs and models.profiles.cohorts(modality)]
    text = " and ".join(used_texts)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def encoders(models: Models) -> str:
    """Runs of this study, and finished ones from elsewhere."""
    named = "contrastive alignment with molecular profiles after Threads (Vaidya et al., arXiv 2501.16652)"
    runs, finished_models = models.used_runs, [name for name in models.used if name in models.finished]
    pretrained = f"Slide encoders were pretrained by {named}: {', '.join(runs)}." if runs else ""
    pretrained_elsewhere = f"{', '.join(finished_models)}: pretrained elsewhere, by {named}." if finished_models else ""
    return " ".join(filter(None, [pretrained, pretrained_elsewhere]))


def probes(config: Config, models: Models) -> str:
    """How embeddings were evaluated, by the kinds of task; and how models were compared."""
    probe, tasks = config["probe"], models.tasks
    used = [tasks.settings(task) or {} for task in probe["use"] if task in tasks.entries]
    survival = [bool(task_settings.get("task_type") == "survival") for task_settings in used]
    values = [bool(task_settings.get("task_type") == "regression") for task_settings in used]
    probe_texts = [f"balanced logistic regression (C = {probe['C']:g})"] * (
        not all(map(any, zip(survival, values, strict=True)))
    )
    probe_texts += ["a Cox model (CoxNet)"] * any(survival) + ["ridge regression"] * any(values)
    if not used:
        return ""
    kinds = {models.entries[name]["kind"] for name in models.used}
    baselines = ["mean pooling"] * ("mean" in kinds) + ["the same architecture without training"] * ("random" in kinds)
    sentence = f"Embeddings were evaluated frozen, by {' or '.join(probe_texts)} on the folds of each task"
    sentence += f", beside {' and '.join(baselines)}." if baselines and len(kinds) > 1 else "."
    return f"{sentence} {TESTS}" if len(models.compared()) > 1 else sentence
