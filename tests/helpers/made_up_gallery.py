"""Galleries of slides that are made up (synthetic): tables and tiny pictures without slides, and new slides."""

import numpy as np
import pandas as pd
from few_slides import GRID
from molpath.common.files import write_tsv
from molpath.common.ledger import Entry
from molpath.tables.gallery import write_gallery
from molpath.tissue.classes import CLASSES
from PIL import Image

HOSTILE = "</script><img src=http://a.example/x.png onerror=\"document.title='ran'\">'\""


def write_small_gallery(results, inspected, maps, paths):
    """The gallery of a results folder."""
    write_gallery(
        table=str(results / "tables/slides.tsv"),
        ledgers=[str(results / "tables/ledger.tsv")],
        predictions=[],
        inspected=inspected,
        grids=[GRID["name"]],
        maps=list(map(str, maps)),
        paths=paths,
        note="synthetic",
        output=str(results / "gallery.html"),
        script=str(results / "open_in_qupath.groovy"),
        listed=str(results / "open_in_qupath.json"),
    )


def made_up(results, count, words):
    """Tables and tiny pictures of many slides, and the gallery; words: detail, cohort and name of a column."""
    names = [f"S{k:04d}" for k in range(count)]
    for folder, kind in (("thumbnails", "jpg"), ("quality", "png")):
        (results / "wsi" / folder).mkdir(parents=True, exist_ok=True)
        for code in CLASSES.values():
            shape = (30, 40, 3) if kind == "jpg" else (30, 40)
            Image.fromarray(np.full(shape, code, np.uint8)).save(results / f"{code}.{kind}")
        for k, name in enumerate(names):
            (results / "wsi" / folder / f"{name}.{kind}").hardlink_to(results / f"{k % len(CLASSES)}.{kind}")
    cases = [f"C{k // 2:04d}" for k in range(count)]
    slides = pd.DataFrame(
        {"slide_id": names, "case_id": cases, "cohort": words, "status": "ok", "width": "4000", "height": "3000"}
    )
    write_tsv(results / "tables/slides.tsv", slides.assign(area_mm2=[str(k) for k in range(count)], **{words: "1"}))
    blank = dict.fromkeys(Entry._fields, "") | {"stage": "slides", "status": "ok"}
    lost = {"status": "set_aside", "lost_at": "slides", "reason": "unreadable", "detail": words}
    rows = [blank | {"slide_id": name} | (lost if k % 5 == 0 else {}) for k, name in enumerate(names)]
    write_tsv(results / "tables/ledger.tsv", pd.DataFrame(rows))
    columns = ["slide_id", "status", "reason", "detail"]
    write_tsv(results / "slides/00000.tsv", pd.DataFrame(rows)[columns])
    write_small_gallery(results, [str(results / "slides/00000.tsv")], [], dict.fromkeys(names, "raw.svs"))


def predicted(folder):
    """Six new slides of three cases, two of them predicted, one with doubt; a map of contributions of S0001."""
    results, cohort = folder / "results", folder / "results/predict/cohort"
    made_up(cohort, 6, "x")
    rows = [
        {"case_id": "C0000", "status": "ok", "reason": "", "prob_low": "0.1", "prob_high": "0.9", "predicted": "high"}
        | {"ood_score": "0.2", "ood_flag": "no", "ood_reason": "", "in_training": "no"},
        {"case_id": "C0001", "status": "ok", "reason": "", "prob_low": "0.95", "prob_high": "0.05", "predicted": "low"}
        | {"ood_score": "11.5", "ood_flag": "yes", "ood_reason": f"patches {HOSTILE}", "in_training": "no"},
        {"case_id": "C0002", "status": "not predicted", "reason": "blank", "in_training": "no"},
    ]
    table = pd.DataFrame(rows).fillna("").assign(calibrated_low="", calibrated_high="")
    (results / "predict/m/t").mkdir(parents=True)
    write_tsv(results / "predict/m/t/predictions.tsv", table)
    maps = [results / f"figures/{kind}/m/t/S0001.png" for kind in ("contributions", "contributing_patches")]
    for path in maps:
        path.parent.mkdir(parents=True)
        Image.fromarray(np.full((40, 60, 3), 128, np.uint8)).save(path)
    maps[0].with_suffix(".geojson").write_text('{"type": "FeatureCollection", "features": []}')
    write_gallery(
        table=str(cohort / "tables/slides.tsv"),
        ledgers=[str(cohort / "tables/ledger.tsv")],
        predictions=[str(results / "predict/m/t/predictions.tsv")],
        inspected=[str(cohort / "slides/00000.tsv")],
        grids=[],
        maps=list(map(str, maps)),
        paths={"S0001": str(folder / "new.svs")},
        note="synthetic",
        output=str(results / "predict/gallery.html"),
        script=str(results / "predict/open_in_qupath.groovy"),
        listed=str(results / "predict/open_in_qupath.json"),
    )
    return results / "predict"
