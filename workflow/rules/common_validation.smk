"""Collecting problems of config and sheets: where, what is wrong, what to do. Functions only.

Everything is looked at before any job starts, and every problem is shown at once. Nothing here runs in the
processes of single jobs, which read the same config again.
"""

import re
import sys

from jsonschema import Draft202012Validator

PROBLEMS = []


def add_problem(where, wrong, remedy):
    """Remember one problem."""
    PROBLEMS.append(f"{where}: {wrong}\n    -> {remedy}")


def check_config():
    """Config against its schema: unknown keys, wrong types, values out of range."""
    for error in Draft202012Validator(CONFIG_SCHEMA).iter_errors(config):
        add_problem(f"config, key {place(error)}", short_message(error), advice(error))


def place(error):
    """Where in a YAML file a schema error lies: its keys from the top, parted by slashes."""
    return str(Path(*map(str, error.absolute_path))) if error.absolute_path else "top level"


def short_message(error):
    """What a schema error says, without a dump of the value's whole contents."""
    if error.validator == "additionalProperties":
        unknown = sorted(set(error.instance) - set(error.schema.get("properties", {})))
        return f"unknown key{'s' if len(unknown) > 1 else ''} {', '.join(map(repr, unknown))}"
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return f"{', '.join(map(repr, missing))} is missing"
    message = error.message
    return message if len(message) < 200 else message[:200] + " …"


def advice(error):
    """What to do about a schema error: the keys or values there are, or the key's description."""
    if error.validator == "additionalProperties":
        return "known keys: " + ", ".join(sorted(error.schema.get("properties", {})))
    if error.validator == "enum":
        return "one of: " + ", ".join(repr(value) for value in error.validator_value)
    description = error.schema.get("description")
    return description or "see config/README.md"


def check_rows(sheet, rows, schema_file, columns):
    """Every row of a sheet against its schema; header problems are told once, not once a row."""
    if not os.path.isfile(sheet):
        if is_made_by_a_rule(sheet):
            add_problem(
                sheet, "no such file", "`snakemake sheets` writes it (config, section acquire)"
            )
            return []
        add_problem(
            sheet, "no such file", f"name a sheet that exists, or write one ({find_guide()})"
        )
        return []
    if not rows:
        add_problem(sheet, "no rows below the header", "write one row for each slide or profile")
        return []
    schema = load_yaml(schema_file)
    missing = [name for name in schema["required"] if name not in rows[0]]
    if missing:
        found = ", ".join(name for name in rows[0] if isinstance(name, str) and name != "#")
        add_problem(
            f"{sheet}, header, column {', '.join(missing)}",
            f"missing; the header has: {found}",
            "add the column; columns are separated by tabs",
        )
        return []
    validators = {
        name: Draft202012Validator(resolve_reference(schema["properties"][name], schema))
        for name in columns
    }
    for row in rows:
        check_row(sheet, row, validators)
    return rows


def check_row(sheet, row, validators):
    """Cells of one row."""
    if None in row:
        add_problem(
            f"{sheet}, row {row['#']}",
            "more cells than the header",
            "one cell a column, separated by tabs",
        )
    for name, validator in validators.items():
        value = row.get(name)
        if value is None or is_right(name, value, validator):
            continue
        error = next(validator.iter_errors(value))
        wrong = "empty" if value == "" else f"{value!r} is not allowed"
        add_problem(f"{sheet}, row {row['#']}, column {name}", wrong, advice(error))


def is_right(name, value, validator):
    """True if the cell is valid; told without the schema's machinery, which is slow over 50,000 rows."""
    pattern = validator.schema.get("pattern")
    if pattern is not None:
        return re.search(pattern, value) is not None
    if "enum" not in validator.schema:
        return len(value) >= validator.schema.get("minLength", 0)
    return value in validator.schema["enum"]


def check_unique(sheet, rows, columns, remedy):
    """The given columns together name a row; the second row with the same values is named with the first."""
    first = {}
    for row in rows:
        key = tuple(row.get(column) for column in columns)
        if key in first:
            where = f"{sheet}, row {row['#']}, column {' + '.join(columns)}"
            add_problem(
                where, f"{' + '.join(map(str, key))} is there already, in row {first[key]}", remedy
            )
        first.setdefault(key, row["#"])


def is_made_by_a_rule(path):
    """True for files that a rule of `acquire` or `demo` makes under the resources folder."""
    return str(path).startswith(f"{RESOURCES}/")


def check_file(where, path, remedy=""):
    """A file that a sheet or the config names is there, or will be made. Lint is for code: any clone is judged alike."""
    if "://" in str(path):
        add_problem(
            where,
            f"{path} is an address, and a file is asked for",
            "mount the bucket read-only and name the file there; slides and profiles are downloaded "
            "if the address stands in column url and path is where to (workflow/docs/data.md)",
        )
    elif "--lint" not in sys.argv and not is_made_by_a_rule(path) and not os.path.exists(path):
        add_problem(
            where,
            f"no such file: {path}",
            remedy or "correct the path (relative to the sheet or the working directory)",
        )


def find_guide():
    """The page that says what belongs in sheets: README.md beside a config file (the last given first)."""
    files = [*reversed(workflow.overwrite_configfiles), *workflow.configfiles]
    pages = [str(Path(file).with_name("README.md")) for file in files]
    return next(filter(os.path.exists, pages), "config/README.md")


class ProblemsFound(WorkflowError):
    """Problems of config and sheets. Snakemake prints a traceback where there is one: here it would only distract."""

    __traceback__ = property(lambda self: None)


def stop_on_problems():
    """One message with every problem, and nothing started."""
    if PROBLEMS:
        count = f"{len(PROBLEMS)} problem{'s' if len(PROBLEMS) > 1 else ''}"
        shown = "\n".join(f"  {problem}" for problem in PROBLEMS[:50])
        more = f"\n  … and {len(PROBLEMS) - 50} more" if len(PROBLEMS) > 50 else ""
        raise ProblemsFound(f"{count} in config and sheets; no job was started.\n{shown}{more}")


def check_storage():
    """Files that storage plugins would have to carry are declared to Snakemake; ours are not, all of them."""
    provider = workflow.storage_settings.default_storage_provider
    if provider:
        add_problem(
            f"--default-storage-provider {provider}",
            "storage plugins carry declared files only, and results/wsi holds others",
            "leave it out, keep results on a file system that all jobs share (workflow/docs/clusters.md), "
            "and see workflow/docs/data.md for slides in a bucket",
        )


if IS_MAIN:
    check_storage()
    check_config()
    stop_on_problems()
