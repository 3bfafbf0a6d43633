"""Whether a downloaded file begins as its suffix promises, for files without an announced MD5."""

from __future__ import annotations

from pathlib import Path

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_GZIP, _ZIP, _HDF5, _JPEG = (b"\x1f\x8b",), (b"PK\x03\x04",), (b"\x89HDF\r\n\x1a\n",), (b"\xff\xd8\xff",)
#: First bytes by suffix. Suffixes that several formats share are left out: those files are checked for HTML only.
STARTS: dict[str, tuple[bytes, ...]] = {
    **dict.fromkeys((".svs", ".tif", ".tiff", ".btf", ".ndpi", ".scn", ".bif", ".svslide", ".qptiff"), _TIFF),
    **dict.fromkeys((".gz", ".tgz", ".bgz"), _GZIP),
    **dict.fromkeys((".zip", ".xlsx", ".npz"), _ZIP),
    **dict.fromkeys((".h5", ".h5ad", ".hdf5"), _HDF5),
    **dict.fromkeys((".jpg", ".jpeg", ".mrxs"), _JPEG),
    ".png": (b"\x89PNG\r\n\x1a\n",),
    ".czi": (b"ZISRAWFILE",),
    ".parquet": (b"PAR1",),
    ".bz2": (b"BZh",),
    ".xz": (b"\xfd7zXZ\0",),
}
#: Suffixes of tables, which are text.
TEXT = (".tsv", ".txt", ".csv", ".maf", ".vcf", ".gct", ".seg")
_PAGE = (b"<!doctype html", b"<html")
_HEAD = 1024


def wrong_start(path: Path, name: str) -> str:
    """Why the file at `path` is not of the type that the suffix of `name` promises; '' if it may be."""
    with open(path, "rb") as handle:
        head = handle.read(_HEAD)
    suffix = Path(name).suffix.lower()
    if not head:
        return "it is empty"
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:14].lower().startswith(_PAGE) and suffix not in (".html", ".htm"):
        return "it is a page of a website (HTML)"
    if suffix == ".dcm":
        return "" if head[128:132] == b"DICM" else "it does not begin as a DICOM file does"
    if suffix in STARTS:
        return "" if head.startswith(STARTS[suffix]) else f"it does not begin as a file that ends in {suffix} does"
    if suffix in TEXT and head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<", b'{"', b"{\n", b"{ ", b"[{")):
        return "it is not a table but a service's own answer (XML or JSON)"
    return "it is not text" if suffix in TEXT and b"\0" in head else ""


def is_page(content_type: str, name: str) -> bool:
    """True if the answer is HTML and the file should not be."""
    return "html" in content_type.lower() and Path(name).suffix.lower() not in (".html", ".htm")
