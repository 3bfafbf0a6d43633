"""Weights of an encoder from the Hugging Face hub, by its own client, with the user's cache, login and offline mode."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

from ..common.digests import sha256_of
from ..common.files import atomic_path
from ..features.registry import Facts
from .encoder_weights import WeightsUnavailable, entry_of

log = logging.getLogger(__name__)


def fetch_hub_weights(*, table: str, name: str, weights: str, revision: str = "") -> None:
    """Put the weights of encoder `name` of `table` (features/encoders.yaml) at `weights`, byte for byte as published.

    `revision` (a commit, branch or tag) replaces the table's; without either, the newest is taken. The client's cache
    is asked first, and alone if HF_HUB_OFFLINE is set; its file is linked where the file system allows. A token comes
    from the user's own login (HF_TOKEN or `hf auth login`) and is neither read nor logged here. Raises
    WeightsUnavailable, saying what to do, if there is no access, no network or no such file.
    """
    facts = entry_of(table, name)
    if not facts.hub:
        raise ValueError(f"encoder {name} has no repository on the hub")
    file = _download(facts, name, revision or facts.revision or None)
    with atomic_path(weights) as temporary:
        try:
            os.link(file.resolve(), temporary)
        except OSError:  # another file system, or one without links
            shutil.copyfile(file, temporary)
    log.info("%s: %s of %s, SHA-256 %s", name, file.name, facts.hub, sha256_of(weights))


def _download(facts: Facts, name: str, revision: str | None) -> Path:
    from huggingface_hub import errors, hf_hub_download

    kind = "dataset" if facts.dataset else "model"
    unreached: Exception | None = None
    for file in facts.files:
        try:
            path = hf_hub_download(facts.hub, file, repo_type=kind, revision=revision)
        except errors.LocalEntryNotFoundError as error:  # comes first: it is an EntryNotFoundError, too
            unreached = error
        except errors.EntryNotFoundError:
            continue
        except errors.RepositoryNotFoundError as error:  # a gated repository is one; without a login so are all such
            raise WeightsUnavailable(_without_access(facts, name, error)) from None
        except (errors.HfHubHTTPError, OSError) as error:
            unreached = error
        else:
            # <cache>/snapshots/<commit>/<file>
            log.info("%s: commit %s", facts.hub, Path(path).parents[file.count("/")].name)
            return Path(path)
    if unreached:
        raise WeightsUnavailable(_without_network(facts, name, unreached)) from None
    raise WeightsUnavailable(
        f"{facts.page} has none of {', '.join(facts.files)} (revision {revision or 'newest'}).\n{_by_hand(facts, name)}"
    )


def _without_access(facts: Facts, name: str, error: Exception) -> str:
    return (
        f"encoder {name}: no access to {facts.hub} ({_status(error)}).\n"
        f"Its makers give access on request: 1. ask at {facts.page} with the account you will use (some require the "
        f"address of an institution, and approval can take days);\n"
        f"2. log in on this machine with `hf auth login`, or set HF_TOKEN to a token that may read gated "
        f"repositories (HF_TOKEN wins over a login); 3. start again.\n{_by_hand(facts, name)}"
    )


def _without_network(facts: Facts, name: str, error: Exception) -> str:
    offline = "HF_HUB_OFFLINE is set and the file is not in the cache"
    reason = offline if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "TRUE", "YES", "ON") else _status(error)
    return f"encoder {name}: {facts.hub} could not be reached ({reason}).\n{_by_hand(facts, name)}"


def _by_hand(facts: Facts, name: str) -> str:
    return (
        f"Or download {' or '.join(facts.files)} from {facts.page} where you can, and name the file in the config:\n"
        f"    features: encoders: {name}: weights: /path/to/{Path(facts.files[-1]).name}"
    )


def _status(error: Exception) -> str:
    """The error, abbreviated; a server's full answer is left out."""
    response = getattr(error, "response", None)
    return f"HTTP {response.status_code}" if response is not None else type(error).__name__
