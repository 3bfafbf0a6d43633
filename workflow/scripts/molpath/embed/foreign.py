"""Slide encoders of others, for comparison: a table of adapters, each from weights that the user supplies.

CHIEF and FEATHER are small attention networks and are built here under the names of their files; the others run
through their own packages. Code from a hub runs only where the config says `trust_remote_code: true`.
Sources of sizes and names: the published repositories and model cards (hms-dbmi/CHIEF, mahmoodlab/MIL-Lab, TITAN,
MADELEINE, prov-gigapath, paige-ai/Prism).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..common.settings.embed import Model
from .bags import Bag

Embed = Callable[[Bag], np.ndarray]


class MissingModel(Exception):
    """A slide encoder whose package, weights or permission is missing."""


@dataclass(frozen=True)
class Foreign:
    """What a slide encoder takes: width of a patch, the encoder they come from, the package, and how it is loaded."""

    width: int
    patches: str
    load: Callable[[str, Model], Embed]
    package: str = ""
    remote_code: bool = False


class Gate(nn.Module):
    """Gated attention under the names attention_a, attention_b, attention_c; float rows x width to a score a row."""

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

    def __init__(self) -> None:
        super().__init__()
        # Layer 2 is a dropout there; numbers in names count it.
        self.attention_net = nn.Sequential(nn.Linear(768, 512), nn.ReLU(), nn.Identity(), Gate(512, 256))

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """patches: N x 768; returns 768."""
        return torch.softmax(self.attention_net(patches), 0) @ patches


class FeatherPooling(nn.Module):
    """FEATHER, an attention network of 512 hidden numbers; the embedding is the weighted mean of those."""

    def __init__(self, width: int = 768):
        super().__init__()
        self.patch_embed = nn.Sequential(nn.Linear(width, 512), nn.ReLU())
        self.global_attn = Gate(512, 384)

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """patches: N x width; returns 512."""
        hidden = self.patch_embed(patches)
        return torch.softmax(self.global_attn(hidden), 0) @ hidden


def read_weights(path: str) -> dict[str, torch.Tensor]:
    """Tensors of a safetensors file or of a state dict that loads with weights_only."""
    if str(path).endswith(".safetensors"):
        from safetensors.torch import load_file

        return load_file(path)
    state = torch.load(path, map_location="cpu", weights_only=True)
    return state.get("model", state) if isinstance(state.get("model"), dict) else state


def native(network: nn.Module, path: str) -> Embed:
    """`network` with every one of its tensors from a file, whatever prefix they have there.

    Raises MissingModel naming what the file lacks; what it has beside (heads, memories) is left out.
    """
    state = {name.removeprefix("model.").removeprefix("module."): value for name, value in read_weights(path).items()}
    wanted = network.state_dict()
    wrong = [name for name, value in wanted.items() if name not in state or state[name].shape != value.shape]
    if wrong:
        raise MissingModel(f"{path} has no fitting tensor for {', '.join(wrong[:5])} ({len(wrong)} in all)")
    network.load_state_dict({name: state[name] for name in wanted})
    network.eval()

    @torch.inference_mode()
    def embed(bag: Bag) -> np.ndarray:
        return network(torch.from_numpy(bag.features)).numpy()

    return embed


def feather(path: str, model: Model) -> Embed:
    """FEATHER of the width that its file has (variants for several patch encoders)."""
    state = read_weights(path)
    names = [name for name in state if name.endswith("patch_embed.0.weight")]
    return native(FeatherPooling(state[names[0]].shape[1] if names else 768), path)


def from_hub_folder(path: str, model: Model):
    """A model of the transformers package from a folder with its code and weights."""
    from transformers import AutoModel

    return AutoModel.from_pretrained(path, trust_remote_code=True).eval()


def titan(path: str, model: Model) -> Embed:
    """TITAN: features and level-0 coordinates of CONCHv1.5 patches; 768 numbers."""
    network = from_hub_folder(path, model)

    @torch.inference_mode()
    def embed(bag: Bag) -> np.ndarray:
        features, coords = torch.from_numpy(bag.features)[None], torch.from_numpy(bag.coords)[None]
        return network.encode_slide_from_patch_features(features, coords, int(bag.edge))[0].float().numpy()

    return embed


def prism(path: str, model: Model) -> Embed:
    """PRISM: Virchow features (class token and mean, 2,560); 1,280 numbers."""
    network = from_hub_folder(path, model)

    @torch.inference_mode()
    def embed(bag: Bag) -> np.ndarray:
        return network.slide_representations(torch.from_numpy(bag.features)[None])["image_embedding"][0].float().numpy()

    return embed


def gigapath(path: str, model: Model) -> Embed:
    """Prov-GigaPath's LongNet; needs a GPU and flash-attn. A missing file would give random weights there: refused."""
    if not Path(path).is_file():
        raise MissingModel(f"no file {path}: GigaPath's package would take random weights without a word")
    slide_encoder = importlib.import_module("gigapath.slide_encoder")
    network = slide_encoder.create_model(path, "gigapath_slide_enc12l768d", 1536, global_pool=True).cuda().eval()

    @torch.inference_mode()
    def embed(bag: Bag) -> np.ndarray:
        network.tile_size = int(bag.edge)
        with torch.autocast("cuda", torch.float16):
            layers = network(
                torch.from_numpy(bag.features)[None].cuda(),
                torch.from_numpy(bag.coords)[None].float().cuda(),
                all_layer_embed=True,
            )
        return layers[11][0].float().cpu().numpy()

    return embed


