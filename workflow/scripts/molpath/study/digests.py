"""Digests of the library's code.

A digest is taken of the syntax tree without comments and docstrings, of a sub-package and of every module it imports:
so an edited comment reruns nothing, and an edited function reruns the stages that use it.

Every job parses the rules, so what was found out about a file's bytes is kept in the user's cache folder.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from .config import LIBRARY, library_files

#: Entries of another Python version or format are ignored.
DESCRIBED_BY = f"{sys.version_info.major}.{sys.version_info.minor}-1"
#: The module that trains a run, and what it imports that decides nothing of it: pages, exports, and tables of gene
#: names, whose words the run's stamp holds itself.
TRAINER = "pretrain/runs.py"
NOT_OF_TRAINING = (
    *(f"pretrain/{name}.py" for name in ("artefacts", "documents", "model_card")),
    *("omics/genes.py", "omics/vocabulary.py"),
)
#: More files than this many versions of the library have are not kept.
MOST_KEPT = 20_000


class Described(NamedTuple):
    """What the bytes of a file of code say: the digest of its syntax tree, and its relative imports."""

    tree: str
    imports: list[tuple[int, str, list[str]]]  # dots, module, names


class DescribedFiles:
    """Descriptions of files of code by the SHA-256 of their bytes, kept in a file of the user's cache folder."""

    def __init__(self, folder: Path | None = None) -> None:
        self.path = (folder or cache_folder()) / f"code-{DESCRIBED_BY}.json"
        self._kept: dict[str, Described] = {}
        self._asked: set[str] = set()
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):  # nothing kept that can be used
            saved = json.loads(self.path.read_text(encoding="utf-8"))
            self._kept = {key: as_described(value) for key, value in saved.items()}
        self._read = set(self._kept)

    def describe(self, source: bytes) -> Described:
        """The description of a file of these bytes."""
        key = hashlib.sha256(source).hexdigest()
        self._asked.add(key)
        if key not in self._kept:
            self._kept[key] = describe(source)
        return self._kept[key]

    def keep(self) -> None:
        """Write what is new; an unwritable cache folder is ignored."""
        if self._read.issuperset(self._kept):
            return
        if len(self._kept) > MOST_KEPT:
            self._kept = {key: self._kept[key] for key in self._asked}
        with contextlib.suppress(OSError):
            if (
                not self.path.is_absolute()
            ):  # neither a home nor a cache folder: nothing is written to the working directory
                return
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=self.path.parent, encoding="utf-8", delete=False) as handle:
                json.dump(self._kept, handle)
            os.replace(handle.name, self.path)
        self._read = set(self._kept)


def cache_folder() -> Path:
    """The library's folder below the user's cache; relative where the user has none ($XDG_CACHE_HOME is absolute)."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    return Path(named if os.path.isabs(named) else os.path.expanduser("~/.cache")) / "molpath"


def as_described(value: Any) -> Described:
    """A description as JSON gives it back; raises ValueError or TypeError where it is none."""
    tree, imports = value
    if not isinstance(tree, str) or len(tree) != 64:
        raise ValueError("no digest")
    return Described(tree, [(int(dots), str(module), [str(name) for name in names]) for dots, module, names in imports])


def describe(source: bytes) -> Described:
    """A file of code without docstrings (comments are not in a syntax tree)."""
    tree = ast.parse(source)
    imports = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            imports.append((node.level, node.module or "", [alias.name for alias in node.names]))
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(getattr(first.value, "value", None), str):
                node.body = node.body[1:]
    return Described(hashlib.sha256(ast.dump(tree).encode()).hexdigest(), imports)


class Digests:
    """Digests of the sub-packages of a copy of the library."""

    def __init__(
        self, root: str | Path = LIBRARY, files: tuple[str, ...] | None = None, cache: Path | None = None
    ) -> None:
        self.root = Path(root)
        self.files = files or library_files()
        self._known = set(self.files)
        self._described_files = DescribedFiles(cache)
        self._described: dict[str, tuple[bytes, list[str]]] = {}
        self._digests: dict[str, str] = {}

    def __call__(self, package: str) -> str:
        """Sixteen digits that change when the code of a sub-package, or of a module it imports, changes."""
        if package not in self._digests:
            modules = [name for name in self.files if name.startswith(f"{package}/") and name.endswith(".py")]
            self._digests[package] = self._digest(modules)
            self._described_files.keep()
        return self._digests[package]

    def of_training(self) -> str:
        """Sixteen digits that change when code changes that decides what a run becomes: its stamp holds them."""
        if TRAINER not in self._digests:
            self._digests[TRAINER] = self._digest([TRAINER], NOT_OF_TRAINING)
            self._described_files.keep()
        return self._digests[TRAINER]

    def of_file(self, path: str | Path) -> str:
        """Sixteen digits that change when the code of this file changes, whatever it imports."""
        described = self._described_files.describe(Path(path).read_bytes())
        self._described_files.keep()
        return described.tree[:16]

    def _digest(self, modules: list[str], apart_from: tuple[str, ...] = ()) -> str:
        """Digest of modules and of all they import, but for `apart_from` and what only these import."""
        files: set[str] = set()
        waiting = list(modules)
        while waiting:
            name = waiting.pop()
            if name not in files and name not in apart_from:
                files.add(name)
                waiting.extend(self._describe(name)[1])
        state = hashlib.sha256()
        for name in sorted(files):
            state.update(self._describe(name)[0])
        return state.hexdigest()[:16]

    def _describe(self, name: str) -> tuple[bytes, list[str]]:
        """A library file for a digest, and the library files it imports by relative imports."""
        if name not in self._described:
            described = self._described_files.describe((self.root / name).read_bytes())
            package = PurePosixPath(name).parent
            files = []
            for dots, module, names in described.imports:
                target = [package, *package.parents][dots - 1] / module.replace(".", "/")
                for candidate in (target, *(target / child for child in names)):
                    spellings = (f"{candidate}.py", f"{candidate}/__init__.py")
                    files += [file for file in spellings if file in self._known]
            self._described[name] = f"{name}\n{described.tree}\n".encode(), files
        return self._described[name]
