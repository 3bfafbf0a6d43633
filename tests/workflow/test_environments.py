"""Environment files: equal to the lock, no more and no less than the scripts of their rules import."""

import ast
import re
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPTS = REPOSITORY / "workflow/scripts"
#: conda-forge's names of packages that the Python index calls otherwise.
INDEX_NAMES = {
    "pytorch": "torch",
    "py-opencv": "opencv-python-headless",
    "matplotlib-base": "matplotlib",
    "openslide": "openslide-bin",
}
#: Packages by what is imported from them, where that is another word.
IMPORTED_AS = {
    "pytorch": "torch",
    "py-opencv": "cv2",
    "matplotlib-base": "matplotlib",
    "idc-index-data": "idc_index_data",
    "openslide-python": "openslide",
    "pillow": "PIL",
    "pyyaml": "yaml",
    "requests-aws4auth": "requests_aws4auth",
    "scikit-learn": "sklearn",
    "scikit-survival": "sksurv",
    "segmentation-models-pytorch": "segmentation_models_pytorch",
    "tensorboardx": "tensorboardX",
}
#: Packages that no script imports by name, and why they are there.
NEEDED_BY = {
    "openslide": "the C library of openslide-python",
    "imagecodecs": "tifffile's decoders",
    "torchvision": "of the build that fits PyTorch's; timm needs it",
    "pyarrow": "pandas writes and reads Parquet with it",
}
#: Imports within functions that rules of an environment don't come to, or that conda-forge has no package for.
LEFT_OUT = {
    "acquire": {"h5py": "the one way to write HDF5 is not called"},
    "sheets": {"h5py": "the one way to write HDF5 is not called"},
    "features": {
        "torchstain": "not on conda-forge (envs/README.md)",
        "conch": "its own installation",
        "transformers": "slide encoders are tried by the doctor only where no environment is made for their jobs",
        "shapely": "what tissue loses to damage is not asked",
    },
    "pretrain": {
        "PIL": "stamps of pictures are not asked",
        "transformers": "code of one gated model (envs/README.md)",
        "pyarrow": "given vectors are read by a rule of the probing environment",
    },
    "export": {"torch": "features of .pt files don't say where their patches lie, and have no store"},
    "report": {"sksurv": "survival probes are not fitted where results are drawn"},
    "slides": dict.fromkeys(
        ["torch", "torchvision", "segmentation_models_pytorch", "safetensors", "filelock"],
        "tissue by a network: segmentation.yaml",
    ),
    "finetune": {
        "PIL": "stamps of pictures are not asked",
        "transformers": "code of one gated model (envs/README.md)",
        "tensorboardX": "events of pretraining, which shares the reader of runs",
    },
}


def environments() -> dict[str, list[str]]:
    """Requirements by name of the file, without its suffix."""
    files = sorted((REPOSITORY / "envs").glob("*.yaml"))
    return {path.stem: yaml.safe_load(path.read_text())["dependencies"] for path in files}


def families() -> dict[str, set[Path]]:
    """Scripts by the environment that their rules name."""
    scripts_of: dict[str, set[Path]] = {}
    for path in (REPOSITORY / "workflow/rules").glob("*.smk"):
        for rule in re.split(r"^rule ", path.read_text(), flags=re.M)[1:]:
            script = re.search(r'script:\n\s+"\.\./scripts/(\w+\.py)"', rule)
            named = re.search(r'conda:\n\s+(?:"\.\./\.\./envs/([\w-]+)\.yaml"|study\.environment\("(\w+)"\))', rule)
            if script:
                names = [named[1] or named[2]] if named else ["slides", "segmentation"]  # as the method asks
                for name in names:
                    scripts_of.setdefault(name, set()).add(SCRIPTS / script[1])
    return scripts_of


def shown_by(script: str) -> set[str]:
    """Modules of the functions that report/figures.yaml or tables.yaml names, for the script that calls them."""
    listed = {"plot_figure": "figures", "write_table": "tables"}.get(script)
    if not listed:
        return set()
    entries = yaml.safe_load((REPOSITORY / f"workflow/report/{listed}.yaml").read_text()).values()
    calls = [call for entry in entries for call in (entry, entry.get("then") or {}) if "function" in call]
    return {call["function"].rpartition(".")[0].replace(".", "/") for call in calls} | {"tables/pages"}


@cache
def imports(path: Path) -> tuple[set[str], set[Path]]:
    """(packages, library files) that a file imports anywhere."""
    packages, files = set(), {SCRIPTS / f"molpath/{module}.py" for module in shown_by(path.stem)}
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            folder = path.parents[node.level - 1].relative_to(SCRIPTS).parts if node.level else ()
            base = ".".join([*folder, *([node.module] if node.module else [])])
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            own = [SCRIPTS.joinpath(*parts[:i]) for i in range(1, len(parts) + 1)]
            files |= {
                file for module in own for file in (module.with_suffix(".py"), module / "__init__.py") if file.exists()
            }
            if not (SCRIPTS / parts[0]).exists() and parts[0] not in sys.stdlib_module_names:
                packages.add(parts[0])
    return packages, files


