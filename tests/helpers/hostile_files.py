"""Files that claim, nest or unpack to more than they hold, and a process of little memory to open them in."""

import io
import json
import struct
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import h5py
import numpy as np

LIBRARY = Path(__file__).resolve().parents[2] / "workflow/scripts"
#: Elements of float32 that no test machine holds, and what a process in `run_limited` may have on top of its libraries.
ABSURD, ROOM_MB = 1 << 40, 600


def run_limited(code, *arguments, seconds=60):
    """What `code` prints in a process that may grow by ROOM_MB after its imports."""
    lines = textwrap.dedent(code).strip().splitlines()
    imports = [line for line in lines if line.startswith(("import ", "from "))]
    limit = f"""
import resource
taken = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + ({ROOM_MB} << 20),) * 2)
"""
    script = "\n".join([f"import sys; sys.path.insert(0, {str(LIBRARY)!r})", *imports, limit])
    script += "\n".join(line for line in lines if line not in imports)
    command = [sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(command, text=True, capture_output=True, timeout=seconds, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def zip_bomb(path, name="data.pkl", megabytes=64):
    """An archive of a member of zeros, about a thousandth of its size."""
    write_zeros(path, name, b"", megabytes)


def write_zeros(path, name, start, megabytes):
    """An archive of one member: `start`, then zeros."""
    archive = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
    with archive, archive.open(name, "w", force_zip64=True) as member:
        member.write(start)
        for _ in range(megabytes):
            member.write(bytes(1 << 20))


def npz_bomb(path, megabytes=1100):
    """A compressed archive of an array of zeros."""
    head = io.BytesIO()
    shape = {"descr": "<f4", "fortran_order": False, "shape": (megabytes << 8, 1024)}
    np.lib.format.write_array_header_1_0(head, shape)
    write_zeros(path, "features.npy", head.getvalue(), megabytes)


def safetensors_of(path, length, header=b"{}"):
    """A file whose header is declared to have `length` bytes."""
    path.write_bytes(struct.pack("<Q", length) + header)


def h5_external(path, secret, name="features"):
    """Features that are the bytes of another file."""
    count = secret.stat().st_size // 8
    with h5py.File(path, "w") as handle:
        handle.create_dataset(name, (count, 2), np.float32, external=[(str(secret), 0, count * 8)])


def h5_bomb(path, name="features", rows=1 << 22, width=1024):
    """Compressed zeros, chunk by chunk: 16 GiB in some megabytes."""
    with h5py.File(path, "w") as handle:
        data = handle.create_dataset(name, (rows, width), np.float32, chunks=(1 << 14, width), compression="gzip")
        first = np.zeros((1 << 14, width), np.float32)
        data[: 1 << 14] = first
        _, packed = data.id.read_direct_chunk((0, 0))
        for start in range(1 << 14, rows, 1 << 14):
            data.id.write_direct_chunk((start, 0), packed)


def nested_json(depth=200_000):
    """Brackets in brackets."""
    return "[" * depth + "]" * depth


def yaml_bomb(levels=12, width=10):
    """Lists of aliases of lists: 10^12 values in a few hundred bytes."""
    lines = ["a0: &a0 [x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * width)}]" for i in range(1, levels + 1)]
    return "\n".join(lines)


def geojson_nested(depth=50_000):
    """Geometry collections in geometry collections."""
    return '{"type":"GeometryCollection","geometries":[' * depth + "]}" * depth


def compact(document):
    """JSON without blanks."""
    return json.dumps(document, separators=(",", ":"))
