"""Tissue and artefacts by networks: each loaded once per process, run over windows at its own resolution, in fp32."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import torch
from torch import nn

from ..common.contained import MethodUnusable
from ..common.devices import take_device
from ..common.settings.tissue import Tissue
from .checkpoints import load_into
from .networks import BUILDERS, Wants
from .overview import Overview
from .windows import Raster, slide_over

#: Windows that go through the network at a time on a GPU; on the CPU one per thread.
GPU_WINDOWS = 8
#: GrandQC's classes that are artefacts; the class map has the same codes.
ARTEFACTS = range(2, 7)


class Network:
    """A network on its device, from uint8 windows to probabilities of its classes.

    On the CPU each call holds one window and one thread, so that results depend neither on the number of threads nor
    on which windows come together.
    """

    def __init__(self, network: nn.Module, wants: Wants, device: torch.device, threads: int):
        self.network, self.wants, self.device = network.to(device), wants, device
        self.on_cpu = device.type == "cpu"
        self.batch = threads if self.on_cpu else GPU_WINDOWS
        self.mean = torch.tensor(wants.mean, device=device).view(3, 1, 1)
        self.std = torch.tensor(wants.std, device=device).view(3, 1, 1)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """uint8 N x edge x edge x 3 (RGB) to float32 N x classes x edge x edge.

        Raises MethodUnusable where the device fails or its memory does not suffice.
        """
        if self.wants.jpeg_quality:
            images = np.stack([compressed(image, self.wants.jpeg_quality) for image in images])
        try:
            if not self.on_cpu:
                return self.forward(images)
            with ThreadPoolExecutor(self.batch) as pool:
                return np.concatenate(list(pool.map(self.forward, np.split(images, len(images)))))
        except RuntimeError as error:  # torch's own for a lost device, too little memory and the like
            raise MethodUnusable(f"the network failed on {self.device}: {error}") from error

    @torch.inference_mode()
    def forward(self, images: np.ndarray) -> np.ndarray:
        """One call of the network, as __call__."""
        pixels = torch.from_numpy(images).to(self.device).permute(0, 3, 1, 2).to(torch.float32) / 255
        answer = self.network((pixels - self.mean) / self.std)
        logits = answer["out"] if isinstance(answer, Mapping) else answer
        return (logits.sigmoid() if self.wants.classes == 1 else logits.softmax(1)).cpu().numpy()


def compressed(image: np.ndarray, quality: int) -> np.ndarray:
    """An RGB image after JPEG compression with its channels taken as blue, green, red: as GrandQC was trained.

    Windows begin at multiples of 16 pixels, so blocks are where they would be in the whole image.
    """
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(image), [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None  # just encoded
    return decoded


def segment(slide, mpp: float, overview: Overview, settings: Tissue) -> np.ndarray:
    """Boolean mask of the overview: the mean probability of tissue in a pixel is over the threshold.

    `mpp`: the slide's, at level 0; `settings`: section tissue of the config. Plain glass is skipped.
    """
    network = load(settings["method"], settings["weights"], settings["sha256"], settings)
    tissue = network.wants.tissue_class if network.wants.classes > 1 else 0
    mask = np.zeros(overview.image.shape[:2], bool)
    for first, probabilities in run(network, slide, mpp, overview, not_glass(overview.image), settings["overlap"]):
        mask[first : first + probabilities.shape[1]] = probabilities[tissue] > settings["threshold"]
    return mask


def find_artefacts(slide, mpp: float, overview: Overview, tissue: np.ndarray, settings: Tissue) -> np.ndarray:
    """Class codes of the overview (uint8): 2 to 6 where an artefact is the likeliest class of tissue, else 0."""
    artefact_settings = settings["artefacts"]
    network = load("artefacts", artefact_settings["weights"], artefact_settings["sha256"], settings)
    codes = np.zeros(tissue.shape, np.uint8)
    for first, probabilities in run(network, slide, mpp, overview, tissue, settings["overlap"]):
        likeliest = probabilities.argmax(0).astype(np.uint8)
        codes[first : first + probabilities.shape[1]] = np.where(np.isin(likeliest, ARTEFACTS), likeliest, 0)
    return np.where(tissue, codes, 0)


def run(network: Network, slide, mpp: float, overview: Overview, region: np.ndarray, overlap: int):
    """Bands of probabilities, as `windows.slide_over` yields them."""
    wants = network.wants
    raster = Raster(slide, mpp, wants.mpp)
    return slide_over(raster, overview, region, network, wants.classes, wants.edge, overlap, network.batch)


def not_glass(image: np.ndarray) -> np.ndarray:
    """Boolean mask of what could hold tissue: any colour beyond the noise of glass, or any grey darker than it.

    Far more generous than the thresholds of `otsu`: what is left out here is never seen by the network.
    """
    smooth = cv2.medianBlur(image, 5)
    return (np.ptp(smooth, axis=2) > 8) | (smooth.min(axis=2) < 210)


def load(name: str, weights: str, sha256: str, settings: Tissue) -> Network:
    """The network `name` (a key of networks.BUILDERS), loaded at the first call in this process."""
    method_settings = settings.get(name)
    return _load(name, weights, sha256, json.dumps({name: method_settings} if method_settings else {}, sort_keys=True))


@functools.cache
def _load(name: str, weights: str, sha256: str, settings: str) -> Network:
    try:
        network, wants = BUILDERS[name](json.loads(settings))
    except (ImportError, RuntimeError) as error:
        raise MethodUnusable(
            f"method {name} needs torchvision, timm and segmentation_models_pytorch (envs/segmentation.yaml): {error}"
        ) from error
    except (KeyError, ValueError) as error:
        raise MethodUnusable(f"the network of method {name} can't be built: {error}") from error
    device, threads, _ = job_device()
    return Network(load_into(network, weights, sha256), wants, device, threads)


@functools.cache
def job_device() -> tuple[torch.device, int, contextlib.ExitStack]:
    """Device and threads of this process, taken once for all its networks, and the object that holds them until it
    ends."""
    stack = contextlib.ExitStack()
    device = stack.enter_context(take_device())
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True
    return device, threads, stack
