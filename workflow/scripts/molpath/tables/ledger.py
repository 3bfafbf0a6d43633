"""tables/ledger.tsv and its parts: what became of every slide at every stage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..common.files import write_tsv
from ..common.ledger import Entry, Part, entries_of_run, entries_of_slides, entries_of_stage, read_all, read_rows
from ..common.verdict import write_judged


def collect_losses(
    *, slides: str, tiles: Sequence[str], features: Sequence[str], table: str, max_failed_fraction: float
) -> None:
    """Write the ledger of one grid, or of one grid and encoder, as far as tiles or features.

    slides: tables/slides.tsv; tiles, features: manifests, in the folders of their grid and encoder. Raises
    TooManySetAside, after the table is written beside its place as `<table>.refused`, if more than
    `max_failed_fraction` of the slides of the last of these stages are set aside.
    """
    entries = entries_of_slides(read_rows(slides))
    entries += of_tiles(tiles, entries)
    entries += of_features(features, entries)
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
    entries = entries_of_slides(read_rows(slides))
    entries += of_tiles(tiles, entries)
    entries += of_features(features, entries)
    paired = read_all(pairs)
    for run, settings in runs.items():
        source = settings["grid"], settings["encoder"]
        store = [path for path in packed if Path(path).parts[-3:-1] == source]
        entries += entries_of_run(
            run,
            [entry for entry in latest(entries, source) if entry.cohort in settings["cohorts"]],
            paired,
            {row["slide_id"]: row for row in read_all(store)},
            settings["modalities"],
            {row["slide_id"] for row in read_rows(trained[run])},
        )
    for path in embedded:
        model = Path(path).parent.name
        source = tuple(sources[model])
        before = {entry.slide_id: entry for entry in latest(entries, source)}
        entries += entries_of_stage(Part("embed", *(source or ("", "")), model), read_rows(path), before)
    write_tsv(output, as_table(entries))


def of_tiles(manifests: Iterable[str], entries: Sequence[Entry]) -> list[Entry]:
    """Entries of the stage tiles. manifests: each in the folder of its grid; entries: those of the stages before."""
    before = {entry.slide_id: entry for entry in entries if entry.stage == "tissue"}
    return [
        entry
        for path in manifests
        for entry in entries_of_stage(Part("tiles", Path(path).parts[-2]), read_rows(path), before)
    ]


def of_features(manifests: Iterable[str], entries: Sequence[Entry]) -> list[Entry]:
    """Entries of the stage features. manifests: each in the folders of its grid and encoder."""
    before: dict[str, dict[str, Entry]] = {}
    for entry in entries:
        if entry.stage == "tiles":
            before.setdefault(entry.grid, {})[entry.slide_id] = entry
    found = []
    for path in manifests:
        grid, encoder = Path(path).parts[-3:-1]
        found += entries_of_stage(Part("features", grid, encoder), read_rows(path), before[grid])
    return found


def latest(entries: Iterable[Entry], source: Sequence[str]) -> list[Entry]:
    """Of every slide the entry of features of a grid and encoder, or that of tissue where there is none."""
    found = {entry.slide_id: entry for entry in entries if entry.stage == "tissue"}
    found |= {e.slide_id: e for e in entries if e.stage == "features" and (e.grid, e.encoder) == tuple(source)}
    return [entry._replace(grid=source[0], encoder=source[1]) if source else entry for entry in found.values()]


def as_table(entries: Sequence[Entry]) -> pd.DataFrame:
    """Entries as a table, a row each."""
    return pd.DataFrame(entries, columns=list(Entry._fields))