def madeleine(path: str, model: Model) -> Embed:
    """MADELEINE: CONCH features (512) of 10x patches; 512 numbers."""
    factory = importlib.import_module("madeleine.models.factory")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network, _ = factory.create_model_from_pretrained(path)

    @torch.inference_mode()
    def embed(bag: Bag) -> np.ndarray:
        features = torch.from_numpy(bag.features)[None].to(device)
        return network.encode_he(features, device)[0].float().cpu().numpy()

    return embed


FOREIGN = {
    "chief": Foreign(768, "CHIEF-CTransPath, 256 px at 10x", lambda path, model: native(ChiefPooling(), path)),
    "feather": Foreign(0, "CONCHv1.5, 512 px at 20x, or that of its variant", feather),
    "titan": Foreign(768, "CONCHv1.5, 512 px at 20x", titan, "transformers", remote_code=True),
    "prism": Foreign(2560, "Virchow, class token and mean, 224 px at 20x", prism, "transformers", remote_code=True),
    "gigapath": Foreign(1536, "Prov-GigaPath, 256 px at 20x", gigapath, "gigapath"),
    "madeleine": Foreign(512, "CONCH, 256 px at 10x", madeleine, "madeleine"),
}


def get_foreign(model: Model, weights: str) -> Embed:
    """The embedding of a bag by a slide encoder of others.

    Raises MissingModel where its package isn't installed, its weights aren't there, its code may not run, or the
    patches have another width than it takes.
    """
    kind, adapter = model["kind"], FOREIGN[model["kind"]]
    if not Path(weights).exists():
        raise MissingModel(f"{kind}: no weights at {weights}; they are its authors' to give, ask them")
    if adapter.remote_code and not model["trust_remote_code"]:
        raise MissingModel(
            f"{kind} runs Python code from {weights}; read it, then set trust_remote_code: true for this model"
        )
    if adapter.package and importlib.util.find_spec(adapter.package) is None:
        raise MissingModel(f"{kind} needs the package {adapter.package}, which is not installed")
    embed = adapter.load(weights, model)

    def checked(bag: Bag) -> np.ndarray:
        if adapter.width and bag.features.shape[1] != adapter.width:
            raise MissingModel(
                f"{kind} takes {adapter.width} numbers a patch ({adapter.patches}), not {bag.features.shape[1]}"
            )
        return embed(bag)

    return checked
