"""HDF5 files of other tools: only arrays that contain all of their data are read."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from .contained import Lost, map_contained
from .given_files import FREE, too_large
from .storage_errors import PASSING  # the job ends with them, and the next run tries again

#: Time limit for reading a file of others before its slide is set aside.
DEADLINE_S = 120.0
#: Most texts per row of an array that is read row by row.
MOST_TEXTS = 1 << 12

Item = TypeVar("Item")
Result = TypeVar("Result")


class Unusable(Exception):
    """A file of another tool can't be used; the message says why and what to do."""


def read_contained(
    function: Callable[[Any], Result], item: Any, deadline_s: float = DEADLINE_S, memory_mb: float | None = None
) -> Result:
    """`function(item)` in a child process, which a damaged file may crash, stall or fill.

    Raises Unusable whatever the file does to it, OSError where storage failed (PASSING).
    """
    ((_, result),) = all_contained(function, [item], deadline_s, memory_mb)
    if isinstance(result, Unusable):
        raise result
    return result


def all_contained(
    function: Callable[[Any], Result],
    items: Iterable[Item],
    deadline_s: float = DEADLINE_S,
    memory_mb: float | None = None,
) -> Iterator[tuple[Item, Result | Unusable]]:
    """Yield each item with `function(item)`, or with Unusable, in order; one child process reads them all.

    Raises OSError where storage failed (PASSING).
    """
    for item, result in map_contained(function, items, deadline_s, memory_mb):
        if isinstance(result, OSError):
            match = re.search(r"errno = (\d+)", str(result))
            if (int(match[1]) if match else result.errno) in PASSING:
                raise result
        if isinstance(result, Lost):
            result = Unusable(f"reading it failed: {result.detail}. Copy it again, or make it again")
        elif isinstance(result, Exception) and not isinstance(result, Unusable):
            prefix = "" if isinstance(result, OSError) else f"{type(result).__name__}: "
            result = Unusable(f"it can't be read ({prefix}{result}): copy it again, or make it again")
        yield item, result


def own_array(handle: Any, name: str, kinds: str) -> Any:
    """The dataset `name` of an open file or group, of numbers of the given `kinds` (numpy: i, u, f).

    Raises Unusable if it is missing, a group, of another type, in another file (a link, external or virtual storage:
    a change there would go unnoticed), or was never written in full (HDF5 reads zeros there).
    """
    import h5py

    *groups, last = name.split("/")
    for group in groups:
        handle = _own(handle, group)
        if not hasattr(handle, "keys"):
            raise Unusable(f"{group!r} is no group")
    dataset = _own(handle, last)
    if not isinstance(dataset, h5py.Dataset):
        raise Unusable(f"{name!r} is a group, not an array")
    _check_within(dataset, name)
    if dataset.shape is None or dataset.dtype.kind not in kinds:
        raise Unusable(f"{name!r} holds {dataset.dtype}, {_WORDS[kinds]} are expected")
    _check_written(dataset, name)
    _check_size(dataset, name)
    return dataset


def check_tree(handle: Any) -> None:
    """Raise Unusable unless all of an open file's arrays are in it, and none claims more than the file can hold.

    For formats whose library reads the whole tree (h5ad). Texts count by their lengths, as one may be named many times.
    """
    import h5py

    waiting, file_size, declared = [("", handle)], handle.id.get_filesize(), 0
    visited: set[Any] = set()
    while waiting:
        path, group = waiting.pop()
        for name in list(group):
            item, item_path = _own(group, name), f"{path}/{name}"
            address = h5py.h5o.get_info(item.id).addr
            if address in visited:
                continue
            visited.add(address)
            if isinstance(item, h5py.Group):
                waiting.append((item_path, item))
            elif isinstance(item, h5py.Dataset):
                _check_within(item, item_path)
                declared += item.nbytes if item.shape is not None else 0
                if not too_large(declared, file_size) and item.dtype.hasobject and item.size:
                    declared += _held_elsewhere(item, file_size)
                if too_large(declared, file_size):
                    raise Unusable(f"up to {item_path!r} it claims {declared >> 20} MiB, in {file_size} bytes")


def _own(handle: Any, name: str) -> Any:
    """The item of an open file or group by its plain name; raises Unusable for a link into another file."""
    import h5py

    link = handle.get(name, getlink=True) if name in handle or name in list(handle) else None
    if link is None:
        raise Unusable(f"it has no dataset {name!r}, only {', '.join(sorted(handle)) or 'nothing'}")
    if isinstance(link, h5py.ExternalLink):
        raise Unusable(f"{name!r} is a link into another file ({link.filename}): put the array itself into the file")
    try:
        item = handle[name]
    except KeyError:
        raise Unusable(f"{name!r} is a link to nothing") from None
    if h5py.h5i.get_file_id(item.id) != h5py.h5i.get_file_id(handle.id):  # a soft link over an external one
        raise Unusable(f"{name!r} is a link into another file: put the array itself into the file")
    return item


def _check_within(dataset: Any, name: str) -> None:
    if dataset.external or dataset.is_virtual:
        raise Unusable(f"the values of {name!r} are in other files: put the array itself into the file")


def _check_size(dataset: Any, name: str) -> None:
    """Refuse a few bytes that unpack to more than memory holds."""
    stored_size = dataset.id.get_storage_size()
    if too_large(dataset.nbytes, stored_size):
        shape = " x ".join(map(str, dataset.shape))
        raise Unusable(
            f"{name!r} claims {shape}, {dataset.nbytes >> 20} MiB, and takes {stored_size} bytes in the file"
        )


def _held_elsewhere(dataset: Any, file_size: int) -> int:
    """Bytes of texts and lists of a dataset, counted until they are more than a file of `file_size` bytes can mean."""
    if dataset.shape == ():
        return _bytes_of(dataset[()])
    row_length = math.prod(dataset.shape[1:])
    step, total = max(1, min(4096, max(16, FREE // max(1, file_size))) // max(1, row_length)), 0
    if row_length > MOST_TEXTS:
        raise Unusable(f"rows of {row_length} texts: not a plausible table")
    for start in range(0, dataset.shape[0], step):
        total += sum(map(_bytes_of, dataset[start : start + step].reshape(-1)))
        if too_large(total, file_size):
            break
    return total


def _bytes_of(value: Any) -> int:
    """Bytes of a text or list, and of all of a row of several columns."""
    if getattr(getattr(value, "dtype", None), "names", None):
        return sum(_bytes_of(value[name]) for name in value.dtype.names)
    return int(value.nbytes) if hasattr(value, "nbytes") else len(value) if hasattr(value, "__len__") else 0


_WORDS = {"f": "floating-point numbers", "iuf": "numbers"}


def _check_written(dataset: Any, name: str) -> None:
    """A writer that was killed leaves a shape without values; HDF5 gives zeros for them."""
    if not dataset.size:
        return
    if dataset.chunks:
        pairs = zip(dataset.shape, dataset.chunks, strict=True)
        n_blocks, n_written = math.prod(-(-size // chunk) for size, chunk in pairs), dataset.id.get_num_chunks()
    else:
        n_blocks, n_written = 1, min(1, dataset.id.get_storage_size())
    if n_written < n_blocks:
        raise Unusable(
            f"{name!r} is said to be {' x '.join(map(str, dataset.shape))}, and {n_written} of its {n_blocks} blocks "
            "were written: make the file again"
        )
