"""Pages of the site that are made of other files: README, guides, schemas, docstrings; and links between all of them.

mkdocs calls these functions (`hooks` of mkdocs.yml). A link to another file of the repository becomes its path.
"""

from __future__ import annotations

import posixpath
import re
import runpy
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
DOCS = "workflow/docs"
#: Files outside of the folder of the documentation, and the pages they are.
PAGES = {
    "README.md": "index.md",
    "config/README.md": "reference/guide.md",
    "config/public/README.md": "reference/public.md",
    "config/presets/README.md": "reference/presets.md",
    "resources/README.md": "reference/resources.md",
    "envs/README.md": "reference/environments.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changes.md",
}
SCHEMAS = ROOT / "workflow/schemas"
LIBRARY = ROOT / "workflow/scripts/molpath"
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are made of other files."""
    from mkdocs.structure.files import File

    contents = {page: (ROOT / source).read_text(encoding="utf-8") for source, page in PAGES.items()}
    contents |= {"reference/config.md": page_of_config(), "reference/sheets.md": page_of_sheets()}
    contents["reference/results.md"] = page_of_results()
    packages = sorted(path.parent.name for path in LIBRARY.glob("*/__init__.py"))
    contents["reference/library.md"] = page_of_library(packages)
    contents |= {f"reference/library/{name}.md": page_of_package(name) for name in packages}
    for name, text in contents.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Links of a page as the site has them."""
    source = next((path for path, name in PAGES.items() if name == page.file.src_uri), f"{DOCS}/{page.file.src_uri}")
    return LINK.sub(lambda match: link_of(match, source, page.file.src_uri), markdown)


def link_of(match: re.Match[str], source: str, page: str) -> str:
    """A link of the file `source`, seen from the page `page`: to a page, to a picture, or the path in words."""
    mark, text, target = match.groups()
    if re.match(r"[a-z]+:|#", target):
        return match.group(0)
    path, _, anchor = target.partition("#")
    linked = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    if not (ROOT / linked).exists() and not source.startswith(f"{DOCS}/reference"):
        raise ValueError(f"{source}: the link to {target} leads nowhere; correct it")
    if linked in PAGES:
        name = PAGES[linked]
    elif linked.startswith(f"{DOCS}/"):
        name = linked.removeprefix(f"{DOCS}/")
    else:
        return f"{text} (`{linked}`)" if text.strip("`") != linked else f"`{linked}`"
    relative = posixpath.relpath(name, posixpath.dirname(page) or ".")
    return f"{mark}[{text}]({relative}{'#' + anchor if anchor else ''})"


def page_of_config() -> str:
    """Every key of the config with its type, default and description, section by section."""
    schema = yaml.safe_load((SCHEMAS / "config.schema.yaml").read_text(encoding="utf-8"))
    lines = [
        "# Keys of the config",
        "",
        "Generated from `workflow/schemas/config.schema.yaml`. Keys in `<>` stand for names that you choose.",
        "",
    ]
    for name, section in schema["properties"].items():
        section = resolved(section, schema)
        lines += [f"## {name}", "", section.get("description", ""), ""]
        rows = list(rows_of(section, schema))
        if rows:
            lines += ["| key | type | default | what it does |", "|---|---|---|---|", *rows, ""]
    return "\n".join(lines)


