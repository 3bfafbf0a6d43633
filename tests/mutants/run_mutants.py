"""Puts the faults of tests/mutants/*.yaml into copies of the library, one by one, and says which ones no test notices.

make mutants
.venv/bin/python tests/mutants/run_mutants.py --stage common --only fsync
"""

from __future__ import annotations

import argparse
import os
import queue
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
LIBRARY = "workflow/scripts/molpath"
#: Mutants at a time; seconds of the tests of one, beyond which it counts as noticed: a fault may make a loop endless.
WORKERS, LIMIT_S = 2, 300
#: Share of mutants that tests should notice.
GOAL = 0.95
#: Exit codes of pytest: all passed, one failed. Others mean that no test ran, or that none was found.
VERDICTS = {0: "survived", 1: "killed"}


class Mutant(NamedTuple):
    """A fault: the text `old` of `file` (below the library), found once there, becomes `new`.

    broken: what no longer holds; tests: arguments for pytest, of tests that should fail.
    """

    stage: str
    name: str
    file: str
    old: str
    new: str
    broken: str
    tests: str

    def mutated(self, text: str) -> str:
        """The file with the fault."""
        return text.replace(self.old, self.new)


def load_mutants(folder: Path = Path(__file__).parent) -> list[Mutant]:
    """All mutants, by stage: one file each."""
    return [
        Mutant(path.stem, **fields) for path in sorted(folder.glob("*.yaml")) for fields in yaml.safe_load(path.open())
    ]


def copy_repository(place: Path) -> Path:
    """Copy what faults are put into, and the tests; other folders are links."""
    skipped = shutil.ignore_patterns("__pycache__", ".snakemake")
    place.mkdir()
    for path in REPOSITORY.iterdir():
        if path.name in ("workflow", "tests"):
            shutil.copytree(path, place / path.name, ignore=skipped)
        elif path.is_dir() and path.name not in (".git", ".snakemake", "results"):
            (place / path.name).symlink_to(path)
        elif path.is_file() and path.name != ".git":
            shutil.copy(path, place / path.name)
    return place


def run_tests(place: Path, tests: str) -> str:
    """What pytest says in a copy: survived, killed, timeout, or broken where it found no test to run."""
    command = [sys.executable, "-m", "pytest", "-qx", f"--basetemp={place}.tmp", *shlex.split(tests)]
    shared = REPOSITORY.parent / "shared"
    settings = {
        "PYTHONDONTWRITEBYTECODE": "1",  # a file is written twice within a second
        "OMP_NUM_THREADS": "1",
        "MOLPATH_TEST_DATA": os.environ.get("MOLPATH_TEST_DATA") or str(shared / "data"),
        "MOLPATH_TEST_RIGS": os.environ.get("MOLPATH_TEST_RIGS") or str(shared / "rigs"),
    }
    with open(f"{place}.log", "w") as log:
        process = subprocess.Popen(
            command, cwd=place, env=os.environ | settings, stdout=log, stderr=log, start_new_session=True
        )
        try:
            return VERDICTS.get(process.wait(LIMIT_S), "broken")
        except subprocess.TimeoutExpired:
            return "timeout"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def try_mutant(mutant: Mutant, place: Path, sound: bool) -> str:
    """The verdict on a mutant in a copy, which is as it was afterwards. sound: its tests without the fault."""
    path = place / LIBRARY / mutant.file
    text = path.read_text(encoding="utf-8")
    try:
        path.write_text(text if sound else mutant.mutated(text), encoding="utf-8")
        return run_tests(place, mutant.tests)
    finally:
        path.write_text(text, encoding="utf-8")


def try_all(mutants: Iterable[Mutant], sound: bool) -> dict[Mutant, str]:
    """Verdicts on mutants, which are printed as they come."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, ThreadPoolExecutor(WORKERS) as pool:
        places: queue.Queue[Path] = queue.Queue()
        for number in range(WORKERS):
            places.put(copy_repository(Path(folder, f"copy{number}")))

        def try_one(mutant: Mutant) -> str:
            place, began = places.get(), time.monotonic()
            try:
                verdict = try_mutant(mutant, place, sound)
                print(f"{verdict:8} {time.monotonic() - began:4.0f} s  {mutant.stage}: {mutant.name}", flush=True)
                if verdict == "broken" or (sound and verdict != "survived"):
                    print(Path(f"{place}.log").read_text()[-2000:], flush=True)
                return verdict
            finally:
                places.put(place)

        mutants = list(mutants)
        return dict(zip(mutants, pool.map(try_one, mutants), strict=True))


def main() -> int:
    """Print verdicts, survivors, score and time; 1 where the score is below the goal."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--stage", action="append", help="a file of mutants, without .yaml (as often as needed)")
    parser.add_argument("--only", action="append", help="mutants with this in their name (as often as needed)")
    parser.add_argument("--sound", action="store_true", help="run the tests without the faults: all should pass")
    arguments = parser.parse_args()
    mutants = [
        candidate
        for candidate in load_mutants()
        if (not arguments.stage or candidate.stage in arguments.stage)
        and (not arguments.only or any(part in candidate.name for part in arguments.only))
    ]
    if arguments.sound:
        mutants = list({candidate.tests: candidate for candidate in mutants}.values())
    began = time.monotonic()
    verdicts = try_all(mutants, arguments.sound)
    if arguments.sound:
        return int(any(verdict != "survived" for verdict in verdicts.values()))
    left = [mutant for mutant, verdict in verdicts.items() if verdict not in ("killed", "timeout")]
    for mutant in left:
        print(f"\n{verdicts[mutant]}: {mutant.stage}/{mutant.name}\n  {mutant.broken}\n  {mutant.file}: {mutant.old}")
    noticed = len(mutants) - len(left)
    print(
        f"\n{noticed} of {len(mutants)} killed ({noticed / max(1, len(mutants)):.0%}), {time.monotonic() - began:.0f} s"
    )
    return int(noticed < GOAL * len(mutants))


if __name__ == "__main__":
    sys.exit(main())
