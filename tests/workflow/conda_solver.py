"""What is asked of the conda rig beyond its own programs; run by the rig's Python, which has py-rattler.

conda_solver.py alias RIG CHANNEL NAME VERSION    a package NAME that asks for the one the rig spells with hyphens
conda_solver.py twin CHANNEL ENVIRONMENT.yaml     solve an environment for GPUs; prints the builds of its packages

The rig makes no builds for CUDA: to solve for one, `twin` adds a record of PyTorch named as conda-forge names them.
"""

import asyncio
import json
import shutil
import sys
import tempfile
from pathlib import Path

import rattler
import yaml
from rattler.index import index_fs

CUDA_BUILD = "cuda129_mkl_py311_h0123456_301"


def alias(rig: str, channel: str, name: str, version: str) -> None:
    """Write a package that only depends on another spelling of its name, and index the channel again."""
    sys.path.insert(0, rig)
    from make_channel import write_package

    depends = [f"{name.replace('_', '-')} =={version}"]
    meta = {"name": name, "version": version, "build": "alias_0", "build_number": 0, "depends": depends}
    note = (f"share/{name}/alias.txt", b"only another spelling\n", 0o644)
    write_package([note], meta | {"license": "none"}, Path(channel))
    asyncio.run(index_fs(channel, force=True, write_shards=False))


def add_cuda_build(folder: Path) -> None:
    """Into a channel's list of packages: PyTorch built for CUDA, which wants a driver as conda-forge's does."""
    path = folder / "linux-64/repodata.json"
    listing = json.loads(path.read_text())
    packages = listing["packages.conda"]
    (name,) = [name for name, record in packages.items() if record["name"] == "pytorch"]
    record = packages[name] | {"build": CUDA_BUILD, "build_number": 301}
    record["depends"] = [*record["depends"], "__cuda"]
    packages[f"pytorch-{record['version']}-{CUDA_BUILD}.conda"] = record
    path.write_text(json.dumps(listing))


async def twin(channel: str, environment: str) -> None:
    """Solve over the channel's records with that build among them."""
    document = yaml.safe_load(Path(environment).read_text())
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "conda-forge"
        for subdir in ("linux-64", "noarch"):
            (folder / subdir).mkdir(parents=True)
            shutil.copy(Path(channel) / subdir / "repodata.json", folder / subdir)
        add_cuda_build(folder)
        overrides = rattler.VirtualPackageOverrides.from_env()
        records = await rattler.solve(
            [rattler.Channel(folder.as_uri())],
            [rattler.MatchSpec(item) for item in document["dependencies"]],
            platforms=["linux-64", "noarch"],
            virtual_packages=rattler.VirtualPackage.detect(overrides=overrides),
        )
    print(json.dumps({record.name.normalized: str(record.build) for record in records}))


if __name__ == "__main__":
    if sys.argv[1] == "alias":
        alias(*sys.argv[2:])
    else:
        asyncio.run(twin(*sys.argv[2:]))
