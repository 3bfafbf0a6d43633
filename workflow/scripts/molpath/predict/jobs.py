"""One job: a model, a task, and the predictor of both."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from ..common.files import read_tsv, write_text
from ..common.settings.embed import Model
from ..common.settings.probe import Probe
from ..probe.jobs import cox_for
from ..probe.samples import load_samples
from ..probe.tasks import read_task
from .card import card_of
from .fitting import PROTOCOLS, fit
from .labels import label_facts
from .origin import digests_of, scores_of, software, training_facts


def fit_predictor(
    *,
    task: str,
    config: str,
    table: str,
    slides: str,
    cases: str,
    model: Model,
    sources: Sequence[str],
    manifests: Sequence[str],
    inspected: Sequence[str],
    summary: str,
    patches: Mapping[str, Any],
    settings: Probe,
    note: str,
    outputs: Mapping[str, str],
    bags: str = "",
    cohort: str = "",
) -> None:
    """Write model.safetensors, predictor.json and card.md (outputs: weights, facts, card).

    task to cohort: as for run_probe; model, sources, manifests, patches: see digests_of; summary: of the frozen probes;
    note: what the config says about the study, such as that it is synthetic.
    """
    full_task = read_task(task, config, table)
    usable, x = load_samples(full_task, slides, cases, bags=bags, cohort=cohort, missing=settings["missing"])
    predictor = fit(usable, x, {**settings, "cox": cox_for(settings["cox"], usable, model["name"])})
    embedded = cases if usable.unit == "case_id" else slides
    facts = predictor.facts | {
        "model": model["name"],
        "model_kind": model["kind"],
        "patches": dict(patches),
        "label": label_facts(config),
        "training": training_facts(usable, embedded, inspected, len(full_task.samples) - len(usable.samples)),
        "cross_validated": scores_of(read_tsv(summary), PROTOCOLS[predictor.kind]),
        "digests": digests_of(model, sources, manifests, patches),
        "software": software(),
        "note": note,
    }
    dataclasses.replace(predictor, facts=facts).save(outputs["weights"], outputs["facts"])
    write_text(outputs["card"], card_of(facts))
