"""Resources of a run: time, memory and data read and written, by rule and for 1,000 slides, and the slowest shards.

From the files that Snakemake's `benchmark:` leaves. Each describes the last run of its job: of work that this run found
finished, only the looking is counted.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from ..common.files import write_tsv
from .pages import Section, write_page

#: Numbers of a benchmark file: seconds, MB at most in memory, MB read and written (of disks), seconds of processors.
NUMBERS = ("s", "max_rss", "io_in", "io_out", "cpu_time")
COLUMNS = [
    *("rule", "jobs", "hours", "cpu_hours", "gpu_hours", "median_s", "longest_s", "memory_gb", "read_gb", "written_gb"),
    *("cpu_hours_per_1000_slides", "gpu_hours_per_1000_slides"),
]
SHARD_COLUMNS = ["rule", "job", "seconds", "times_the_median", "cpu_seconds", "memory_gb", "read_gb"]
SENTENCES = """What each rule's jobs took, added up: elapsed and processor hours, hours of jobs that asked for GPUs
times the number they asked for (whether they got one or not), the most memory of a job, data read and written. The last
columns are for 1,000 slides of a sheet like this one. Of work that was already finished, only the check is counted:
plan with the figures of a run from scratch."""
SLOWEST = "Among the shards of their rule; a slide of such a shard may need a look."


def summarise_resources(
    *,
    folder: str,
    patterns: Mapping[str, str],
    gpus: Mapping[str, Mapping[str, int]],
    n_slides: int,
    note: str,
    table: str,
    shards: str,
    page: str,
) -> None:
    """Write the table by rule, the table of the five slowest shards, and a page of both.

    folder: folder of the benchmark files; patterns: by rule a regular expression of their paths, whose group `shard`
    is there for rules that run by shard; gpus: by rule how many a job asks for (absent: none), by the wildcard
    that decides it ("encoder=uni_v1"), or by '' where none does; n_slides: of the sheet.
    """
    jobs = read_benchmarks(folder, patterns, gpus)
    by_rule = add_up(jobs, n_slides)
    slowest = slowest_shards(jobs)
    write_tsv(table, by_rule)
    write_tsv(shards, slowest)
    sections = [
        Section(sentences=SENTENCES, table=by_rule),
        Section("The slowest shards", SLOWEST, slowest),
    ]
    write_page(page, "What the run took", note, sections)


def read_benchmarks(folder: str, patterns: Mapping[str, str], gpus: Mapping[str, Mapping[str, int]]) -> pd.DataFrame:
    """One row per benchmark file that a pattern names: rule, job (its path below the folder), shard, gpus, and NUMBERS.

    Where a rule repeats a benchmark, the mean of its rows. A number that could not be measured is missing.
    """
    compiled = {rule: re.compile(pattern) for rule, pattern in patterns.items()}
    rows = []
    for path in sorted(Path(folder).rglob("*.tsv")):
        matches = ((rule, pattern.fullmatch(path.as_posix())) for rule, pattern in compiled.items())
        rule, places = next(((rule, match.groupdict()) for rule, match in matches if match), ("", {}))
        if not rule:
            continue
        wildcards = {"", *(f"{name}={value}" for name, value in places.items())}
        n_gpus = sum(count for name, count in gpus.get(rule, {}).items() if name in wildcards)
        with open(path, encoding="utf-8", newline="") as handle:
            values = pd.DataFrame(list(csv.DictReader(handle, delimiter="\t"))).reindex(columns=NUMBERS)
        means = values.apply(pd.to_numeric, errors="coerce").mean()
        job = path.relative_to(folder).with_suffix("").as_posix()
        rows.append({"rule": rule, "job": job, "shard": places.get("shard", ""), "gpus": n_gpus, **means})
    return pd.DataFrame(rows, columns=["rule", "job", "shard", "gpus", *NUMBERS])


def add_up(jobs: pd.DataFrame, n_slides: int) -> pd.DataFrame:
    """One row per rule, most processor hours first, and a row `all` with sums (of memory and times: the highest)."""
    jobs = jobs.assign(gpu_s=jobs.s * jobs.gpus)
    rows = [_add_up(rule, rule_jobs, n_slides) for rule, rule_jobs in jobs.groupby("rule", sort=True)]
    table = pd.DataFrame(rows, columns=COLUMNS).sort_values(["cpu_hours", "rule"], ascending=[False, True])
    if len(table):
        table.loc[len(table)] = _add_up("all", jobs, n_slides)
    return table.reset_index(drop=True).round(4)


def _add_up(rule: str, jobs: pd.DataFrame, n_slides: int) -> dict:
    cpu, gpu = jobs.cpu_time.sum() / 3600, jobs.gpu_s.sum() / 3600
    thousand = 1000 / n_slides if n_slides else float("nan")
    return {
        "rule": rule,
        "jobs": len(jobs),
        "hours": jobs.s.sum() / 3600,
        "cpu_hours": cpu,
        "gpu_hours": gpu,
        "median_s": jobs.s.median(),
        "longest_s": jobs.s.max(),
        "memory_gb": jobs.max_rss.max() / 1024,
        "read_gb": jobs.io_in.sum() / 1024,
        "written_gb": jobs.io_out.sum() / 1024,
        "cpu_hours_per_1000_slides": cpu * thousand,
        "gpu_hours_per_1000_slides": gpu * thousand,
    }


def slowest_shards(jobs: pd.DataFrame, count: int = 5) -> pd.DataFrame:
    """The jobs of rules by shard that took longest, beside the median of their rule."""
    shards = jobs[jobs.shard != ""]
    shards = shards.assign(times_the_median=shards.s / shards.groupby("rule").s.transform("median"))
    shards = shards.sort_values(["s", "job"], ascending=[False, True]).head(count)
    shards = shards.assign(memory_gb=shards.max_rss / 1024, read_gb=shards.io_in / 1024)
    shards = shards.rename(columns={"s": "seconds", "cpu_time": "cpu_seconds"})
    return shards[SHARD_COLUMNS].round(4).reset_index(drop=True)