def resolved(entry: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """An entry of a schema, its reference followed."""
    if "$ref" not in entry:
        return entry
    return {**schema["$defs"][entry["$ref"].rsplit("/", 1)[-1]], **{k: v for k, v in entry.items() if k != "$ref"}}


def rows_of(entry: dict[str, Any], schema: dict[str, Any], prefix: str = "") -> Any:
    """Rows of a table: the keys of a map, and those below them."""
    named = list(entry.get("properties", {}).items())
    rest = entry.get("additionalProperties")
    named += [("<name>", rest)] if isinstance(rest, dict) else []
    items = entry.get("items")
    named += [("[]", items)] if isinstance(items, dict) and "properties" in resolved(items, schema) else []
    for name, sub in named:
        sub = resolved(sub, schema)
        path = f"{prefix}{name}"
        yield f"| `{path}` | {kind_of(sub, schema)} | {default_of(sub)} | {cell(sub.get('description', ''))} |"
        yield from rows_of(sub, schema, f"{path}/")


def kind_of(entry: dict[str, Any], schema: dict[str, Any]) -> str:
    """Type of a value in words, with what it may be."""
    if "enum" in entry:
        return cell(" or ".join(f"`{value}`" if value != "" else "empty" for value in entry["enum"]))
    if "anyOf" in entry:
        return cell(" or ".join(kind_of(resolved(option, schema), schema) for option in entry["anyOf"]))
    if "const" in entry:
        return f"`{entry['const']}`"
    kind = entry.get("type", "")
    items = resolved(entry.get("items", {}), schema) if kind == "array" else {}
    words = {"object": "map", "array": "list", "string": "text", "number": "number", "integer": "whole number"}
    inner = f" of {kind_of(items, schema)}" if items.get("type") or items.get("enum") else ""
    limits = [f"at least {entry['minimum']:g}"] if "minimum" in entry else []
    limits += [f"over {entry['exclusiveMinimum']:g}"] if "exclusiveMinimum" in entry else []
    limits += [f"at most {entry['maximum']:g}"] if "maximum" in entry else []
    limits += [f"below {entry['exclusiveMaximum']:g}"] if "exclusiveMaximum" in entry else []
    return ", ".join([f"{words.get(str(kind), 'yes or no' if kind == 'boolean' else str(kind))}{inner}", *limits])


def default_of(entry: dict[str, Any]) -> str:
    """The default, if it is no map of others."""
    if "default" not in entry or isinstance(entry["default"], dict):
        return ""
    value = entry["default"]
    if value == "":
        return "empty"
    return f"`{cell(yaml.safe_dump(value, default_flow_style=True, width=1000).strip().removesuffix('...').strip())}`"


def cell(text: str) -> str:
    """Text that a cell of a table can hold."""
    return " ".join(str(text).replace("|", "\\|").split())


def page_of_sheets() -> str:
    """Columns of the sheets and keys of tasks, of their schemas."""
    lines = [
        "# Sheets and tasks",
        "",
        "Tab-separated; the first line is the header, lines that begin with `#` are comments.",
        "",
    ]
    for name, title in {"slides": "Slide sheet", "profiles": "Profile sheet", "task": "config.yaml of a task"}.items():
        schema = yaml.safe_load((SCHEMAS / f"{name}.schema.yaml").read_text(encoding="utf-8"))
        needed = schema.get("required", [])
        lines += [
            f"## {title}",
            "",
            schema.get("description", ""),
            "",
            "| name | needed | type | what it holds |",
            "|---|---|---|---|",
        ]
        for column, entry in schema["properties"].items():
            entry = resolved(entry, schema)
            must = "yes" if column in needed else ""
            lines.append(f"| `{column}` | {must} | {kind_of(entry, schema)} | {cell(entry.get('description', ''))} |")
        lines.append("")
    return "\n".join(lines)


def page_of_results() -> str:
    """Every table that a run writes, with its columns."""
    schema = yaml.safe_load((SCHEMAS / "results.yaml").read_text(encoding="utf-8"))
    lines = [
        "# Tables of results",
        "",
        "Every table below `results/`, by its path; `<name>` stands for one part of it. Tab-separated, with one",
        "header line (`.parquet`: Apache Parquet). `results/predict/cohort/` has the same tables for new slides.",
        "",
    ]
    for table in schema["tables"]:
        shared = [name for part in table.get("shared", []) for name in ([part] if isinstance(part, str) else part)]
        columns = {name: schema["columns"][name] for name in shared} | table.get("columns", {})
        lines += [f"## `{table['path']}`", "", f"Each row: {table['row'][0].lower()}{table['row'][1:]}", ""]
        lines += ["| column | what it holds |", "|---|---|"]
        lines += [f"| `{name}` | {cell(text)} |" for name, text in columns.items()] + [""]
    lines += ["## Reasons", "", "Why a slide is set aside, in the order of the checks.", ""]
    lines += ["| reason | what it means |", "|---|---|"]
    lines += [f"| `{name}` | {cell(text)}. |" for name, text in reasons().items()]
    return "\n".join(lines)


def reasons() -> dict[str, str]:
    """Every reason of a manifest with its meaning, as the library has them."""
    return dict(runpy.run_path(str(LIBRARY / "common/reasons.py"))["REASONS"])


def page_of_library(packages: list[str]) -> str:
    """The list of sub-packages, with what each is for."""
    lines = [
        "# Library",
        "",
        "The package `molpath` is in `workflow/scripts`; none of its modules imports Snakemake.",
        "",
    ]
    for name in packages:
        line = (LIBRARY / name / "__init__.py").read_text(encoding="utf-8").strip().strip('"').split("\n")[0].strip('"')
        lines.append(f"- [`molpath.{name}`](library/{name}.md): {line}")
    return "\n".join(lines) + "\n"


def page_of_package(name: str) -> str:
    """All modules of a sub-package."""
    modules = sorted(p.relative_to(LIBRARY).with_suffix("").as_posix() for p in (LIBRARY / name).rglob("*.py"))
    lines = [f"# molpath.{name}", ""]
    for module in [module for module in modules if not module.endswith(("__init__", "__main__"))]:
        lines += [f"::: molpath.{module.replace('/', '.')}", ""]
    return "\n".join(lines)
