"""tables/ledger.tsv and its parts: what happened to every slide at every stage."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..common.files import write_tsv
from ..common.ledger import Entry, Gathering, Part, read_all, read_rows
from ..common.verdict import write_judged


def collect_losses(
    *, slides: str, tiles: Sequence[str], features: Sequence[str], table: str, max_failed_fraction: float
) -> None:
    """Write the ledger of one grid, or of one grid and encoder, as far as tiles or features.

    slides: tables/slides.tsv; tiles, features: manifests, in the folders of their grid and encoder. Raises
    TooManySetAside, after the table is written next to it as `<table>.refused`, if more than
    `max_failed_fraction` of the slides of the last of these stages are set aside.
    """
    entries = gather(slides, tiles, features).entries
    last = [entry for entry in entries if entry.part == entries[-1].part]
    write_judged(table, as_table(entries), last, max_failed_fraction)


def write_ledger(
    *,
    slides: str,
    tiles: Sequence[str],
    features: Sequence[str],
    pairs: Sequence[str],
    packed: Sequence[str],
    trained: Mapping[str, str],
    embedded: Sequence[str],
    runs: Mapping[str, Mapping[str, Any]],
    sources: Mapping[str, Sequence[str]],
    output: str,
) -> None:
    """Write tables/ledger.tsv: all stages, grids, encoders, runs and models of the config.

    pairs: omics/pairs.tsv, or nothing; packed: indices of the packed stores; trained: tables/runs/<run>.tsv by run;
    embedded: embed/<model>/slides.tsv; runs: grid, encoder, cohorts and modalities of each run; sources: grid and
    encoder of each model, nothing for one of given vectors.
    """
    gathering = gather(slides, tiles, features)
    paired = read_all(pairs)
    for run, settings in runs.items():
        part = Part("pretrain", settings["grid"], settings["encoder"], run)
        store = read_all(path for path in packed if Path(path).parts[-3:-1] == (part.grid, part.encoder))
        trained_ids = {row["slide_id"] for row in read_rows(trained[run])}
        of_slides = {row["slide_id"]: row for row in store}
        gathering.add_run(part, settings["cohorts"], settings["modalities"], paired, of_slides, trained_ids)
    for path in embedded:
        model = Path(path).parent.name
        grid, encoder = sources[model] or ("", "")
        gathering.add(Part("embed", grid, encoder, model), read_rows(path))
    write_tsv(output, as_table(gathering.entries))


def gather(slides: str, tiles: Iterable[str], features: Iterable[str]) -> Gathering:
    """Entries as far as features: tables/slides.tsv, and manifests in the folders of their grid and encoder."""
    table = read_rows(slides)
    gathering = Gathering(table)
    gathering.add_table(table)
    for grid, paths in itertools.groupby(tiles, key=lambda path: Path(path).parts[-2]):
        gathering.add(Part("tiles", grid), read_all(paths))
    for (grid, encoder), paths in itertools.groupby(features, key=lambda path: Path(path).parts[-3:-1]):
        gathering.add(Part("features", grid, encoder), read_all(paths))
    return gathering


def as_table(entries: Sequence[Entry]) -> pd.DataFrame:
    """Entries as a table, a row each."""
    return pd.DataFrame(entries, columns=list(Entry._fields))
