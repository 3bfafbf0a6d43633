"""What made the results: versions, code, inputs; no times, no paths of a machine."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import yaml

from ..common.files import fingerprint, write_json, write_text

PACKAGES = (
    "anndata h5py numpy opencv-python-headless openslide-bin openslide-python pandas pillow pydeseq2 safetensors "
    "scikit-learn scikit-survival scipy shapely snakemake tifffile timm torch torchstain"
).split()


def write_config(config: Mapping, output: str) -> None:
    """The merged config, defaults included, as YAML."""
    write_text(output, "# The merged configuration of this run.\n" + yaml.safe_dump(plain(config), sort_keys=True))


def plain(value: Any) -> Any:
    """The value with dicts and lists alone: Snakemake reads a config's maps as ordered ones, also inside lists."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def write_provenance(*, code: Mapping[str, str], sheets: Sequence[str], output: str) -> None:
    """Versions of Python and packages, code digests by sub-package, fingerprints of the sheets by name."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # not part of this rule's environment
    named = {path.rsplit("/", 1)[-1]: fingerprint(path) for path in sheets}
    write_json(output, {"python": platform.python_version(), "packages": found, "code": dict(code), "sheets": named})
