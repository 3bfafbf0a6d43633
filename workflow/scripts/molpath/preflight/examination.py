"""All checks of `snakemake doctor`, one after the other; a check that fails is a problem, and the others continue."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..common.requests import DoctorRequest
from . import inputs, machine, software, storage, trials
from .estimate import BY_PLAN, Estimate, estimate, estimated, in_time
from .findings import Finding, note, problem, problems_of

log = logging.getLogger(__name__)

#: Checks that write into the results folder: left out where it can't be written to, which is reported already.
ON_RESULTS = ("rename and fsync", "HDF5 and locks", "clock")


def examine(request: DoctorRequest, tables: Mapping[str, str]) -> list[Finding]:
    """Findings of every check.

    request: what planning knows of the run (study/examination.py); tables: paths of costs, encoders and gpus.
    """
    findings: list[Finding] = []
    plan = estimate(request["plan"], tables, request["results"])
    for name, check in checks_of(request, plan).items():
        unwritable = any(finding.check == "results folder" for finding in problems_of(findings))
        if not (unwritable and name in ON_RESULTS):
            findings += _run(name, check)
    return findings


def checks_of(request: DoctorRequest, plan: Estimate) -> dict[str, Callable[[], Any]]:
    """Checks by name, in the order of the table. Slides and trials come before torch: they fork this process."""
    results, patch = request["results"], request["patch"]
    encoders, slides = request["encoders"], request["slides"]
    deployments = software.asked_deployments(request["deployment"], request["profiles"])
    return {
        "Snakemake": lambda: software.check_snakemake(request["snakemake"], request["needed"], request["plugins"]),
        "profile": lambda: software.check_profiles(request["profiles"], request["plugins"]),
        "conda": lambda: software.check_deployments(deployments),
        "folders": lambda: storage.check_writable(folders_of(request)),
        "disk": lambda: storage.check_space(results, plan.sizes),
        "number of files": lambda: storage.check_files(results, plan.files),
        "scratch": lambda: storage.check_scratch(plan.download, *request["scratch"]),
        "rename and fsync": lambda: storage.check_rename(results),
        "HDF5 and locks": lambda: storage.check_hdf5(results),
        "clock": lambda: storage.check_clock(results),
        "tokens": inputs.check_tokens,
        "encoder": lambda: inputs.check_weights(encoders, request["ask_hub"]),
        "weights": lambda: [inputs.check_file(f"weights of {name}", path) for name, path in request["weights"].items()],
        "slides": lambda: inputs.check_slides_there(slides),
        "reading slides": lambda: inputs.check_reading(
            slides,
            count=request["read_slides"],
            patches=plan.patches,
            geometry=(patch["size"], patch["mpp"]),
            deadline_s=request["deadline_s"],
        ),
        "trials of encoders": lambda: trials.try_encoders(encoders),
        "trials of slide encoders": lambda: trials.try_slide_encoders(
            request["slide_encoders"], "conda" in deployments
        ),
        "limits": lambda: machine.check_limits(request["batch_bytes"], request["processes"], request["trains"]),
        "GPU": lambda: machine.check_gpu(request["networks"]),
        "time": lambda: time_finding(plan),
    }


def time_finding(plan: Estimate) -> Finding:
    """Time for the remaining work on the machine of the plan."""
    message = f"the rest of the run takes {estimated(list(map(in_time, plan.hours)), f'{BY_PLAN} for {plan.machine}')}"
    remedy = "`snakemake plan` lists the stages, without the rates measured here; set GPU and cores under `plan:`"
    return note("time", message, remedy)


def folders_of(request: DoctorRequest) -> dict[str, str]:
    """Folders that the run writes to, the caches of Snakemake and of the hub among them."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    hub = os.environ.get("HF_HOME") or home / "huggingface"
    named = {"results": request["results"], "resources": request["resources"], "working": ".snakemake"}
    return named | {"source cache": str(home / "snakemake"), "hub cache": str(hub)}


def _run(name: str, check: Callable[[], Any]) -> Iterator[Finding]:
    try:
        result = check()
        yield from [result] if isinstance(result, Finding) else result
    except Exception as error:  # one check that can't be made must not hide the others
        log.exception("check %s", name)
        yield problem(name, f"the check failed: {type(error).__name__}: {error}", "the log has the details")
