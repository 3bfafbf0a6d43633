"""A folder of slides: features by an encoder, and with labels on to probes and report."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ...study.config import shipped_yaml
from ..draft import Draft, Refusal, kept, number
from ..feature_files import grid_name, grid_of
from ..folder import CLONE
from ..labels import join, renamed
from ..names import safe_ids
from ..slide_files import look_at
from ..tasks import add_tasks
from .features import SHEET, case_ids, mean_of, sheet_of

#: Needs no login, and a CPU is enough.
ENCODER = "efficientnet_lite0"
#: Patches where an encoder was made for any.
TILE = {"patch_size": 256, "magnification": 20}
#: Up to so many slides per job takes few, so that several work and each says soon how it went.
FEW, FEW_A_JOB = 500, 8


def add_options(parser: argparse.ArgumentParser, wants: Any) -> None:
    """Options of this want; --grid and --encoder stand with those of features."""
    wants.add_argument("--slides", metavar="DIR", help="slides: a folder of SVS, NDPI, MRXS, TIFF, DICOM, …")
    parser.add_argument("--mpp", type=float, metavar="UM", help="micrometres per pixel, of slides that don't say it")


def slides(options: argparse.Namespace) -> Draft:
    """A study of raw slides."""
    draft = Draft({})
    found = look_at(Path(options.slides))
    formats = ", ".join(f"{count:,} {ending}" for ending, count in found.formats.most_common())
    draft.guess("slides", f"{number(len(found.paths), 'file')} in {found.folder} ({formats})", "--slides")
    encoder, grid = choose_encoder(options, draft)
    names = list(found.paths)
    ids = safe_ids(names, "slide")
    if changed := [name for name in names if ids[name] != name]:
        draft.notes.append(f"{number(len(changed), 'slide')} renamed, such as {changed[0]!r}: {ids[changed[0]]}")
    joined = join(names, "slide", options, draft)
    joined = renamed(joined, ids, case_ids(joined))
    source = {"grid": "main", "encoder": encoder}
    few = {"slides_per_job": FEW_A_JOB} if len(names) <= FEW else {}
    draft.config |= {
        "slides": {"sheet": SHEET} | few,
        "tiles": {"grids": {"main": grid}},
        "features": {"encoders": {encoder: {"adapter": encoder}}, "use": [source]},
        "embed": mean_of(encoder),
    }
    paths = {ids[name]: kept(path, options.folder) for name, path in found.paths.items()}
    draft.files[SHEET] = sheet_of(joined, paths, options.mpp)
    add_tasks(joined, options, draft)
    draft.notes += found.notes
    draft.after += [
        ("snakemake doctor", "software, GPU, weights, disk and a look at the slides"),
        ("snakemake plan", "what it will cost: hours, disk, downloads"),
    ]
    return draft


def choose_encoder(options: argparse.Namespace, draft: Draft) -> tuple[str, dict[str, Any]]:
    """A built-in encoder, and the grid it was made for or --grid."""
    facts = shipped_yaml(CLONE / "workflow/scripts/molpath/features/encoders.yaml")["encoders"]
    name = options.encoder or ENCODER
    if name not in facts:
        raise Refusal(f"--encoder {name}: no built-in encoder; one of: {', '.join(sorted(facts))}")
    if not options.encoder:
        draft.guess("encoder", f"{name}, which needs no login and no GPU", "--encoder (workflow/docs/encoders.md)")
    if facts[name].get("gated"):
        draft.notes.append(f"the weights of {name} are gated: ask for access, then `hf auth login` (encoders.md)")
    if options.grid:
        return name, grid_of(options.grid)
    tile = TILE | (facts[name].get("tile") or {})
    told = grid_name({key: str(value) for key, value in tile.items()})
    draft.guess("grid", f"{told}, which {'suits it' if facts[name].get('tile') else 'is usual'}", "--grid")
    return name, grid_of(told)
