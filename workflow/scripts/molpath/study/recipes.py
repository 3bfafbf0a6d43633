"""Recipes of folds (`splits` of a task's config.yaml) that its table can't fill: refused before any work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..common.task_rules import sites_of_cases
from ..common.tsv import BadTable
from .config import Config, Row
from .models import Models
from .problems import Problems
from .slides import Slides

#: Of an equal share of the cases: folds that test less beside one large site are named.
SMALL = 0.5
#: Keys that each method reads; another one would be left aside without a word.
READ_BY = {
    "k_fold": {"folds", "keep_sites", "seed"},
    "monte_carlo": {"folds", "test_fraction", "keep_sites", "seed"},
    "official": {"column"},
}


def check_recipe(folder: str, rows: Sequence[Row], settings: Config, slides: Slides, problems: Problems) -> None:
    """Labelled rows of a task's table fill the folds that the recipe asks for, by the rules of probe/splits.py.

    folder: of the task; slides: the slide sheet, which may say the site.
    """
    recipe, location = settings.get("splits"), f"{folder}/config.yaml, key splits"
    if not recipe:
        return
    _refuse_unread_keys(recipe, location, problems)
    if recipe["method"] == "official" or not rows:
        return
    cases = strata_of(rows, settings["task_col"])
    strata = Counter(cases.values())
    pieces, fewest = pieces_of(recipe), len([count for count in strata.values() if count > 1]) or 1
    if recipe.get("keep_sites"):
        try:
            site_of = sites_of_cases(cases, (f"{folder}/k=all.tsv", rows), (slides.source_name, slides.rows))
        except BadTable as error:
            problems.add_table_error(error)
            return
        n_sites = len(set(site_of.values()))
        if n_sites < pieces:
            wrong = f"{n_sites} site{'s' * (n_sites != 1)} can't fill {pieces} folds of whole sites"
            fewer = "raise test_fraction" if recipe["method"] == "monte_carlo" else f"ask for {n_sites} folds at most"
            problems.add(
                location, wrong, f"{fewer}, or leave keep_sites out" if n_sites > 1 else "leave keep_sites out"
            )
            return
    elif recipe["method"] == "monte_carlo":
        size = int(recipe.get("test_fraction", 0.2) * len(cases))
        if size < fewest:
            wrong = f"a test side of {size} of {len(cases)} cases can't hold {fewest} labels"
            problems.add(f"{location}/test_fraction", wrong, "raise it, or add cases")
        return
    if pieces > (commonest := max(strata.values())):
        wrong = f"{pieces} folds, and {len(cases)} cases, at most {commonest} of them with one label"
        if recipe["method"] == "monte_carlo":
            problems.add(f"{location}/test_fraction", wrong, "raise it, or add cases")
        else:
            problems.add(f"{location}/folds", wrong, f"ask for {max(2, min(commonest, 5))} folds, or add cases")


def _refuse_unread_keys(recipe: Config, location: str, problems: Problems) -> None:
    for key in sorted(set(recipe) - {"method"} - READ_BY[recipe["method"]]):
        readers = " or ".join(method for method, keys in READ_BY.items() if key in keys)
        wrong = f"has no effect with method {recipe['method']}"
        problems.add(f"{location}/{key}", wrong, f"leave it out, or set method to {readers}")


def notes_of_recipes(models: Models) -> list[str]:
    """A line on each task in use of which one site has so many cases that other folds of whole sites test few."""
    notes = []
    for task in models.tasks.probe["use"]:
        settings = models.tasks.settings(task) if task in models.tasks.entries else None
        recipe = settings.get("splits") if isinstance(settings, dict) else None
        if not settings or not recipe or not recipe.get("keep_sites") or recipe["method"] == "official":
            continue
        rows = [row for row in models.tasks.table(task) if row.get(settings["task_col"])]
        if not rows:
            continue
        cases, pieces = strata_of(rows, settings["task_col"]), pieces_of(recipe)
        table, sheet = (models.tasks.folder(task), rows), (models.slides.source_name, models.slides.rows)
        try:
            counts = Counter(sites_of_cases(cases, table, sheet).values())
        except BadTable:  # the checks report it
            continue
        site, n_cases = max(counts.items(), key=lambda pair: (pair[1], pair[0]))
        mean_of_others = (len(cases) - n_cases) / (pieces - 1)
        if mean_of_others < SMALL * len(cases) / pieces:
            notes.append(
                f"note: site {site or 'without a name'} has {n_cases:,} of the {len(cases):,} cases of {task}, so that "
                f"the other {pieces - 1} folds of whole sites test about {mean_of_others:.0f} each: their scores say "
                "little; ask for fewer folds, or leave keep_sites out of its recipe"
            )
    return notes


def pieces_of(recipe: Config) -> int:
    """Parts that cases are divided into: the folds, or as many as test sides of a Monte-Carlo split make a whole."""
    if recipe["method"] == "monte_carlo":
        share: float = recipe.get("test_fraction", 0.2)
        return max(2, round(1 / share))
    return int(recipe.get("folds", 5))


def strata_of(rows: Sequence[Row], label: str) -> dict[str, str]:
    """Label of each case, of several the one that is rarest in the table."""
    counts = Counter(row[label] for row in rows)
    label_of: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: (counts[row[label]], row[label])):
        label_of.setdefault(row["case_id"], row[label])
    return label_of
