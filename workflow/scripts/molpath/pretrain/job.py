"""What one process of a training receives; several processes read it from a JSON file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

from ..common.settings.pretrain import Run


class Job(TypedDict):
    """A training; all but `run` and `threads` are paths, or contents that become part of the results.

    run: the config's entry with `name`; patches, indices: shards of the packed store; rna, dna: tables of its cohorts;
    genes: table of gene names, by which retired ones in a checkpoint's vocabulary are found ('': taken as they are);
    outputs: results by name; state, stamp: see Trainer; organs: by slide; contents: fingerprints of the inputs, by
    kind; events: folder for TensorBoard; promised_gpu: the job has GPUs, and must not run on the CPU instead.
    """

    run: Run
    patches: Sequence[str]
    indices: Sequence[str]
    pairs: str
    rna: Sequence[str]
    dna: Sequence[str]
    genes: str
    outputs: Mapping[str, str]
    state: str
    stamp: str
    organs: Mapping[str, str]
    contents: Mapping[str, Sequence[str]]
    threads: int
    log_path: str | None
    events: str | None
    promised_gpu: bool
