"""Which weights that a config asks for are still missing, each with the command or page that comes next."""

from __future__ import annotations

import os
from pathlib import Path

from .config import Config
from .encoders import Encoders

HUB = "https://huggingface.co/"
#: Where weights of foreign slide encoders come from, and whether access must be asked for.
SLIDE_ENCODERS = {
    "titan": ("MahmoodLab/TITAN", True),
    "prism": ("paige-ai/Prism", True),
    "gigapath": ("prov-gigapath/prov-gigapath", True),
    "madeleine": ("MahmoodLab/madeleine", True),
}


def has_login() -> bool:
    """True where the hub's client finds a token: in the environment or in its file. Checks whether one exists, never
    reads it."""
    if os.environ.get("HF_TOKEN") or os.environ.get("HUGGING_FACE_HUB_TOKEN"):
        return True
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("HF_HOME") or f"{cache}/huggingface"
    return Path(os.environ.get("HF_TOKEN_PATH") or f"{home}/token").expanduser().is_file()


def login_remedy(page: str) -> str:
    """What to do before a gated file can be fetched."""
    if has_login():
        return f"accept the licence on {page} with the account you are logged in with"
    return f"accept the licence on {page}, log in (`hf auth login`, or export HF_TOKEN=…)"


def notes_of_weights(encoders: Encoders, used: list[str]) -> list[str]:
    """A note for each encoder in use whose weights a rule will fetch and that do not exist yet."""
    notes = []
    for name in used:
        facts = encoders.facts.get(encoders.entries[name]["adapter"], {})
        fetched = encoders.to_fetch(name)
        if not fetched or os.path.exists(fetched[0]) or "hub" not in facts:
            continue
        page = f"{HUB}{'datasets/' * bool(facts.get('dataset'))}{facts['hub']}"
        command = f"snakemake --cores 1 {fetched[0]}"
        note = f"note: the weights of encoder {name} are fetched from {page}"
        if not facts.get("gated"):
            notes.append(f"{note}, without a login\n    -> now, on a machine with internet: {command}")
            continue
        alternative = free_alternative(facts, encoders)
        without = f"; without a login: adapter {alternative}" if alternative else ""
        notes.append(
            f"{note}, which gives access on request{'' if has_login() else ', and no login is found here'} "
            f"(workflow/docs/encoders.md)\n    -> {login_remedy(page)}, then: {command}{without}"
        )
    return notes


def free_alternative(facts: Config, encoders: Encoders) -> str:
    """A pathology encoder of about the same size that needs no login; with its licence."""
    ungated = {
        name: encoder
        for name, encoder in encoders.facts.items()
        if "hub" in encoder and not encoder.get("gated") and encoder.get("tile") and "timm/" not in encoder["hub"]
    }
    if not ungated:
        return ""
    name = min(ungated, key=lambda encoder: abs(ungated[encoder]["parameters"] - facts["parameters"]))
    return f"{name} ({ungated[name]['licence']})"


def slide_encoder_remedy(kind: str, place: str) -> str:
    """How to get the weights of a foreign slide encoder."""
    if kind not in SLIDE_ENCODERS:
        return "put its weights there (workflow/docs/encoders.md), or take it out of embed/use and probe/finetune/use"
    repository, gated = SLIDE_ENCODERS[kind]
    fetch = f"hf download {repository} --local-dir {place or 'FOLDER'}"
    before = f"{login_remedy(HUB + repository)}, then: " if gated else ""
    return f"{before}{fetch} (workflow/docs/encoders.md), or take it out of embed/use and probe/finetune/use"
