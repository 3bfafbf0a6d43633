"""The page of published and measured scores: what is compared, averages, tables by family, tasks that are lacking."""

from __future__ import annotations

import pandas as pd

from .pages import Section, write_page
from .scores import notes_of_folds

#: The paper's families, in its order.
FAMILIES = {
    "subtyping_grading": "Subtyping and grading",
    "mutation": "Mutations",
    "ihc": "Immunohistochemistry",
    "response_survival": "Treatment response and survival",
}
PROTOCOLS = {
    "transfer": "Transfer to another cohort",
    "few_shot": "Few-shot",
    "retrieval": "Retrieval",
    "clustering": "Clustering",
    "prompting": "Molecular prompting",
    "fine_tuning": "Fine-tuning",
}
NAMES_IN_ONE_LINE = "table.data td{white-space:nowrap}"
ACCESS = {"in_house": "not obtainable (in-house)", "public": "not in this run"}


def title_of(note: str) -> str:
    """Title of the page and of its Markdown."""
    return f"Published and measured{f' ({note})' if note else ''}"


def write_published_page(
    path: str, both: pd.DataFrame, averages: pd.DataFrame, tasks: pd.DataFrame, note: str, other_scores: pd.DataFrame
) -> None:
    """Write the page. both: rows of published.tsv; averages: of published_averages.tsv; tasks: of the paper's table;
    other_scores: rows of other_sources.tsv, of the tasks that are compared."""
    probed = both[both.protocol == "linear_probe"]
    sections = [Section(sentences=summary(both, probed, tasks)), average_section(averages, tasks)]
    for family, title in (FAMILIES | {"other": "Other tasks"}).items():
        section_rows = probed[probed.family == family]
        if len(section_rows):
            sections.append(Section(f"{title}: linear probes", table=readable(section_rows)))
    for protocol, title in PROTOCOLS.items():
        section_rows = both[both.protocol == protocol]
        if len(section_rows):
            sections.append(Section(title, table=readable(section_rows)))
    sections += [others_section(other_scores)] * bool(len(other_scores))
    write_page(path, "Published and measured", note, [*sections, task_section(probed, tasks)], style=NAMES_IN_ONE_LINE)


def summary(both: pd.DataFrame, probed: pd.DataFrame, tasks: pd.DataFrame) -> str:
    """What is compared, and how to read it (HTML)."""
    judged = both[both.covered != ""]
    held = (judged.covered == "yes").sum()
    compared = tasks.task.isin(probed.task)
    in_house = (~compared & (tasks.access == "in_house")).sum()
    return (
        f"<p>{len(both)} scores of the paper (arXiv 2501.16652) stand beside those of this run, by "
        f"{both.model.nunique()} models. <b>For {held} of {len(judged)} the 95 % interval of the measured mean holds "
        f"the published score.</b> Of the paper's {len(tasks)} tasks, compared: {compared.sum()}; in-house and not "
        f"obtainable: {in_house}; not in this run: {(~compared).sum() - in_house}.</p>"
        "<p><i>covered</i>: yes, if that interval holds the published score; empty, if there is no interval. "
        "<i>published error</i>: the standard error or the 95 % interval that the paper gives. The same as files: "
        "<code>tables/published.tsv</code>, <code>published_averages.tsv</code>, <code>published.md</code>, "
        "<code>published.tex</code>.</p>"
    )


def average_section(averages: pd.DataFrame, tasks: pd.DataFrame) -> Section:
    """Means of the linear probe: all, public and by family, each with the tasks it is over."""
    over = averages[averages.tasks > 0]
    columns = {"model": over.model, "published as": over.published_model}
    columns["mean over"] = over.scope.replace({"all": "all tasks", "public": "public tasks", **FAMILIES})
    columns["tasks"] = [f"{row.tasks} of {row.of}" for row in over.itertuples()]
    columns["not obtainable"] = over.in_house.astype(str)
    columns |= scores_of(over) | {"covered": over.covered}
    text = (
        f"<p>Plain means over the tasks that both have; the paper's own averages are over {len(tasks)} tasks. "
        "<i>tasks</i> says how many of them a mean is over, <i>not obtainable</i> how many it can't have.</p>"
    )
    return Section("Averages of linear probes", text, without_second_names(pd.DataFrame(columns)))


def others_section(other_scores: pd.DataFrame) -> Section:
    """Scores of the same tasks by others than the paper, each with its protocol and split; no mean over them."""
    text = (
        "<p>Scores of these tasks from other publications. Protocols and splits differ from the paper's and from each "
        "other's, so that no number stands for another, and nothing is averaged over sources.</p>"
    )
    columns = {
        "source": other_scores.origin,
        "protocol": other_scores.protocol,
        "split": other_scores.split,
        "task": other_scores.task,
    }
    columns |= {
        "model": other_scores.model,
        "setting": other_scores.setting,
        "metric": other_scores.metric,
        "score": other_scores.score,
    }
    return Section("The same tasks elsewhere", text, pd.DataFrame(columns))


def scores_of(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """Published and measured mean and their difference, with three decimals."""
    scores = {name: rows[name].map("{:.3f}".format).where(rows[name].notna(), "") for name in ("published", "measured")}
    return scores | {"difference": rows.difference.map("{:+.3f}".format).where(rows.difference.notna(), "")}


def readable(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of published.tsv as people read them: errors and intervals as words, no columns that say nothing here."""
    scores = scores_of(rows)
    columns = {"task": rows.task, "model": rows.model, "published as": rows.published_model, "metric": rows.metric}
    columns["samples per class"] = rows.shots.map(lambda shots: str(int(shots)) if shots else "")
    columns["published"] = scores["published"]
    columns["published error"] = rows.apply(error_of, axis=1)
    columns |= {"measured": scores["measured"], "95 % interval": rows.apply(interval_of, axis=1)}
    columns["folds"] = pd.Series(notes_of_folds(rows), rows.index, dtype=object)
    columns |= {"difference": scores["difference"], "covered": rows.covered}
    columns["split"] = rows.split.fillna("")
    columns["confidence"] = rows.confidence.fillna("")
    table = pd.DataFrame(columns)
    silent = [
        name
        for name in ("samples per class", "published error", "folds", "split", "confidence")
        if (table[name] == "").all()
    ]
    return without_second_names(table.drop(columns=silent))


def without_second_names(table: pd.DataFrame) -> pd.DataFrame:
    """The table without the paper's names of models where all are called as in the paper."""
    return table.drop(columns="published as") if table.model.equals(table["published as"]) else table


def error_of(row: pd.Series) -> str:
    """The paper's standard error or interval; '' where it gives neither."""
    if pd.notna(row.published_lower):
        return f"{row.published_lower:.3f} to {row.published_upper:.3f}"
    return f"± {row.published_se:.3f}" if pd.notna(row.published_se) else ""


def interval_of(row: pd.Series) -> str:
    """'0.650 to 0.770'; '' where there is none."""
    return f"{row.measured_lower:.3f} to {row.measured_upper:.3f}" if pd.notna(row.measured_lower) else ""


def task_section(probed: pd.DataFrame, tasks: pd.DataFrame) -> Section:
    """All of the paper's tasks, and which of them this run has no number for."""
    compared = tasks.task.isin(probed.task)
    state = tasks.access.map(ACCESS).mask(compared, "compared")
    columns = {"number": tasks.number, "task": tasks.task, "family": tasks.family.replace(FAMILIES)}
    columns |= {"organ": tasks.organ, "metric": tasks.metric, "here": state}
    return Section("The paper's tasks", table=pd.DataFrame(columns))
