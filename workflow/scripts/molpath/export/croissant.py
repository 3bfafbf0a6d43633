"""The results as a data set in Croissant, so that catalogues and loaders of machine learning can read their tables.

Croissant 1.0 (https://docs.mlcommons.org/croissant/docs/croissant-spec.html): JSON-LD on schema.org. Written as plain
JSON; a test reads it back with mlcroissant.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow.parquet as pq

from ..common.digests import sha256_of
from ..common.files import read_tsv, write_json
from ..provenance.crate import format_of
from .asked import read_outputs

#: As the specification gives it: JSON-LD needs it word for word.
CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
#: As mlcroissant knows it; the registered application/vnd.apache.parquet it can't read.
PARQUET = "application/x-parquet"
DATA_TYPES = {"int64": "sc:Integer", "double": "cr:Float64", "bool": "sc:Boolean", "string": "sc:Text"}


def write_croissant(*, provenance: str, crate: str, tables: str, outputs: str, note: str, output: str) -> None:
    """Write `output` (JSON-LD) about the results folder that it lies in.

    provenance, crate: provenance.json and ro-crate-metadata.json, whose date and words it repeats; tables: the list
    that `write_tables` wrote beside Parquet files; outputs: list of the files that the jobs of these results write.
    Each of these is listed with its SHA-256, each table is a record set. Files that an earlier run left beside them
    are in provenance.json, but not here.
    """
    results = Path(output).parent
    recorded = json.loads(Path(provenance).read_text(encoding="utf-8"))
    root = next(
        entity for entity in json.loads(Path(crate).read_text(encoding="utf-8"))["@graph"] if entity["@id"] == "./"
    )
    outputs_of_run = read_outputs(outputs)
    files = {
        name: (facts["bytes"], facts["sha256"]) for name, facts in recorded["files"].items() if name in outputs_of_run
    }
    sets = []
    for row in read_tsv(tables).itertuples():
        path = Path(tables).parent / row.file
        name = Path(os.path.relpath(path, results)).as_posix()
        files[name] = path.stat().st_size, sha256_of(path)
        sets.append(record_set(row.table, name, row.row, path))
    whole = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": "molpath-results" + ("-" + "".join(c if c.isalnum() else "-" for c in note) if note else ""),
        "description": root["description"],
        "datePublished": root["datePublished"],
        "license": "Not stated: ask who gave you these results",
        "isLiveDataset": False,
        "distribution": [file_object(name, *facts) for name, facts in sorted(files.items())],
        "recordSet": sets,
    }
    write_json(output, whole)


def file_object(name: str, size: int, sha256: str) -> dict[str, Any]:
    """A file below the results folder."""
    kind = PARQUET if name.endswith(".parquet") else format_of(name).get("encodingFormat", "application/octet-stream")
    facts = {"name": name, "contentUrl": quote(name), "contentSize": f"{size} B", "sha256": sha256}
    return {"@type": "cr:FileObject", "@id": id_of(name), "encodingFormat": kind} | facts


def id_of(text: str) -> str:
    """An identifier, no two texts have the same: readers take none with white space or what no URI holds."""
    return re.sub(r"""[\s%"<>{}\\|^`]|_(?=x[0-9a-f]+_)""", lambda match: f"_x{ord(match[0]):02x}_", text)


def record_set(table: str, name: str, row: str, path: Path) -> dict[str, Any]:
    """A table as records: its columns, described and typed as in the Parquet file."""
    fields = []
    for column in pq.read_schema(path):
        description = (column.metadata or {}).get(b"description", b"").decode()
        kind = DATA_TYPES.get(str(column.type), "sc:Text")
        source = {"fileObject": {"@id": id_of(name)}, "extract": {"column": column.name}}
        own = id_of(f"{table}/{column.name}")
        entry = {"@type": "cr:Field", "@id": own, "name": own}
        fields.append(
            entry | {"dataType": kind, "source": source} | ({"description": description} if description else {})
        )
    about = f"Each row is {row[:1].lower()}{row[1:]}"
    return {"@type": "cr:RecordSet", "@id": table, "name": table, "description": about, "field": fields}
