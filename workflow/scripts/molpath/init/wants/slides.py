"""From a folder of slides to features, and with labels to probes and report."""

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
#: Patches for encoders that accept any.
TILE = {"patch_size": 256, "magnification": 20}
#: Up to FEW slides a job takes only FEW_A_JOB, so that several jobs run and each reports soon.
FEW, FEW_A_JOB = 500, 8


def add_options(parser: argparse.ArgumentParser, wants: Any) -> None:
    """Options of this start; --grid and --encoder are among those of features."""
    wants.add_argument("--slides", metavar="DIR", help="slides: a folder of SVS, NDPI, MRXS, TIFF, DICOM, …")
    parser.add_argument("--mpp", type=float, metavar="UM", help="micrometres per pixel, of slides that don't say it")


def slides(options: argparse.Namespace) -> Draft:
    """A study of raw slides."""
    draft = Draft({})
    folder_slides = look_at(Path(options.slides))
    formats = ", ".join(f"{count:,} {ending}" for ending, count in folder_slides.formats.most_common())
    draft.guess(
        "slides", f"{number(len(folder_slides.paths), 'file')} in {folder_slides.folder} ({formats})", "--slides"
    )
    encoder, grid = choose_encoder(options, draft)
    names = list(folder_slides.paths)
    ids = safe_ids(names, "slide")
    if changed := [name for name in names if ids[name] != name]:
        draft.notes.append(f"{number(len(changed), 'slide')} renamed, such as {changed[0]!r}: {ids[changed[0]]}")
    joined = join(names, "slide", options, draft)
    joined = renamed(joined, ids, case_ids(joined))
    source = {"grid": "main", "encoder": encoder}
    job_size = {"slides_per_job": FEW_A_JOB} if len(names) <= FEW else {}
    draft.config |= {
        "slides": {"sheet": SHEET} | job_size,
        "tiles": {"grids": {"main": grid}},
        "features": {"encoders": {encoder: {"adapter": encoder}}, "use": [source]},
        "embed": mean_of(encoder),
    }
    paths = {ids[name]: kept(path, options.folder) for name, path in folder_slides.paths.items()}
    draft.files[SHEET] = sheet_of(joined, paths, options.mpp)
    add_tasks(joined, options, draft)
    draft.notes += folder_slides.notes
    draft.after += [
        ("snakemake doctor", "software, GPU, weights, disk and a look at the slides"),
        ("snakemake plan", "the expected cost: hours, disk, downloads"),
    ]
    return draft


def choose_encoder(options: argparse.Namespace, draft: Draft) -> tuple[str, dict[str, Any]]:
    """A built-in encoder, and the grid it was made for or --grid."""
    encoders = shipped_yaml(CLONE / "workflow/scripts/molpath/features/encoders.yaml")["encoders"]
    name = options.encoder or ENCODER
    if name not in encoders:
        raise Refusal(f"--encoder {name}: no built-in encoder; one of: {', '.join(sorted(encoders))}")
    if not options.encoder:
        draft.guess("encoder", f"{name}, which needs no login and no GPU", "--encoder (workflow/docs/encoders.md)")
    if encoders[name].get("gated"):
        draft.notes.append(f"the weights of {name} are gated: ask for access, then `hf auth login` (encoders.md)")
    if options.grid:
        return name, grid_of(options.grid)
    tile = TILE | (encoders[name].get("tile") or {})
    grid = grid_name({key: str(value) for key, value in tile.items()})
    draft.guess("grid", f"{grid}, which {'suits it' if encoders[name].get('tile') else 'is usual'}", "--grid")
    return name, grid_of(grid)
