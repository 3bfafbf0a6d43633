"""Slide encoders of others, for comparison: a table of adapters, each from weights that the user supplies.

CHIEF and FEATHER are small attention networks and are built here under the names of their files; the others run
through their own packages. Code from a hub runs only where the config says `trust_remote_code: true`.
Sources of sizes and names: the published repositories and model cards (hms-dbmi/CHIEF, mahmoodlab/MIL-Lab, TITAN,
MADELEINE, prov-gigapath, paige-ai/Prism).
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from argparse import Namespace
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn

from ..common.given_files import check_archive, check_safetensors
from ..common.given_text import read_json
from ..common.kinds import GPU_ONLY
from ..common.settings.embed import Model
from .bags import Bag

Embed = Callable[[Bag], np.ndarray]
Network = TypeVar("Network", bound=nn.Module)


#: Files of MADELEINE's repository.
MADELEINE_CONFIG, MADELEINE_WEIGHTS = "model_config.json", "model.pt"
#: Precisions that MADELEINE's config may name.
PRECISIONS = {"float16": torch.float16, "bfloat16": torch.bfloat16}


class MissingModel(Exception):
    """A slide encoder whose package, weights or permission is missing."""


@dataclass(frozen=True)
class Foreign:
    """What a slide encoder needs: width of a patch, patch encoder, package, and loader."""

    width: int
    patches: str
    load: Callable[[str, torch.device], Embed]
    package: str = ""
    remote_code: bool = False


class Gate(nn.Module):
    """Gated attention under the names attention_a, attention_b, attention_c; float rows x width to a score per row."""

    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.attention_a = nn.Sequential(nn.Linear(width, hidden), nn.Tanh())
        self.attention_b = nn.Sequential(nn.Linear(width, hidden), nn.Sigmoid())
        self.attention_c = nn.Linear(hidden, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: rows x width; returns rows."""
        return self.attention_c(self.attention_a(x) * self.attention_b(x)).squeeze(-1)


