"""Flags of genes, and which of them a variant sets by its classification or VEP's terms."""

from __future__ import annotations

from collections import Counter

from ..common.files import read_tsv
from .tables import BadProfile

#: Flags of a gene in this order (section 1.4 of the paper's facts; the order inside is a decision of ours).
FLAGS = ("two_copy_deletion", "loss", "gain", "amplification", "small_coding", "large_coding", "non_coding")
#: Of several terms of one variant (VEP's a&b) the flag that says most.
STRENGTH = ("large_coding", "small_coding", "non_coding", "ignored")


class Flagger:
    """Turns classifications and VEP's terms into flags, and remembers those it doesn't know."""

    def __init__(self, consequences: str, terms: str = ""):
        self.flag_of = dict(read_tsv(consequences)[["classification", "flag"]].itertuples(index=False))
        if terms:
            self.flag_of |= dict(read_tsv(terms)[["classification", "flag"]].itertuples(index=False))
        wrong = sorted(set(self.flag_of.values()) - {*FLAGS, "ignored"})
        if wrong:
            raise BadProfile(f"{consequences}: unknown flag {wrong[0]!r}; one of: {', '.join((*FLAGS, 'ignored'))}")

    def flag(self, kind: str, counts: Counter) -> str:
        """The flag of a kind of variant, 'ignored' for what sets none; unknown kinds are counted by name."""
        known = [self.flag_of[part] for part in kind.split("&") if part in self.flag_of]
        if not known:
            counts[f"variants of unknown classification {kind!r}, left out"] += 1
            return "ignored"
        flag = min(known, key=STRENGTH.index)
        counts[f"variants: {kind} -> {flag}"] += 1
        return flag
