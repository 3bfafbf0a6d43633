"""What methods of tissue segmentation cost on one generated slide, and what windows add to a bare network.

Networks have random weights: their time does not depend on them. With a CPU build of torch, torchvision loads with
the test rig on PYTHONPATH (../shared/rigs/torchvision).
"""

import hashlib
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from molpath.demo.histology import draw_section
from molpath.demo.truth import draw_truth, generator
from molpath.slides.readers import open_slide
from molpath.tissue import segmentation
from molpath.tissue.overview import read_overview
from molpath.tissue.windows import Raster, slide_over

SIZE, MPP = (1792, 1408), 0.5
FPN = {"encoder": "resnet34", "classes": 2, "tissue_class": 1, "mpp": 2.0, "patch_size": 512}
FPN |= {"mean": [0.5, 0.5, 0.5], "std": [0.2, 0.2, 0.2]}
HSV = {"hue": [100, 30], "min_saturation": 15, "min_value": 50, "max_value": 255}
SETTINGS = {"threshold": 0.5, "overlap": 128, "fpn": FPN, "hsv": HSV, "artefacts": {"mpp": 1.5}}


def main() -> None:
    """Print the rows: method, windows, CPU seconds per slide and per window, and over those of the network alone."""
    with tempfile.TemporaryDirectory() as folder:
        slide = draw_slide(Path(folder))
        overview = read_overview(slide, MPP, 8.0)
        print("method\twindows\tcpu_s\tcpu_s_a_window\tof_bare_network\tpeak_rss_mb", flush=True)
        for method in segmentation.CLASSICAL:
            seconds = cpu(lambda name=method: segmentation.segment(slide, MPP, overview, SETTINGS | {"method": name}))
            tell(method, 0, seconds, None)
        tell("windows alone, 1 µm", *sweep(slide, overview), None)
        try:
            import segmentation_models_pytorch  # noqa: F401
        except (ImportError, RuntimeError) as error:
            print(f"# networks left out, their libraries do not load: {error}")
            return
        for name in ("grandqc", "artefacts", "fpn", "deeplab"):
            tell(name, *run(name, slide, overview, Path(folder)))


def draw_slide(folder: Path):
    """A synthetic section at 0.5 µm as a slide of one level."""
    from PIL import Image

    picture = draw_section(generator(0, "bench", "slide"), draw_truth(0, "bench"), *SIZE)
    Image.fromarray(picture).save(folder / "slide.png", compress_level=1)
    return open_slide(folder / "slide.png")


def sweep(slide, overview) -> tuple[int, float]:
    """Windows read and laid on the overview without any network between."""
    count = 0

    def nothing(images):
        nonlocal count
        count += len(images)
        return np.zeros((len(images), 2, 512, 512), np.float32)

    everywhere = np.ones(overview.image.shape[:2], bool)
    seconds = cpu(lambda: list(slide_over(Raster(slide, MPP, 1.0), overview, everywhere, nothing, 2, 512, 128, 1)))
    return count, seconds


def run(name: str, slide, overview, folder: Path) -> tuple[int, float, float]:
    """One network over the slide, and the bare network over as many windows."""
    import torch
    from molpath.tissue import learned
    from molpath.tissue.networks import BUILDERS

    torch.save(BUILDERS[name](SETTINGS)[0].state_dict(), folder / "w.pth")
    digest = hashlib.sha256((folder / "w.pth").read_bytes()).hexdigest()
    network = learned.load(name, str(folder / "w.pth"), digest, SETTINGS)
    everywhere = np.ones(overview.image.shape[:2], bool)
    batch_sizes = []
    image = np.zeros((1, network.wants.edge, network.wants.edge, 3), np.uint8)
    network.forward(image)  # the first call chooses kernels
    forward, network.forward = network.forward, lambda images: batch_sizes.append(len(images)) or forward(images)
    seconds = cpu(lambda: list(learned.run(network, slide, MPP, overview, everywhere, 128)))
    bare = cpu(lambda: [forward(image) for _ in range(sum(batch_sizes))])
    return sum(batch_sizes), seconds, bare


def tell(method: str, windows: int, seconds: float, bare: float | None) -> None:
    """One row."""
    per_window = f"{seconds / windows:.3f}" if windows else ""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{method}\t{windows}\t{seconds:.3f}\t{per_window}\t{f'{seconds / bare:.2f}' if bare else ''}\t{peak}",
        flush=True,
    )


def cpu(work) -> float:
    """CPU seconds of all threads that `work` took."""
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    main()