class ChiefPooling(nn.Module):
    """CHIEF's slide branch: attention from 512 hidden numbers; its embedding is the weighted mean of its input."""

    #: Width of the embedding.
    output = 768

    def __init__(self) -> None:
        super().__init__()
        # Layer 2 is a dropout there, which the names of the file count.
        self.attention_net = nn.Sequential(nn.Linear(768, 512), nn.ReLU(), nn.Identity(), Gate(512, 256))

    def parts(self, patches: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Scores (N) of patches (N x 768) and what is pooled of them (N x 768)."""
        return self.attention_net(patches), patches

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """patches: N x 768; returns 768."""
        scores, pooled = self.parts(patches)
        return torch.softmax(scores, 0) @ pooled


class FeatherPooling(nn.Module):
    """FEATHER, an attention network of 512 hidden numbers; the embedding is the weighted mean of those."""

    #: Width of the embedding.
    output = 512

    def __init__(self, width: int = 768):
        super().__init__()
        self.patch_embed = nn.Sequential(nn.Linear(width, 512), nn.ReLU())
        self.global_attn = Gate(512, 384)

    def parts(self, patches: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Scores (N) of patches (N x width) and what is pooled of them (N x 512)."""
        hidden = self.patch_embed(patches)
        return self.global_attn(hidden), hidden

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """patches: N x width; returns 512."""
        scores, hidden = self.parts(patches)
        return torch.softmax(scores, 0) @ hidden


def read_weights(path: str) -> dict[str, torch.Tensor]:
    """Tensors of a safetensors file or of a state dict that loads with weights_only."""
    if str(path).endswith(".safetensors"):
        from safetensors.torch import load_file

        check_safetensors(path)
        return load_file(path)
    check_archive(path)
    tensors = torch.load(path, map_location="cpu", weights_only=True)
    return tensors.get("model", tensors) if isinstance(tensors.get("model"), dict) else tensors


def from_hub_folder(path: str) -> Any:
    """A model of the transformers package from a folder with its code and weights; the hub isn't contacted."""
    os.environ["HF_HUB_OFFLINE"] = "1"  # the code in the folder may contact it
    from transformers import AutoModel

    return AutoModel.from_pretrained(path, trust_remote_code=True, local_files_only=True)


class OnDevice:
    """A network in inference mode on a device; moves bags there and vectors back.

    precision: of autocast on a GPU, as its authors run it; a CPU computes in float32.
    """

    def __init__(self, network: nn.Module, device: torch.device, precision: torch.dtype = torch.float32):
        self.network = network.to(device).eval()
        self.device, self.precision = device, precision

    def features(self, bag: Bag) -> torch.Tensor:
        """Patches (float32 1 x N x D) on the device."""
        return torch.from_numpy(bag.features)[None].to(self.device)

    def coords(self, bag: Bag) -> torch.Tensor:
        """Corners of patches (int64 1 x N x 2) on the device. Raises MissingModel for a bag without coordinates."""
        if bag.coords is None:
            raise MissingModel("this model reads patch coordinates, which this bag lacks: set cases: mean for it")
        return torch.from_numpy(bag.coords)[None].to(self.device)

    def __call__(self, compute: Callable[[], torch.Tensor]) -> np.ndarray:
        """The result of `compute` for one bag (1 x D), as float32 D."""
        on_gpu = self.device.type == "cuda"
        with torch.inference_mode(), torch.autocast("cuda", self.precision) if on_gpu else nullcontext():
            return compute()[0].float().cpu().numpy()


def filled(network: Network, path: str) -> Network:
    """`network` with every one of its tensors from a file, whatever prefix they have there.

    Raises MissingModel naming what the file lacks; surplus tensors (heads, memories) are ignored.
    """
    tensors = {name.removeprefix("model.").removeprefix("module."): value for name, value in read_weights(path).items()}
    expected = network.state_dict()
    unfit = [name for name, value in expected.items() if name not in tensors or tensors[name].shape != value.shape]
    if unfit:
        raise MissingModel(f"{path} has no fitting tensor for {', '.join(unfit[:5])} ({len(unfit)} in all)")
    network.load_state_dict({name: tensors[name] for name in expected})
    return network


def network_of(kind: str, path: str) -> ChiefPooling | FeatherPooling:
    """The network of a slide encoder that is built here, CHIEF or FEATHER, whose patches have the width of its weights.

    Raises as `filled`.
    """
    if kind == "chief":
        return filled(ChiefPooling(), path)
    tensors = read_weights(path)
    names = [name for name in tensors if name.endswith("patch_embed.0.weight")]
    return filled(FeatherPooling(tensors[names[0]].shape[1] if names else 768), path)


def chief(path: str, device: torch.device) -> Embed:
    """CHIEF: CTransPath features (768); 768 numbers."""
    return native(network_of("chief", path), device)


def feather(path: str, device: torch.device) -> Embed:
    """FEATHER; 512 numbers."""
    return native(network_of("feather", path), device)


def native(network: nn.Module, device: torch.device) -> Embed:
    """Embeddings by a network that is built here."""
    on_device = OnDevice(network, device)
    return lambda bag: on_device(lambda: network(on_device.features(bag)[0])[None])


def titan(path: str, device: torch.device) -> Embed:
    """TITAN: features and level-0 coordinates of CONCHv1.5 patches; 768 numbers."""
    network = from_hub_folder(path)
    on_device = OnDevice(network, device, torch.float16)
    encode = network.encode_slide_from_patch_features
    return lambda bag: on_device(lambda: encode(on_device.features(bag), on_device.coords(bag), int(bag.edge)))


def prism(path: str, device: torch.device) -> Embed:
    """PRISM: Virchow features (class token and mean, 2,560); 1,280 numbers."""
    network = from_hub_folder(path)
    on_device = OnDevice(network, device, torch.float16)
    return lambda bag: on_device(lambda: network.slide_representations(on_device.features(bag))["image_embedding"])


def gigapath(path: str, device: torch.device) -> Embed:
    """Prov-GigaPath's LongNet; needs a GPU and flash-attn. Refuses a missing file, which would mean random weights."""
    if not Path(path).is_file():
        raise MissingModel(f"no file {path}: GigaPath's package would silently use random weights")
    slide_encoder = importlib.import_module("gigapath.slide_encoder")
    network = slide_encoder.create_model(path, "gigapath_slide_enc12l768d", 1536, global_pool=True)
    on_device = OnDevice(network, device, torch.float16)

    def embed(bag: Bag) -> np.ndarray:
        network.tile_size = int(bag.edge)
        return on_device(
            lambda: network(on_device.features(bag), on_device.coords(bag).float(), all_layer_embed=True)[11]
        )

    return embed


def madeleine(path: str, device: torch.device) -> Embed:
    """MADELEINE: CONCH features (512) of 10x patches; 512 numbers, in the precision that its folder's config names.

    Built here from its package's class: the factory there downloads the repository at each call, loads with a pickle
    that may run code, and knows no device but cuda.
    """
    for name in (MADELEINE_CONFIG, MADELEINE_WEIGHTS):
        if not Path(path, name).is_file():
            raise MissingModel(f"madeleine: no {name} in {path}; put its repository's files there")
    config = Namespace(**read_json(Path(path, MADELEINE_CONFIG)))
    network = importlib.import_module("madeleine.models.Model").MADELEINE(config=config, stain_encoding=False)
    tensors = read_weights(str(Path(path, MADELEINE_WEIGHTS)))
    network.load_state_dict({name.removeprefix("module."): value for name, value in tensors.items()})
    on_device = OnDevice(network, device, PRECISIONS.get(getattr(config, "precision", ""), torch.float32))
    return lambda bag: on_device(lambda: network.encode_he(on_device.features(bag), device))


FOREIGN = {
    "chief": Foreign(768, "CHIEF-CTransPath, 256 px at 10x", chief),
    "feather": Foreign(0, "CONCHv1.5, 512 px at 20x, or that of its variant", feather),
    "titan": Foreign(768, "CONCHv1.5, 512 px at 20x", titan, "transformers", remote_code=True),
    "prism": Foreign(2560, "Virchow, class token and mean, 224 px at 20x", prism, "transformers", remote_code=True),
    "gigapath": Foreign(1536, "Prov-GigaPath, 256 px at 20x", gigapath, "gigapath"),
    "madeleine": Foreign(512, "CONCH, 256 px at 10x", madeleine, "madeleine"),
}


def get_foreign(model: Model, weights: str, device: torch.device) -> Embed:
    """The embedding of a bag by a slide encoder of others, computed on `device`.

    Raises MissingModel where its package isn't installed, its weights aren't there, its code may not run, it needs a
    GPU and there is none, or the patches have another width than it takes.
    """
    kind, adapter = model["kind"], FOREIGN[model["kind"]]
    if not Path(weights).exists():
        raise MissingModel(f"{kind}: no weights at {weights}; ask its authors for them")
    if adapter.remote_code and not model["trust_remote_code"]:
        raise MissingModel(
            f"{kind} runs Python code from {weights}; read it, then set trust_remote_code: true for this model"
        )
    if adapter.package and importlib.util.find_spec(adapter.package) is None:
        raise MissingModel(f"{kind} needs the package {adapter.package}, which is not installed")
    if kind in GPU_ONLY and device.type == "cpu":
        raise MissingModel(f"{kind} runs on a GPU only (its attention has no path for a CPU), and this job has none")
    embed = adapter.load(weights, device)

    def checked(bag: Bag) -> np.ndarray:
        if adapter.width and bag.features.shape[1] != adapter.width:
            raise MissingModel(
                f"{kind} takes {adapter.width} numbers per patch ({adapter.patches}), not {bag.features.shape[1]}"
            )
        return embed(bag)

    return checked