def needed(scripts: set[Path]) -> set[str]:
    """Packages that scripts and all they import from the library import."""
    packages, visited, waiting = set(), set(), [*scripts]
    while waiting:
        path = waiting.pop()
        if path not in visited:
            visited.add(path)
            imported, files = imports(path)
            packages |= imported
            waiting += files
    return packages


@pytest.mark.parametrize("name", sorted(environments()))
def test_pins_are_those_of_the_lock(name):
    lock = entries("export") if name == "export" else entries("requirements") | entries("torch")
    for item in environments()[name]:
        package, _, version = item.partition(" =")
        version = version.partition("=")[0]
        if package != "python":
            assert (lock[INDEX_NAMES.get(package, package).replace("_", "-")][0] + ".").startswith(version + "."), item


def entries(name: str) -> dict[str, tuple[str, int]]:
    """Version and number of hashes of each package of a lock."""
    text = (REPOSITORY / f"envs/{name}.lock").read_text()
    pins = re.findall(r"(?m)^([\w.-]+)==([^\s;]+)(.*(?:\n    --hash=sha256:[0-9a-f]{64}.*)*)", text)
    assert len(pins) == len([line for line in text.splitlines() if re.match(r"[^#\s]", line)]), name
    return {re.sub(r"[-_.]+", "-", package.lower()): (version, rest.count("--hash")) for package, version, rest in pins}


@pytest.mark.parametrize("name", ["requirements", "torch", "torch-cpu", "tools", "export"])
def test_every_entry_of_a_lock_has_hashes(name):
    assert [package for package, (_, hashes) in entries(name).items() if not hashes] == []


def test_builds_of_torch_are_of_one_version_and_nothing_is_locked_twice():
    torch, cpu, rest = entries("torch"), entries("torch-cpu"), entries("requirements")
    assert cpu["torch"][0] == f"{torch['torch'][0]}+cpu"
    assert set(cpu) == {"torch", "setuptools"}
    assert not set(torch) & set(rest)


def test_actions_are_named_by_commit():
    text = (REPOSITORY / ".github/workflows/ci.yaml").read_text()
    used = re.findall(r"uses: (\S+)( # v[\d.]+)?", text)
    assert used
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) and version for action, version in used)


@pytest.mark.parametrize("name", sorted(families()))
def test_an_environment_holds_what_its_scripts_import_and_no_more(name):
    listed = {item.split(" ")[0] for item in environments()[name]} - {"python"}
    imported = needed(families()[name]) - set(LEFT_OUT.get(name, {}))
    provided = {IMPORTED_AS.get(package, package) for package in listed}
    assert imported <= provided, f"{name}.yaml lacks {sorted(imported - provided)}"
    assert provided - imported <= set(NEEDED_BY), f"{name}.yaml need not list {sorted(provided - imported)}"


def test_what_is_left_out_is_imported_somewhere():
    for name, packages in LEFT_OUT.items():
        assert set(packages) <= needed(families()[name]), name


def test_every_environment_has_a_rule_or_launches():
    alone = {name.removesuffix("-gpu") for name in environments()}
    assert alone == set(families()) | {"launch"}


def test_twins_for_gpus_differ_in_the_build_of_torch_alone():
    packages_of = environments()
    with_torch = {name for name, items in packages_of.items() if any(item.startswith("pytorch ") for item in items)}
    assert {name for name in with_torch if name.endswith("-gpu")} == {
        f"{name}-gpu" for name in packages_of if name in TWINS
    }
    for name in TWINS:
        assert [item.removesuffix("=cuda*") for item in packages_of[f"{name}-gpu"]] == packages_of[name]
        assert sum(item.startswith("pytorch ") and item.endswith("=cuda*") for item in packages_of[f"{name}-gpu"]) == 1


TWINS = ("segmentation", "features", "pretrain", "finetune")


def test_channels_are_named_and_no_others_come_in():
    for path in (REPOSITORY / "envs").glob("*.yaml"):
        channels = yaml.safe_load(path.read_text())["channels"]
        assert channels[0] == "conda-forge"
        assert channels[-1] == "nodefaults"
        assert set(channels) <= {"conda-forge", "bioconda", "nodefaults"}, path


def test_no_name_that_only_the_python_index_has():
    """Names looked up on conda-forge and bioconda, and not found there (envs/README.md)."""
    absent = {"torch", "opencv-python", "opencv-python-headless", "openslide-bin", "torchstain", "tensorboardX"}
    for name, items in environments().items():
        assert not absent & {item.split(" ")[0] for item in items}, name
