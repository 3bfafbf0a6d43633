"""Expression files of a cohort, read block by block into a folder of finished blocks, so that a killed job resumes."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

from ..common.digests import digest_of
from ..common.files import new_h5, open_h5
from .expression_files import ONE_SAMPLE, Measurement, Reading, read_rows
from .genes import NoGene
from .naming import Naming, name_genes
from .tables import BadProfile

log = logging.getLogger(__name__)

#: Profiles per block: of files with one sample each, and of a matrix (which is read once per block).
FILES_A_BLOCK, COLUMNS_A_BLOCK = 256, 2048
LARGEST_COUNT = 2**31 - 1
#: Smallest share of the others' genes in a profile of the same cohort.
LEAST_SHARED = 0.5


def blocks_of(rows: Sequence[Mapping[str, str]]) -> list[list[int]]:
    """Positions of rows that are read together: samples of one matrix, or files of one sample each."""
    groups: dict[tuple, list[int]] = {}
    for index, row in enumerate(rows):
        single = row["format"] in ONE_SAMPLE
        groups.setdefault((row["format"], "" if single else row["path"]), []).append(index)
    positions = []
    for (name, _), group in groups.items():
        size = FILES_A_BLOCK if name in ONE_SAMPLE else COLUMNS_A_BLOCK
        positions += [group[i : i + size] for i in range(0, len(group), size)]
    return positions


class CohortValues:
    """Blocks on disk; values of all profiles by kind and gene.

    kinds: what every profile has (counts, tpm, …); genes: str G, in every profile and never missing; losses: rows
    (step, genes, files) of what happened to names; notes: str N, remarks on the units of a profile.
    """

    def __init__(self, rows, reading: Reading, folder: str | os.PathLike, step: Callable[[int], None] = lambda n: None):
        self.rows, self.folder = rows, Path(folder)
        self.paths: list[Path] = []
        for number, positions in enumerate(blocks_of(rows)):
            path = self.folder / f"{number:05d}.h5"
            block_rows = [rows[i] for i in positions]
            stamp = stamp_of(block_rows, reading)
            if not is_finished(path, stamp):
                write_block(path, stamp, block_rows, positions, reading)
            self.paths.append(path)
            step(len(positions))
        self._find_common()

    def parts(self) -> Iterator[h5py.Group]:
        """Every group of profiles with the same genes, block by block."""
        for path in self.paths:
            with open_h5(path) as handle:
                yield from (handle[name] for name in sorted(handle, key=int))

    def _find_common(self) -> None:
        kinds: list[set[str]] = []
        genes: set[str] = set()
        sizes: list[tuple[int, int]] = []
        self.losses: list[list] = []
        self.notes = np.full(len(self.rows), "", dtype=object)
        for part in self.parts():
            kinds.append({name for name in part if name not in ("genes", "positions", "notes")})
            for position, note in zip(part["positions"][:], part["notes"].asstr()[:], strict=True):
                self.notes[position] = note
            names = part["genes"].asstr()[:]
            sizes.append((len(names), int(part["positions"][0])))
            genes = genes & set(names) if len(sizes) > 1 else set(names)
            steps = json.loads(part.attrs["losses"])
            same_losses = next((loss for loss in self.losses if loss[0] == steps), None)
            if same_losses:
                same_losses[1] += len(part["positions"])
            else:
                self.losses.append([steps, len(part["positions"]), len(names)])
        self.kinds = set.intersection(*kinds)
        if not self.kinds:
            raise BadProfile(
                "the cohort mixes profiles in incompatible units "
                f"({'; '.join(sorted({' and '.join(sorted(k)) for k in kinds}))}); put them into separate cohorts"
            )
        smallest = min(sizes)
        if len(genes) < LEAST_SHARED * smallest[0] or not genes:
            row = self.rows[smallest[1]]
            raise BadProfile(
                f"only {len(genes)} genes are in every profile of the cohort; profile {row['profile_id']} "
                f"({row['path']}) alone has {smallest[0]}: do all files use the same kind of gene names?"
            )
        self.genes = np.array(sorted(genes), dtype=str)
        self.shared = len(self.genes)

    def leave_out_missing(self, kind: str) -> int:
        """Remove genes with a missing value of `kind` in any profile from `genes`; returns how many."""
        gappy: set[str] = set()
        count: dict[int, int] = {}
        for part in self.parts():
            values, names = part[kind], part["genes"].asstr()[:]
            missing = is_missing(values[:])
            for index in np.flatnonzero(missing.any(1)):
                count[int(part["positions"][index])] = int(missing[index].sum())
            gappy.update(names[missing.any(0)])
        n_before = len(self.genes)
        self.genes = np.array([name for name in self.genes if name not in gappy], dtype=str)
        if len(self.genes) < LEAST_SHARED * n_before:
            position = max(count, key=count.__getitem__)
            row = self.rows[position]
            raise BadProfile(
                f"{n_before - len(self.genes)} of {n_before} genes are missing in some profile; profile "
                f"{row['profile_id']} ({row['path']}) lacks {count[position]}: take it out of the sheet or the "
                "file's gaps"
            )
        return n_before - len(self.genes)

    def values(self, kind: str) -> np.ndarray:
        """N x G: int32 for counts, float32 for everything else; rows in the order of the sheet."""
        matrix = np.empty((len(self.rows), len(self.genes)), np.int32 if kind == "counts" else np.float32)
        for part in self.parts():
            names = part["genes"].asstr()[:]
            columns = np.searchsorted(names, self.genes)  # names of a block are sorted
            matrix[part["positions"][:]] = part[kind][:][:, columns]
        return matrix

    def forget(self) -> None:
        """Remove the blocks."""
        shutil.rmtree(self.folder, ignore_errors=True)


def is_missing(values: np.ndarray) -> np.ndarray:
    """Mask of missing values of a block: NaN, or -1 in integer blocks."""
    return values < 0 if values.dtype.kind == "i" else np.isnan(values)


def stamp_of(rows: Sequence[Mapping[str, str]], reading: Reading) -> str:
    """Digest of a block's inputs: rows, size and time of their files, and how they are read."""
    files = []
    for path in dict.fromkeys(row["path"] for row in rows):
        status = os.stat(path)
        files.append([path, status.st_size, status.st_mtime_ns])
    names = [len(reading.table.approved), digest_of(sorted(reading.table.by_id.items()))]
    return digest_of(files, [dict(row) for row in rows], [reading.star_column, reading.transcripts], names)


