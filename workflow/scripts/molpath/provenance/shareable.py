"""A config without what only its user should know, or only its machine: the one place where this is decided."""

from __future__ import annotations

import getpass
import os
import platform
import re
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath
from typing import Any

#: An address: scheme, a login (any characters), the rest.
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):([/\\]{2})((?:[^/?#\"'<>|]*@)?[^ \t\r\n\"'<>|]*)")
#: A login before a host, without a scheme (jane@host:/data), or an e-mail address.
_LOGIN = re.compile(r"[^\s/@=,;\"'<>]+@(?=[A-Za-z0-9\[])")
#: A path that leads out of the working directory, alone or after other words (--data=/home/jane/slides), to its end.
_PATH = re.compile(r"(?<![\w./\\~…-])(?:~(?=[\w/])|\.\.?[/\\]|/(?=\S)|[A-Za-z]:[/\\]|\\\\)[^\n,;\"'<>|]*")


def shareable(value: Any) -> Any:
    """A config, its keys too, without logins, tokens and folders.

    A path below the working directory becomes relative, any other one `…/<name>`, wherever it is in a text; an address
    loses its login and everything after a question mark or a number sign; names of the user and of the host become `…`
    where they are a folder's.
    """
    if isinstance(value, Mapping):
        return {shareable(key): shareable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [shareable(item) for item in value]
    return shareable_text(value) if isinstance(value, str) else value


def shareable_text(text: str) -> str:
    """One text without logins, tokens and folders, as `shareable` has it."""
    if _PATH.fullmatch(text) or ("://" not in text and os.path.normpath(text).startswith("..")):
        return _path(text)
    parts, end = [], 0
    for match in _ADDRESS.finditer(text):
        parts += [_shareable_words(text[end : match.start()]), _address(match)]
        end = match.end()
    return "".join([*parts, _shareable_words(text[end:])])


def _shareable_words(text: str) -> str:
    """Text that holds no address, without logins and folders."""
    return _LOGIN.sub("…@", _PATH.sub(lambda match: _path(match[0]), _without_names(text)))


def _address(match: re.Match) -> str:
    """An address without login, query and fragment."""
    scheme, slashes, remainder = match.groups()
    if scheme.lower() == "file":
        return _path(remainder)
    remainder = re.split(r"[?#]", remainder, maxsplit=1)[0]
    host, slash, path = remainder.partition("/")
    if "@" in host:
        host = host.rpartition("@")[2]
    elif "@" in path and re.search(r":(?!\d*$)", host):  # a password with a slash in it
        host, slash, path = path.rpartition("@")[2].partition("/")
    return f"{scheme}:{slashes}{host}{slash}{path}"


def _path(path: str) -> str:
    """A path inside the working directory as relative; the name alone of any other one."""
    if re.match(r"[A-Za-z]:[/\\]|\\\\", path):
        return f"…/{PureWindowsPath(path).name}"
    inside = os.path.relpath(os.path.expanduser(path))
    return f"…/{Path(path).name}" if inside.startswith(("..", "~")) else _without_names(inside)


def _without_names(text: str) -> str:
    """Text in which no folder has the name of the user or of the host."""
    if "/" not in text:
        return text
    names = {_user(), platform.node()} - {""}
    return "/".join("…" if part in names else part for part in text.split("/"))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a number without a name, in a container
        return ""
