"""Notes before a run that are no mistakes."""

from __future__ import annotations

from .models import Models
from .recipes import notes_of_recipes
from .weights_notes import notes_of_weights


def notes_of(models: Models) -> list[str]:
    """Encoders given patches they weren't made for, weights to ask for first, tasks with cases on both sides."""
    notes = [
        f"note: {models.tasks.folder(task)}/k=all.tsv has cases on both sides of a fold, which allow_case_overlap lets "
        "pass: its scores are too good, and everything that shows them says so"
        for task in models.tasks.overlapping
    ]
    notes += notes_of_recipes(models)
    for grid_name, name in models.used_sources():
        encoder, grid = models.encoders.entries[name], models.grids.by_name[grid_name]
        facts = models.encoders.facts.get(encoder["adapter"], {})
        tile = facts.get("tile", grid)
        if (tile["patch_size"], tile["magnification"]) != (grid["patch_size"], grid["magnification"]):
            notes.append(
                f"note: encoder {name} was made for patches of {tile['patch_size']} pixels at "
                f"{tile['magnification']:g}x, grid {grid_name} has {grid['patch_size']} at {grid['magnification']:g}x"
            )
    return notes + notes_of_weights(models.encoders, list(dict.fromkeys(name for _, name in models.used_sources())))
