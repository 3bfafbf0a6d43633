"""workflow/schemas/results.yaml as tests ask it: which entry a table has, and which of its columns have no line."""

import re
from pathlib import Path

import yaml

SCHEMA = Path(__file__).parents[2] / "workflow/schemas/results.yaml"
#: Folders that hold the records of jobs and the results kept for later, and no tables to read.
HIDDEN = re.compile(r"(^|/)\.")


def read_schema() -> dict:
    """The file, lists of shared columns flattened."""
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    for table in schema["tables"]:
        nested = table.get("shared", [])
        table["shared"] = [name for part in nested for name in ([part] if isinstance(part, str) else part)]
    return schema


def pattern_of(text: str) -> re.Pattern[str]:
    """What a path or a column with <placeholders> means."""
    parts = re.split(r"(<\w+>|\*\*)", text)
    return re.compile("".join({"**": ".+"}.get(p, "[^/]+" if p.startswith("<") else re.escape(p)) for p in parts))


def entry_of(path: str, schema: dict) -> dict | None:
    """The entry of a table: path below results/, or None."""
    path = path.removeprefix("predict/cohort/")
    return next((table for table in schema["tables"] if pattern_of(table["path"]).fullmatch(path)), None)


def undescribed(path: str, columns: list[str], schema: dict, free: set[str]) -> list[str]:
    """Columns of a table that no line describes.

    free: what a placeholder that is a whole name, such as <model>, may be.
    """
    table = entry_of(path, schema)
    if table is None:
        return [f"{path}: no entry"]
    names = [*table["shared"], *table.get("columns", {})]
    whole = any(re.fullmatch(r"<\w+>", name) for name in names)
    fitting = [pattern_of(name) for name in names if not re.fullmatch(r"<\w+>", name)]
    wrong = [name for name in columns if not any(pattern.fullmatch(name) for pattern in fitting)]
    return [f"{path}: {name}" for name in wrong if not (whole and name in free)]
