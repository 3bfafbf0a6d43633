"""The library's files, known to Snakemake, and digests of its code. Functions only.

Each file is touched through `workflow.source_path`, so that it also lies beside the scripts when this
workflow is imported from a git tag. A digest is taken of the syntax tree without comments and docstrings,
of a sub-package and of every module it imports: so an edited comment reruns nothing, and an edited function
reruns the stages that use it.
"""

import ast
import functools
import hashlib

LIBRARY = load_yaml(workflow.source_path("../scripts/molpath/files.yaml"))
LIBRARY_PATHS = {name: workflow.source_path(f"../scripts/molpath/{name}") for name in LIBRARY}


def parse_module(name):
    """Syntax tree of a library file without docstrings (comments are not in a tree)."""
    with open(LIBRARY_PATHS[name], encoding="utf-8") as handle:
        tree = ast.parse(handle.read())
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(getattr(first.value, "value", None), str):
                node.body = node.body[1:]
    return tree


@functools.cache
def describe_module(name):
    """A library file for a digest, and the library files it imports by relative imports."""
    tree, package, files = parse_module(name), Path(name).parent, []
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        base = [package, *package.parents][node.level - 1]
        target = base / (node.module or "").replace(".", "/")
        for candidate in (target, *(target / alias.name for alias in node.names)):
            for file in (f"{candidate.as_posix()}.py", f"{candidate.as_posix()}/__init__.py"):
                if file in LIBRARY_PATHS:
                    files.append(file)
    return f"{name}\n{ast.dump(tree)}\n".encode(), files


@functools.cache
def digest(package):
    """Sixteen digits that change when the code of a sub-package, or of a module it imports, changes."""
    files, waiting = set(), [
        name for name in LIBRARY if name.startswith(f"{package}/") and name.endswith(".py")
    ]
    while waiting:
        name = waiting.pop()
        if name not in files:
            files.add(name)
            waiting.extend(describe_module(name)[1])
    state = hashlib.sha256()
    for name in sorted(files):
        state.update(describe_module(name)[0])
    return state.hexdigest()[:16]
