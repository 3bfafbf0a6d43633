"""The first page of the results: what was run, what was set aside, the main figure, cautions, and links to the rest."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .pages import Section, write_page

#: Kinds of files that are linked, in this order, and what the link says.
KINDS = {"html": "page", "svg": "SVG", "png": "PNG", "tsv": "TSV", "md": "Markdown", "tex": "LaTeX"}
#: Chapters by the first folders of a file, where figures.yaml and tables.yaml name none; the longest that fits counts.
FOLDERS = {
    "gallery": "1 Slides",
    "tables/worst_slides": "1 Slides",
    "tables/ledger": "1 Slides",
    "figures/planted": "0 Demo",
    "omics": "2 Omics",
    "figures/maps": "4 Embeddings",
    "figures/embedding_maps": "4 Embeddings",
    "tables/embedding_maps": "4 Embeddings",
    "figures": "5 Probes",
    "tables": "5 Probes",
    "figures/attention": "7 Attention",
    "figures/top_patches": "7 Attention",
    "figures/gene_sets": "8 Genes",
    "probe": "8 Genes",
    "predict": "9 Predictions",
    "figures/contributions": "9 Predictions",
    "figures/contributing_patches": "9 Predictions",
    "tables/runs": "3 Pretraining",
    "": "Run",
}
#: Labels of files, and of all files of a folder, that figures.yaml and tables.yaml don't name.
LABELS = {
    "figures/embedding_maps": "Map of embeddings, with the neighbours of each slide",
    "tables/embedding_maps": "Map of embeddings, coordinates and neighbours",
    "figures/maps": "Map of the slides that a model was trained on",
    "gallery": "Slide gallery: every slide, with layers to switch on",
    "predict/gallery": "Gallery of new slides, with predictions and layers to switch on",
    "tables/worst_slides": "Slides to look at",
    "benchmarks/resources": "What the run took",
    "job_times": "Time and memory of each job",
    "figures/planted": "What was planted, and what was found",
    "figures/decisions": "Decision curves",
    "figures/reliability": "Reliability before and after scaling",
    "figures/survival": "Survival of risk groups",
    "figures/survival_calibration": "Predicted and observed survival",
    "tables/survival_calibration": "Predicted and observed survival, all numbers",
    "tables/survival": "Survival of risk groups, all numbers",
    "tables/marginal_means": "Marginal means of the models",
    "tables/seeds": "Spread over seeds",
    "tables/published_averages": "Means over tasks beside published ones",
}
#: Folders of figures whose tables are in a folder of the same name below tables/.
WITH_TABLES = ("figures/embedding_maps", "figures/maps")
#: What made the results; linked where it is there.
RUN = ("provenance.json", "ro-crate-metadata.json", "job_times.tsv", "config.yaml", "benchmarks/resources.html")
#: Files of a chapter from which on its list is folded.
FOLDED = 30
STYLE = """.stages{border-collapse:collapse} .stages th,.stages td{text-align:left;padding:.2em .9em .2em 0}
.stages td:nth-child(3),.stages td:nth-child(4){text-align:right}
.cautions{background:#fff4e0;border-left:4px solid #d55e00;padding:.4em 1.2em} .figure{max-width:100%;height:auto}
.counts b{font-size:1.5em} .counts span{display:inline-block;margin-right:2em} li{margin:.2em 0}
.files a{margin-left:.5em} code{overflow-wrap:anywhere}
"""


def write_first_page(*, provenance: str, about: Mapping[str, Any], note: str, output: str) -> None:
    """Write the page. It stands alone: the figure lies in it, links are relative, nothing comes from the network.

    provenance: provenance.json, which lists the files of the results; about: see `study.first_page.FirstPage.facts`;
    output: index.html in the results folder. Every text is escaped.
    """
    results = Path(output).parent
    listed = json.loads(Path(provenance).read_text(encoding="utf-8"))["files"]
    names = [name for name in [*listed, *RUN] if (results / name).is_file()]
    sections = [Section(sentences=_counts(about["counts"], note))]
    if figure := next((name for name in about["figures"] if (results / f"figures/{name}.svg").is_file()), ""):
        label = place_of(f"figures/{figure}", about["shown"])[1].removesuffix(" (figure)")
        sections.append(Section(label, _figure(results / f"figures/{figure}.svg")))
    if about["cautions"]:
        cautions = f'<div class="cautions">{_list(about["cautions"])}</div>'
        sections.append(Section("Look at these before the numbers", cautions))
    sections.append(Section("What was run, and what was set aside", _stages(about["stages"]) + _list(about["losses"])))
    if about["predictions"]:
        sections.append(Section("Predictions of new cases", _list(about["predictions"])))
    sections.append(Section("How it was made", f"<p>{html.escape(about['methods'])}</p>"))
    sections.append(Section("All pages, figures and tables", links(results, names, about["shown"])))
    write_page(output, "Results", note, sections, style=STYLE)


def links(results: Path, names: Iterable[str], shown: Mapping[str, Sequence[str]]) -> str:
    """Lists of links by chapter (HTML); files that differ in their kind alone share a line, as do a map and its table.

    names: paths below `results`; shown: chapter and label of figures and tables by their names.
    """
    chapters: dict[str, dict[str, str]] = {}
    stems = dict.fromkeys(stem_of(name) for name in names if is_shown(name))
    beside = {stem: table for stem in stems if (table := table_beside(stem)) and (results / f"{table}.tsv").is_file()}
    for stem in [stem for stem in stems if stem not in beside.values()]:
        files = [(kind, f"{stem}.{kind}") for kind in KINDS if (results / f"{stem}.{kind}").is_file()]
        files += [("tsv", f"{table}.tsv") for table in [beside.get(stem)] if table]
        chapter, label = place_of(stem, shown)
        file_links = " ".join(f'<a href="{quote(path)}">{KINDS[kind]}</a>' for kind, path in files)
        chapters.setdefault(chapter, {})[stem] = f"{html.escape(label)} <span class='files'>{file_links}</span>"
    run_files = [name for name in names if name in RUN and not is_shown(name)]
    for name in run_files:
        chapters.setdefault("Run", {})[name] = f'<a href="{quote(name)}">{html.escape(name)}</a>'
    return "".join(_chapter(chapter, chapters[chapter]) for chapter in sorted(chapters))


def stem_of(name: str) -> str:
    """A file's path without its kind."""
    return name.rpartition(".")[0]


def table_beside(stem: str) -> str:
    """The table, in a folder of its own, of a map of embeddings or of the slides of a run; '' for other files."""
    folder, _, name = stem.rpartition("/")
    return f"tables/{folder.removeprefix('figures/')}/{name}" if folder in WITH_TABLES else ""


def is_shown(name: str) -> bool:
    """True for what people open: pages, figures and tables, not manifests of shards or files of a job."""
    first, kind = name.split("/")[0], name.rpartition(".")[2]
    if kind not in KINDS or name.startswith(("predict/cohort/", "tables/ledger/")):
        return False
    return kind == "html" or name in RUN or first in ("figures", "tables", "predict") or _is_of_omics(name)


def _is_of_omics(name: str) -> bool:
    return name.startswith("omics/") and name.count("/") == 1


def place_of(stem: str, shown: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    """Chapter and label of a file. The label names its folders where files of several share a name."""
    folder, _, name = stem.rpartition("/")
    chapter, label = shown.get(name, ("", "")) if folder in ("figures", "tables", "omics") else ("", "")
    fits = [key for key in FOLDERS if not key or stem == key or stem.startswith(f"{key}/")]
    # t-SNE stays t-SNE.
    shown_label = LABELS.get(stem) or (f"{label[0].upper()}{label[1:]}" if label[1:2].islower() else label)
    of_folder = f"{LABELS[folder]}: {name}" if folder in LABELS else stem
    return chapter or FOLDERS[max(fits, key=len)], shown_label or of_folder


def _chapter(name: str, lines: Mapping[str, str]) -> str:
    heading = f"{html.escape(name.lstrip('0123456789 '))} ({len(lines):,})"
    items = "".join(f"<li>{line}</li>" for line in lines.values())
    return f"<details{' open' * (len(lines) < FOLDED)}><summary><b>{heading}</b></summary><ul>{items}</ul></details>"


def _counts(counts: Mapping[str, int], note: str) -> str:
    warning = (
        f"<p><b>{html.escape(note.upper())} DATA: nothing here says anything about patients.</b></p>" if note else ""
    )
    numbers = "".join(
        f"<span><b>{number:,}</b> {html.escape(_of(number, noun))}</span>" for noun, number in counts.items()
    )
    return f'{warning}<p class="counts">{numbers}</p>'


def _of(number: int, noun: str) -> str:
    """What is counted, 'runs of pretraining', in the singular for one."""
    first, *rest = noun.split(" ")
    return " ".join([first.removesuffix("s") if number == 1 else first, *rest])


def _figure(path: Path) -> str:
    """The figure as a picture: scripts in it, if there were any, don't run."""
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<img class="figure" alt="{html.escape(path.stem)}" src="data:image/svg+xml;base64,{data}">'


def _list(sentences: Iterable[str]) -> str:
    items = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences)
    return f"<ul>{items}</ul>" if items else ""


def _stages(rows: Sequence[Sequence[str]]) -> str:
    head, *body = ([html.escape(cell) for cell in row] for row in rows)
    lines = "".join(f"<tr><td>{'</td><td>'.join(row)}</td></tr>" for row in body)
    table = f'<table class="stages"><tr><th>{"</th><th>".join(head)}</th></tr>{lines}</table>'
    return f'<div class="wide">{table}</div>'
