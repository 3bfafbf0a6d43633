"""Words of a network's vocabulary under current gene symbols, for vocabularies older than the profiles."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from .genes import GeneTable


@dataclass(frozen=True)
class CurrentWords:
    """A vocabulary's words in their order, each under the symbol by which profiles name its gene.

    renamed: current symbol by retired word; left_out: reason by retired word that is no gene's (`<left out: WORD>`).
    """

    words: list[str]
    renamed: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)

    def by_retired_name(self, genes: Sequence[str]) -> int:
        """How many of these genes are found only by a retired name."""
        return len(set(genes) & set(self.renamed.values()))


def current_words(words: Sequence[str], table: GeneTable) -> CurrentWords:
    """Rename words that are a gene's previous symbol, of one gene only, to its approved one (HGNC).

    An unknown word keeps its name. Left out is a previous symbol whose gene has a word already,
    that shares its gene with another one, or that several genes had: two words never become one, nor one two genes.
    """
    vocabulary = set(words)
    previous = {word: table.previous[word] for word in words if word in table.previous}
    claims = Counter(previous.values())
    renamed: dict[str, str] = {}
    left_out = {word: "several genes had this name" for word in words if word in table.ambiguous}
    for word, symbol in previous.items():
        if symbol in vocabulary:
            left_out[word] = f"{symbol} is a word of its own"
        elif claims[symbol] > 1:
            left_out[word] = f"{claims[symbol]} words are previous names of {symbol}"
        else:
            renamed[word] = symbol
    names = renamed | {word: f"<left out: {word}>" for word in left_out}
    return CurrentWords([names.get(word, word) for word in words], renamed, left_out)


def vocabulary_counts(
    chosen: np.ndarray, vocabularies: Mapping[str, str], table: GeneTable
) -> list[tuple[str, int, str]]:
    """Rows (step, genes, '') about the vocabulary (vocab.json) of each run that names one.

    chosen: symbols of the selected genes.
    """
    rows = []
    for run, path in vocabularies.items():
        with open(path, encoding="utf-8") as handle:
            current = current_words(list(json.load(handle)), table)
        vocabulary = set(current.words)
        shared = [name for name in chosen if name in vocabulary]
        rows.append((f"selected and in the vocabulary of run {run}", len(shared), ""))
        rows.append((f"of these by a retired name, run {run}", current.by_retired_name(shared), ""))
    return rows
