"""Transient errors of storage, which say nothing about a file. Planning reads them, too."""

from __future__ import annotations

import errno
import os

_NAMES = (
    "EIO EREMOTEIO ESTALE EAGAIN EBUSY ENODEV ENXIO ETIMEDOUT ENOTCONN ECONNRESET ECONNABORTED ECONNREFUSED EPIPE "
    "ENETDOWN ENETUNREACH ENETRESET EHOSTDOWN EHOSTUNREACH ENOLINK ECOMM ESHUTDOWN EKEYEXPIRED"
)
#: Numbers of such errors, as far as this system has them.
PASSING = tuple(getattr(errno, name) for name in _NAMES.split() if hasattr(errno, name))


def storage_error(message: str) -> int:
    """The errno of the storage error named in a library's message, refused permission included; 0
    if there is none."""
    return next((number for number in (*PASSING, errno.EACCES) if os.strerror(number) in message), 0)
