"""Splits of a Patho-Bench task from the Hugging Face hub, by its own client."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from ..common.digests import sha256_of
from ..common.files import atomic_path

log = logging.getLogger(__name__)
FILES = ("config.yaml", "k=all.tsv")


class SplitsUnavailable(Exception):
    """The splits can't be obtained; the message says what to do."""


def fetch_splits(*, repository: str, revision: str, source: str, task: str, folder: str) -> None:
    """Put config.yaml and k=all.tsv of <source>/<task> of a data set of the hub into `folder`, as published.

    Login (HF_TOKEN or `hf auth login`), cache, HF_ENDPOINT and HF_HUB_OFFLINE are the client's and the user's: no token
    is read or logged here. Raises SplitsUnavailable.
    """
    from huggingface_hub import errors, hf_hub_download

    for name in FILES:
        try:
            path = Path(
                hf_hub_download(repository, f"{source}/{task}/{name}", repo_type="dataset", revision=revision or None)
            )
        except errors.LocalEntryNotFoundError as error:  # comes first: it is an EntryNotFoundError, too
            raise SplitsUnavailable(_unreached(repository, source, task, error)) from None
        except errors.EntryNotFoundError:
            raise SplitsUnavailable(
                f"{repository} has no {source}/{task}/{name} (revision {revision or 'newest'}); correct the task's path"
            ) from None
        except errors.RepositoryNotFoundError:  # a gated data set is one; without a login so are all such
            raise SplitsUnavailable(
                f"no access to the data set {repository}.\n"
                f"1. Ask for it at https://huggingface.co/datasets/{repository} with your account;\n"
                "2. `hf auth login` on this machine, or set HF_TOKEN; 3. start again."
            ) from None
        except (errors.HfHubHTTPError, OSError) as error:
            raise SplitsUnavailable(_unreached(repository, source, task, error)) from None
        with atomic_path(Path(folder) / name) as temporary:
            shutil.copyfile(path, temporary)
        log.info("%s/%s/%s: SHA-256 %s", source, task, name, sha256_of(Path(folder) / name))


def _unreached(repository: str, source: str, task: str, error: Exception) -> str:
    response = getattr(error, "response", None)
    status = f"HTTP {response.status_code}" if response is not None else type(error).__name__
    return (
        f"{repository} could not be reached ({status}). Start again later, or put {' and '.join(FILES)} of "
        f"{source}/{task} where the config's `path` of the task says."
    )
