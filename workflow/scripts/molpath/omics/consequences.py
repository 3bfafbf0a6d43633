"""Flags of genes, and which of them a variant sets, by its classification or VEP's terms."""

from __future__ import annotations

import re
from collections import Counter

from ..common.files import read_tsv
from .tables import BadProfile

#: Flags of a gene in this order (section 1.4 of the paper's facts; the order inside is a decision of ours).
FLAGS = ("two_copy_deletion", "loss", "gain", "amplification", "small_coding", "large_coding", "non_coding")
#: For several terms of a variant (VEP's a&b), the strongest flag.
STRENGTH = ("large_coding", "small_coding", "non_coding", "ignored")


class Flagger:
    """Turns classifications and VEP's terms into flags, and records unknown ones."""

    def __init__(self, consequences: str, terms: str = ""):
        self.flag_of = dict(read_tsv(consequences)[["classification", "flag"]].itertuples(index=False))
        if terms:
            self.flag_of |= dict(read_tsv(terms)[["classification", "flag"]].itertuples(index=False))
        unknown = sorted(set(self.flag_of.values()) - {*FLAGS, "ignored"})
        if unknown:
            raise BadProfile(f"{consequences}: unknown flag {unknown[0]!r}; one of: {', '.join((*FLAGS, 'ignored'))}")
        #: Programs differ in capitals (Frame_Shift_DEL).
        self._folded = {name.casefold(): flag for name, flag in self.flag_of.items()}
        self._judged: list[bool] = []
        self._strange: dict[str, None] = {}

    def flag(self, kind: str, counts: Counter) -> str:
        """The flag of a kind of variant, 'ignored' for those without one; unknown kinds are counted by name."""
        terms = [term.strip().casefold() for term in re.split("[&,]", kind)]
        flags = [self._folded[term] for term in terms if term in self._folded]
        self._judged.append(bool(flags))
        if not flags:
            self._strange[kind] = None
            counts[f"variants of unknown classification {kind!r}, left out"] += 1
            return "ignored"
        flag = min(flags, key=STRENGTH.index)
        counts[f"variants: {kind} -> {flag}"] += 1
        return flag

    def check_known(self) -> None:
        """Raise BadProfile if most variants had an unknown classification: their cases would look like wild types."""
        n_unknown = self._judged.count(False)
        if 2 * n_unknown > len(self._judged):
            raise BadProfile(
                f"{n_unknown} of {len(self._judged)} variants have an unknown classification (such as "
                f"{', '.join(repr(kind) for kind in list(self._strange)[:4])}): translate them into those of a MAF, or "
                "add them to omics/consequences"
            )