def is_finished(path: Path, stamp: str) -> bool:
    """True if a complete block with this stamp exists."""
    if not path.is_file():
        return False
    try:
        with open_h5(path) as handle:
            return handle.attrs.get("stamp") == stamp
    except OSError:
        return False


@dataclass
class Part:
    """Profiles of a block with the same genes: positions in the sheet, notes, and one array per profile by kind."""

    naming: Naming
    positions: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    values: dict[str, list[np.ndarray]] = field(default_factory=dict)


def write_block(path: Path, stamp: str, rows, positions: Sequence[int], reading: Reading) -> None:
    """Read the files of a block and write their values by gene: one group for profiles with the same genes."""
    parts: dict[tuple, Part] = {}
    for file, group in by_file(rows):
        for index, measurement in zip(group, read_rows([rows[i] for i in group], reading), strict=True):
            naming = naming_of(measurement, file, reading)
            part = parts.setdefault((id(naming), *sorted(measurement.values)), Part(naming))
            part.positions.append(positions[index])
            part.notes.append(measurement.note)
            for kind, values in measurement.values.items():
                part.values.setdefault(kind, []).append(gathered(kind, values, naming, rows[index]))
    with new_h5(path) as handle:
        handle.attrs["stamp"] = stamp
        for number, part in enumerate(parts.values()):
            group = handle.create_group(str(number))
            group.attrs["losses"] = json.dumps(part.naming.counts)
            group.create_dataset("genes", data=list(part.naming.genes), dtype=h5py.string_dtype())
            group.create_dataset("positions", data=np.array(part.positions))
            group.create_dataset("notes", data=part.notes, dtype=h5py.string_dtype())
            for kind in sorted(part.values):
                group.create_dataset(kind, data=np.stack(part.values[kind]))


def by_file(rows) -> list[tuple[str, list[int]]]:
    """Positions of rows by file, in order."""
    positions_of: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        positions_of.setdefault(row["path"], []).append(index)
    return list(positions_of.items())


def naming_of(measurement: Measurement, path: str, reading: Reading) -> Naming:
    """Names of the file's genes; those of the last files are cached, as the next file usually has the same genes."""
    for genes, naming in reading.namings:
        if genes.same_as(measurement.genes):
            return naming
    try:
        naming = name_genes(measurement.genes, reading.table)
    except NoGene as error:
        raise BadProfile(f"{path}: {error}") from None
    log.info("%s: %d genes; %s", path, len(naming.genes), ", ".join(f"{n} {step}" for step, n in naming.counts.items()))
    reading.namings = [*reading.namings[-7:], (measurement.genes, naming)]
    return naming


def gathered(kind: str, values: np.ndarray, naming: Naming, row: Mapping[str, str]) -> np.ndarray:
    """Values by gene in the type of a block: int32 with -1 for a missing count, else float32 with NaN."""
    by_gene = naming.gather(values, summed=kind != "zscore")
    if kind != "counts":
        return by_gene.astype(np.float32)
    if np.nanmax(by_gene, initial=0) > LARGEST_COUNT:
        raise BadProfile(f"{row['path']}, profile {row['profile_id']}: a count above {LARGEST_COUNT}")
    return np.where(np.isnan(by_gene), -1, by_gene).astype(np.int32)
