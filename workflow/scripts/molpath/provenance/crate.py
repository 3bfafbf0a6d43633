"""A run as a Workflow Run RO-Crate, so that repositories and other tools can read what made the results.

Profiles: Process Run Crate 0.5, Workflow Run Crate 0.5 and Workflow RO-Crate 1.0, on RO-Crate 1.1
(https://www.researchobject.org/workflow-run-crate/profiles/workflow_run_crate).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from mimetypes import MimeTypes
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from ..common.files import write_json, write_text, write_tsv
from .provenance import INDEX_NAMES

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
#: Media types that Python doesn't know.
FORMATS = {
    ".yaml": "application/yaml",
    ".md": "text/markdown",
    ".h5ad": "application/x-hdf5",
    ".parquet": "application/vnd.apache.parquet",
}
WORKFLOW_PROFILE = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
#: Has terms that schema.org lacks, such as sha256.
RUN_TERMS = "https://w3id.org/ro/terms/workflow-run/context"


def write_job_times(benchmarks: str, output: str) -> tuple[datetime, datetime]:
    """A row per benchmark below the folder: job, end (UTC), seconds, peak memory in MB. Returns first start, last end.

    A job's end is when its benchmark was written. Without a benchmark both are now.
    """
    rows, starts, ends = [], [], []
    for path in sorted(Path(benchmarks).rglob("*.tsv")):
        end = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(microsecond=0)
        table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
        for row in table.to_dict("records") if "s" in table else ():  # tables made of benchmarks are there too
            seconds = pd.to_numeric(row.get("s"), errors="coerce")
            name = path.relative_to(benchmarks).with_suffix("").as_posix()
            rows.append({"job": name, "end": end.isoformat(), "seconds": seconds, "max_rss_mb": row.get("max_rss", "")})
            starts.append(end - pd.Timedelta(seconds=0 if pd.isna(seconds) else float(seconds)).to_pytimedelta())
            ends.append(end)
    write_tsv(output, pd.DataFrame(rows, columns=["job", "end", "seconds", "max_rss_mb"]))
    now = datetime.now(UTC).replace(microsecond=0)
    return min(starts, default=now).replace(microsecond=0), max(ends, default=now)


def write_crate(
    *,
    provenance: Mapping[str, Any],
    snakefile: str,
    workflow: str,
    benchmarks: str,
    times: str,
    note: str,
    output: str,
) -> None:
    """Write ro-crate-metadata.json about a results folder, a copy of the Snakefile, and the table of job times.

    provenance: contents of provenance.json; times of jobs, and the date that follows from them, are all that is added.
    """
    from rocrate.rocrate import ROCrate

    write_text(workflow, Path(snakefile).read_text(encoding="utf-8"))
    start, end = write_job_times(benchmarks, times)
    logging.getLogger("rocrate").setLevel(logging.WARNING)
    crate = ROCrate(version="1.1")
    crate.metadata.extra_contexts.append(RUN_TERMS)
    main = add_workflow(crate, Path(workflow).relative_to(Path(output).parent).as_posix(), provenance)
    title = f"Results of molpath{f' ({note})' if note else ''}"
    crate.name, crate.datePublished = title, end
    crate.description = (
        "Tables, figures, models and embeddings of one run of the Snakemake workflow molpath, from whole-slide images "
        f"and omics files to benchmark tables.{f' Note of its user: {note}.' if note else ''}"
    )
    crate.license = add(crate, "#licence", "CreativeWork", name="Not stated: ask who gave you these results")
    crate.root_dataset["conformsTo"] = [
        add(crate, url, "CreativeWork", name=name, version=url.rsplit("/", 1)[-1]) for url, name in PROFILES.items()
    ]
    for name in ("provenance.json", Path(times).name):
        crate.add_file(dest_path=name, properties={"name": name} | format_of(name))
    action = crate.add_action(
        main,
        identifier="#run",
        object=add_inputs(crate, main, provenance),
        result=add_files(crate, main, provenance["files"]),
        properties={
            "name": f"A run of molpath that ended on {end.date().isoformat()}",
            "description": f"{title}: from the start of its first job to the end of its last.",
            "startTime": start.isoformat(),
            "endTime": end.isoformat(),
            "actionStatus": "http://schema.org/CompletedActionStatus",
        },
    )
    crate.root_dataset["mentions"] = action
    write_json(output, crate.metadata.generate())


def add(crate, identifier: str, kind: str | list[str], **properties: Any):
    """A contextual entity; an old one under the same identifier is replaced."""
    from rocrate.model.contextentity import ContextEntity

    return crate.add(ContextEntity(crate, identifier, properties={"@type": kind} | properties))


def add_workflow(crate, name: str, provenance: Mapping[str, Any]):
    """The Snakefile as main entity, with the commit and the packages it ran with."""
    code = provenance["workflow"]
    main = crate.add_workflow(dest_path=name, main=True, lang="snakemake")
    main["name"], main["conformsTo"] = "molpath", {"@id": WORKFLOW_PROFILE}
    main["license"], main["encodingFormat"] = {"@id": "https://spdx.org/licenses/MIT"}, "text/plain"
    if code["commit"]:
        main["version"] = code["commit"] + (" with local changes" if code["modified"] else "")
    else:
        main["version"] = " ".join(f"{stage}:{digest}" for stage, digest in sorted(code["digests"].items()))
    main["softwareRequirements"] = [
        add(crate, package_url(package, version), "SoftwareApplication", name=package, version=version)
        for package, versions in sorted(provenance["software"]["packages"].items())
        if (version := versions["installed"])
    ]
    return main


def package_url(package: str, version: str) -> str:
    """A package of the Python index as package URLs name it (github.com/package-url/purl-spec)."""
    kind = "generic" if package == "python" else "pypi"
    return f"pkg:{kind}/{INDEX_NAMES.get(package, package).lower()}@{quote(version)}"


def add_inputs(crate, main, provenance: Mapping[str, Any]) -> list:
    """Inputs: sections of the config as values, each file of the user by name and SHA-256 (not its contents)."""
    entities, parameters = [], []
    for section, value in sorted(provenance["config"].items()):
        parameters.append(crate.add_formal_parameter(f"config/{section}", "Text", f"#parameter/config/{section}"))
        text = json.dumps(value, sort_keys=True, ensure_ascii=False)
        entities.append(add(crate, f"#config/{section}", "PropertyValue", name=section, value=text))
        entities[-1]["exampleOfWork"] = parameters[-1]
    for key, facts in provenance["inputs"].items():
        parameters.append(crate.add_formal_parameter(key, "File", f"#parameter/{key}"))
        for name, file_facts in facts.get("files", {"": facts}).items():
            full_name = "/".join(filter(None, (facts["name"], name)))
            entity = add(
                crate, f"#input/{key}/{quote(full_name)}", "CreativeWork", name=full_name, sha256=file_facts["sha256"]
            )
            entity["exampleOfWork"] = parameters[-1]
            entities.append(entity)
    main["input"] = parameters
    return entities


def add_files(crate, main, files: Mapping[str, Mapping[str, Any]]) -> list:
    """Outputs: each listed file, as an example of its folder's kind."""
    kinds, entities = {}, []
    for name, facts in files.items():
        kind = name.split("/")[0]
        if kind not in kinds:
            kinds[kind] = crate.add_formal_parameter(kind, "File", f"#output/{kind}")
        facts = {"name": name, "sha256": facts["sha256"], "contentSize": str(facts["bytes"])}
        entities.append(crate.add_file(dest_path=name, properties=facts | format_of(name)))
        entities[-1]["exampleOfWork"] = kinds[kind]
    main["output"] = list(kinds.values())
    return entities


def format_of(name: str) -> dict[str, str]:
    """Media type of a file by its name, where it has one."""
    # MimeTypes() holds Python's own table, whatever the machine's files add.
    media_type = FORMATS.get(Path(name).suffix) or MimeTypes().guess_type(name)[0]
    return {"encodingFormat": media_type} if media_type else {}
