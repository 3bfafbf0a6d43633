"""Errors of storage that may be gone tomorrow, and say nothing of a file. Planning reads them, too."""

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
    """The number of the storage error that the words of a library end with or hold, a refused permission included; 0
    where they tell of none."""
    return next((number for number in (*PASSING, errno.EACCES) if os.strerror(number) in message), 0)
