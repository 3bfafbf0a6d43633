"""Keys of a config that a bundle decides in its place: what of a user's sections has no part in new slides."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from .bundle import BundleParts, value_of
from .config import Config, Places, fill_defaults
from .yaml_files import shipped_yaml

#: Sections whose keys decide how slides become features, and keys that only a study of its own slides reads.
DECIDED = ("tissue", "tiles", "features")
NOT_READ = (("tiles", "use"), ("features", "use"), ("features", "compare"))
#: Keys that are named at most.
NAMED = 5


def overruled(parts: BundleParts, own: Config, places: Places) -> list[str]:
    """Keys of `own` that were set and are otherwise in the bundle, each with both values; [] where none is.

    own: this machine's config with the schema's defaults. A grid or encoder that the bundle lacks is named where this
    study has no slides that could need it.
    """
    schema: Config = shipped_yaml(places.shipped("schemas/config.schema.yaml"))
    usual: Config = {name: {} for name in DECIDED}
    bundled: Config = {name: copy.deepcopy(parts.config.get(name, {})) for name in DECIDED}
    for config in (usual, bundled):
        fill_defaults(config, schema, schema)
    machine, shown = {*parts.own_keys(), *NOT_READ}, []
    for key, value in _leaves({name: own[name] for name in DECIDED}):
        if any(key[: len(other)] == other for other in machine):
            continue
        entry = value_of(bundled, key[:3])
        if key[1] in ("grids", "encoders") and entry is None:
            if not own["slides"]["sheet"]:
                shown.append(f"{'/'.join(key[:3])} (not in the bundle)")
        elif value not in (value_of(usual, key), value_of(bundled, key)):
            shown.append(f"{'/'.join(key)} ({value!r} here, {value_of(bundled, key)!r} in the bundle)")
    return list(dict.fromkeys(shown))


def note_of(parts: BundleParts, own: Config, places: Places) -> list[str]:
    """A line on those keys, or none."""
    keys = overruled(parts, own, places)
    if not keys:
        return []
    more = f" and {len(keys) - NAMED:,} more" if len(keys) > NAMED else ""
    return [
        f"note: the bundle {parts.folder} decides how new slides become embeddings, and this config's "
        f"{', '.join(keys[:NAMED])}{more} {'has' if len(keys) == 1 else 'have'} no part in that: leave "
        f"{'it' if len(keys) == 1 else 'them'} out, or train a predictor with your settings"
    ]


def _leaves(values: Any, key_path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Values of a config that are no maps, with their keys."""
    if not isinstance(values, dict):
        yield key_path, values
        return
    for key, value in values.items():
        yield from _leaves(value, (*key_path, str(key)))
