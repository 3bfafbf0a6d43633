"""Digests of the library's code.

A digest is taken of the syntax tree without comments and docstrings, of a sub-package and of every module it imports:
so an edited comment reruns nothing, and an edited function reruns the stages that use it.
"""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path, PurePosixPath

from .config import LIBRARY, library_files


class Digests:
    """Digests of the sub-packages of a copy of the library."""

    def __init__(self, root: str | Path = LIBRARY, files: tuple[str, ...] | None = None) -> None:
        self.root = Path(root)
        self.files = files or library_files()
        self._described: dict[str, tuple[bytes, list[str]]] = {}
        self._digests: dict[str, str] = {}

    def __call__(self, package: str) -> str:
        """Sixteen digits that change when the code of a sub-package, or of a module it imports, changes."""
        if package not in self._digests:
            self._digests[package] = self._digest(package)
        return self._digests[package]

    def _digest(self, package: str) -> str:
        files: set[str] = set()
        waiting = [name for name in self.files if name.startswith(f"{package}/") and name.endswith(".py")]
        while waiting:
            name = waiting.pop()
            if name not in files:
                files.add(name)
                waiting.extend(self._describe(name)[1])
        state = hashlib.sha256()
        for name in sorted(files):
            state.update(self._describe(name)[0])
        return state.hexdigest()[:16]

    def _describe(self, name: str) -> tuple[bytes, list[str]]:
        """A library file for a digest, and the library files it imports by relative imports."""
        if name not in self._described:
            tree = self._parse(name)
            package = PurePosixPath(name).parent
            files = []
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom) and node.level:
                    base = [package, *package.parents][node.level - 1]
                    target = base / (node.module or "").replace(".", "/")
                    for candidate in (target, *(target / alias.name for alias in node.names)):
                        spellings = (f"{candidate}.py", f"{candidate}/__init__.py")
                        files += [file for file in spellings if file in self.files]
            self._described[name] = f"{name}\n{ast.dump(tree)}\n".encode(), files
        return self._described[name]

    def _parse(self, name: str) -> ast.Module:
        """Syntax tree of a library file without docstrings (comments are not in a tree)."""
        tree = ast.parse((self.root / name).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                first = node.body[0] if node.body else None
                if isinstance(first, ast.Expr) and isinstance(getattr(first.value, "value", None), str):
                    node.body = node.body[1:]
        return tree
