"""Checks of the slide and profile sheets, row by row, and of the files they name."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

from jsonschema import Draft202012Validator

from ..common.slide_parts import WHOLE, NoSlideHere, entry_of
from ..common.tsv import read_cells
from .config import Places, Row, resolve_reference
from .hints import for_id, for_path, nearest
from .problems import Problems, advice
from .profiles import Profiles
from .sheets import DOWNLOAD_COLUMNS, problem_of, read_sheet, will_be_there
from .slides import Slides
from .yaml_files import shipped_yaml

SLIDE_COLUMNS = ("slide_id", "case_id", "path", "cohort", "mpp", "specimen", "sample_type", "keep", *DOWNLOAD_COLUMNS)
PROFILE_COLUMNS = (
    *("profile_id", "case_id", "modality", "cohort", "format", "path", "unit", "unit_check"),
    *("sample_type", "specimen"),
    *DOWNLOAD_COLUMNS,
)
#: Slides of config/slides.tsv as it ships, and the page that says what belongs in it.
EXAMPLE, GUIDE = ["case01-DX1", "case01-DX2", "case02-DX1"], "config/README.md"
#: Micrometres per pixel that a slide may have.
MPP = (0.01, 100)


class SheetChecks:
    """Rows against schemas, unique ids, existing files."""

    def __init__(self, places: Places, slides: Slides, profiles: Profiles, problems: Problems) -> None:
        self.places, self.slides, self.profiles, self.problems = places, slides, profiles, problems

    def check_slides(self) -> None:
        """Rows, unique ids, files; nothing where a study has only tables of vectors."""
        if not self.slides.path:
            return
        sheet = self.slides.path
        rows = self.check_rows(sheet, self.slides.rows, "schemas/slides.schema.yaml", SLIDE_COLUMNS)
        self.check_unique(sheet, rows, ["slide_id"], "give every slide an id of its own")
        example = not self.places.lint and [row["slide_id"] for row in rows] == EXAMPLE
        if example and not any(map(os.path.exists, self.paths(rows))):
            wrong = "these are the example rows that the workflow ships with"
            self.problems.add(sheet, wrong, f"write your own slides there, or name your sheet: slides/sheet ({GUIDE})")
            return
        for row in rows:
            values = self.slides.values_of(row)
            location = f"{sheet}, row {row['#']}, column path"
            if values["keep"] == "no" or not values["path"]:
                continue
            if will_be_there(row):
                self.check_marks(location, values["path"])
            else:
                self.check_file(location, values["path"], may_have_braces=True)
                self.check_parts(location, values["path"])

    def check_parts(self, location: str, path: str) -> None:
        """A path names one slide, with all its parts, as far as names of files and DICOM headers tell."""
        folder, suffix = os.path.splitext(path)
        if suffix.lower() in WHOLE or self.places.lint or self.places.is_made(path) or not os.path.exists(path):
            return
        if suffix.lower() == ".mrxs" and not os.path.isfile(f"{folder}/Slidedat.ini"):
            wrong = f"{path} has no folder {os.path.basename(folder)} beside it, where its pixels are (Slidedat.ini)"
            self.problems.add(location, wrong, "copy the folder, too, with all that is in it")
        try:
            entry_of(path)
        except NoSlideHere as error:
            wrong, _, remedy = str(error).partition(": ")
            self.problems.add(location, f"{path} is {wrong}" if remedy else f"{path} can't be read", remedy or wrong)
        except OSError as error:
            self.problems.add(location, f"{path}: {(error.strerror or 'cannot be read').lower()}", "correct the path")

    def paths(self, rows: Sequence[Row]) -> list[str]:
        """Paths of the slides of some rows."""
        return [str(self.slides.values_of(row)["path"]) for row in rows]

    def check_case_sheet(self) -> None:
        """The sheet of cases, where the config names one, is there, can be read and has one row per case."""
        for case_path in self.slides.case_sheet:
            path, location = str(case_path), "config, key slides/cases"
            self.check_file(location, path, is_file=True)
            if os.path.isdir(path):
                continue
            if error := problem_of(path):
                self.problems.add_table_error(error)
            elif os.path.isfile(path) and "case_id" not in read_cells(path).columns:
                self.problems.add(f"{path}, header, column case_id", "missing", "name the column of the cases case_id")
            else:
                self.check_cases(path, read_sheet(path))

    def check_cases(self, sheet: str, rows: list[Row]) -> None:
        """Every row has a case, and a case one row: of two, one would be taken and the other dropped."""
        for row in rows:
            if not row["case_id"]:
                self.problems.add(
                    f"{sheet}, row {row['#']}, column case_id", "empty", "name the case, or take out the row"
                )
        named = [row for row in rows if row["case_id"]]
        self.check_unique(sheet, named, ["case_id"], "keep one row for each case, with all that is known of it")
        self.check_spelling(sheet, named)

    def check_spelling(self, sheet: str, rows: list[Row]) -> None:
        """A sheet of cases is of these cases: some match, and no row is another spelling of one without a row."""
        slide_cases, own_cases = set(self.slides.cases) - {""}, {row["case_id"] for row in rows}
        if not slide_cases or not own_cases:
            return
        rowless = {_alike(case): case for case in sorted(slide_cases - own_cases)}
        misspelt = [row for row in rows if row["case_id"] not in slide_cases and _alike(row["case_id"]) in rowless]
        for row in misspelt:
            wrong = f"case {row['case_id']!r} is not in {self.slides.source_name}"
            remedy = for_id(row["case_id"], [rowless[_alike(row["case_id"])]])
            self.problems.add(f"{sheet}, row {row['#']}, column case_id", wrong, remedy or "correct it")
        if not slide_cases & own_cases and not misspelt:
            wrong = f"none of its {len(own_cases):,} cases is in {self.slides.source_name}"
            self.problems.add(f"{sheet}, column case_id", wrong, "write the same ids in both, or name another sheet")

    def check_profiles(self) -> None:
        """Rows, unique profile and format, files, one case and one cohort per profile."""
        sheet = self.profiles.path
        if not sheet:
            return
        rows = self.check_rows(sheet, self.profiles.rows, "schemas/profiles.schema.yaml", PROFILE_COLUMNS)
        remedy = "rows may share a profile_id only with different formats"
        self.check_unique(sheet, rows, ["profile_id", "format"], remedy)
        first: dict[tuple[str, str], str] = {}
        for row in rows:
            location, path = f"{sheet}, row {row['#']}, column path", self.places.resolve(row["path"], sheet)
            (self.check_marks if will_be_there(row) else self.check_file)(location, path)
            for column in ("case_id", "cohort"):
                value = row.get(column) or ""
                first_value = first.setdefault((row["profile_id"], column), value)
                if first_value != value:
                    owner = f"{column.removesuffix('_id')} {first_value}"
                    self.problems.add(
                        f"{sheet}, row {row['#']}, column {column}",
                        f"profile {row['profile_id']} belongs to {owner} in an earlier row",
                        "a profile is one measurement of one case: give it another profile_id",
                    )

    def check_rows(self, sheet: str, rows: list[Row], schema_file: str, columns: Sequence[str]) -> list[Row]:
        """Every row of a sheet against its schema; problems of the header are reported once, not once per row."""
        if not os.path.isfile(sheet):
            self.add_missing(sheet)
            return []
        if error := problem_of(sheet):
            self.problems.add_table_error(error)
            return []
        if not rows:
            self.problems.add(sheet, "no rows below the header", "write one row for each slide or profile")
            return []
        schema = shipped_yaml(self.places.shipped(schema_file))
        missing = [name for name in schema["required"] if name not in rows[0]]
        if missing:
            header = [name for name in rows[0] if name != "#"]
            suggestions = [(nearest(column_name, header), column_name) for column_name in missing]
            renamed = [
                f"rename {name!r} to {column_name}" for name, column_name in suggestions if name and name not in columns
            ]
            self.problems.add(
                f"{sheet}, header, column {', '.join(missing)}",
                f"missing; the header has: {', '.join(header)}",
                "; ".join(renamed) or "add the column; columns are separated by tabs",
            )
            return []
        validators = {
            name: Draft202012Validator(resolve_reference(schema["properties"][name], schema)) for name in columns
        }
        for row in rows:
            self.check_row(sheet, row, validators)
        return rows

    def add_missing(self, sheet: str) -> None:
        """A sheet that is missing, or is a folder."""
        if self.places.is_made(sheet):
            remedy = "`snakemake sheets` writes it (config, section acquire)"
        else:
            remedy = for_path(sheet) or f"name a sheet that exists, or write one ({self.places.guide()})"
        if os.path.isdir(sheet):
            self.problems.add(sheet, "is a folder, and a file is expected", "name the tab-separated file in it")
        else:
            self.problems.add(sheet, "no such file", remedy)

    def check_row(self, sheet: str, row: Row, validators: dict[str, Any]) -> None:
        """Cells of one row."""
        for name, validator in validators.items():
            value = row.get(name)
            if value is None or is_right(value, validator.schema):
                continue
            error = next(validator.iter_errors(value))
            wrong = "empty" if value == "" else f"{value!r} is not allowed"
            self.problems.add(f"{sheet}, row {row['#']}, column {name}", wrong, advice(error))
        mpp = row.get("mpp")
        if mpp and is_right(mpp, validators["mpp"].schema) and not MPP[0] <= float(mpp) <= MPP[1]:
            location, wrong = f"{sheet}, row {row['#']}, column mpp", f"no slide has {mpp} micrometres per pixel"
            self.problems.add(location, wrong, "write micrometres per pixel at level 0: about 0.25 at 40x, 0.5 at 20x")

    def check_unique(self, sheet: str, rows: list[Row], columns: Sequence[str], remedy: str) -> None:
        """The given columns together name a row; the second row with the same values is named with the first."""
        first: dict[tuple[Any, ...], int] = {}
        for row in rows:
            key = tuple(row.get(column) for column in columns)
            if key in first:
                location = f"{sheet}, row {row['#']}, column {' + '.join(columns)}"
                wrong = f"{' + '.join(map(str, key))} is already in row {first[key]}"
                self.problems.add(location, wrong, remedy)
            first.setdefault(key, row["#"])

    def check_marks(self, location: str, path: str, may_have_braces: bool = False) -> bool:
        """True if Snakemake takes a path as it is: it would replace {wildcard} and <results>.

        Raw slides may have braces: their files are then not declared (`Slides.shard_files`).
        """
        marks = re.findall(r"<\w+>" if may_have_braces else r"\{|\}|<\w+>", path)
        if marks:
            wrong = f"{path} holds {marks[0]}, which Snakemake would replace"
            self.problems.add(location, wrong, "rename the file or its folder, or link to it under another name")
        return not marks

    def check_file(
        self, location: str, path: str, remedy: str = "", may_have_braces: bool = False, is_file: bool = False
    ) -> None:
        """A file that a sheet or the config names is there, or will be made. Lint looks at code only.

        is_file: a folder is none.
        """
        if "://" in str(path):
            self.problems.add(
                location,
                f"{path} is an address, and a file is expected",
                "mount the bucket read-only and name the file there; slides and profiles are downloaded "
                "if column url has the address and column path the destination (workflow/docs/data.md)",
            )
        elif not self.check_marks(location, path, may_have_braces) or self.places.lint or self.places.is_made(path):
            return
        elif not os.path.exists(path):
            usual = "correct the path (relative to the sheet or the working directory)"
            self.problems.add(location, f"no such file: {path}", for_path(path) or remedy or usual)
        elif is_file and os.path.isdir(path):
            self.problems.add(location, f"{path} is a folder, and a file is expected", "name the file in it")
        elif not os.access(path, os.R_OK):
            wrong = f"{path} may not be read by you"
            self.problems.add(location, wrong, f"ask its owner to let you read it (chmod a+r {path})")


def _alike(case: str) -> str:
    """What spellings of one case share: letters and digits without case, outer spaces and leading zeros."""
    return re.sub(r"[ ._-]+", "-", case.strip().casefold()).lstrip("0")


def is_right(value: str, schema: dict[str, Any]) -> bool:
    """True if a cell is valid; without a schema validator, which is slow over 50,000 rows."""
    pattern = schema.get("pattern")
    if pattern is not None:
        return re.search(pattern, value) is not None
    if "enum" not in schema:
        return len(value) >= int(schema.get("minLength", 0))
    return bool(value in schema["enum"])
