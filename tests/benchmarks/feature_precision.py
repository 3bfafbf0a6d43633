"""Cosine between features as they are stored (fp16) and features of fp32, for each precision an encoder can compute in.

Patches of real slides (MOLPATH_TEST_DATA) where there are some, else of a generated one, 224 px of level 0 each.
EfficientNet-Lite0 with its published weights where the workflow has fetched them, else with random ones; a ViT-S/16
with random weights. Rows: encoder, weights, precision, patches, lowest and median cosine.
"""

import importlib.util
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from giant_slide import write_giant
from molpath.features.encoders import build
from molpath.slides.readers import open_slide
from safetensors.torch import save_file

REPOSITORY = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("MOLPATH_TEST_DATA") or REPOSITORY.parent / "shared" / "data") / "slides"
RIG = (
    Path(os.environ.get("MOLPATH_TEST_RIGS") or REPOSITORY.parent / "shared" / "rigs") / "torchvision/sitecustomize.py"
)
PUBLISHED = REPOSITORY / "resources/encoders/efficientnet_lite0.safetensors"
REAL = ("cmu-1-small-region.svs", "tcga-cr-7395-01a-01-ts1.svs")
PATCHES, EDGE = 64, 224
#: Patches brighter than this are glass.
GLASS = 225


def patches_of(slide, count: int) -> list[np.ndarray]:
    """`count` patches with tissue, from random places of level 0."""
    rng = np.random.default_rng(0)
    width, height, _ = slide.levels[0]
    patches: list[np.ndarray] = []
    for _ in range(50 * count):
        patch = slide.region(int(rng.integers(width - EDGE)), int(rng.integers(height - EDGE)), 0, EDGE, EDGE)
        if patch.mean() < GLASS:
            patches.append(patch)
        if len(patches) == count:
            break
    return patches


def some_patches(folder: Path) -> tuple[str, torch.Tensor]:
    """Where the patches are from, and uint8 N x 224 x 224 x 3."""
    slides = [DATA / name for name in REAL if (DATA / name).exists()]
    origin = f"{len(slides)} real slides"
    if not slides:
        slides, origin = [folder / "giant.svs"], "a generated slide"
        write_giant(slides[0], 8_160, 6_240)
    share = -(-PATCHES // len(slides))
    drawn = [patch for path in slides for patch in patches_of(open_slide(str(path)), share)]
    return origin, torch.from_numpy(np.stack(drawn[:PATCHES]))


def random_weights(network: torch.nn.Module, path: Path) -> str:
    """Save a network's random weights with every part at work (timm starts LayerScale and positions near nothing)."""
    torch.manual_seed(0)
    state = {
        key: torch.randn_like(value) * 0.05 if value.ndim > 1 else value for key, value in network.state_dict().items()
    }
    save_file(state, path)
    return str(path)


def encoders(folder: Path) -> list[tuple[str, str, str]]:
    """Adapter, kind of weights, file of weights."""
    from molpath.features.efficientnet_lite import EfficientNetLite0

    torch.manual_seed(0)
    if PUBLISHED.exists():
        rows = [("efficientnet_lite0", "published", str(PUBLISHED))]
    else:
        save_file(EfficientNetLite0().state_dict(), folder / "lite.safetensors")
        rows = [("efficientnet_lite0", "random", str(folder / "lite.safetensors"))]
    if RIG.is_file():
        spec = importlib.util.spec_from_file_location("torchvision_rig", RIG)
        module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    try:
        from molpath.features.timm_encoders import vision_transformer

        rows.append(("kaiko_vits16", "random", random_weights(vision_transformer("kaiko_vits16"), folder / "vits16")))
    except (ImportError, RuntimeError) as error:
        print(f"# no ViT-S/16: timm does not load here ({error})", file=sys.stderr)
    return rows


def main() -> None:
    """Print one row per encoder and precision."""
    torch.set_num_threads(max(1, (os.cpu_count() or 2) // 2))
    with tempfile.TemporaryDirectory() as name:
        origin, patches = some_patches(Path(name))
        print(f"# {len(patches)} patches of {origin}")
        print("encoder\tweights\tprecision\tpatches\tcosine_min\tcosine_median", flush=True)
        for adapter, kind, path in encoders(Path(name)):
            exact = build([path], {"adapter": adapter})
            exact = torch.cat([exact(part) for part in patches.split(16)]).double()
            for precision in ("fp32", "bf16", "fp16"):
                encoder = build([path], {"adapter": adapter, "precision": precision})
                stored = torch.cat([encoder(part) for part in patches.split(16)]).half().double()
                cosine = torch.cosine_similarity(exact, stored)
                row = [adapter, kind, precision, str(len(patches)), f"{cosine.min():.6f}", f"{cosine.median():.6f}"]
                print("\t".join(row), flush=True)


if __name__ == "__main__":
    main()
