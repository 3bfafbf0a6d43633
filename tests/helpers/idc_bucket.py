"""An index as the Imaging Data Commons publishes it, and series of slides as objects of its bucket."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
from dicom_files import write_instance
from molpath.acquire.idc import COLUMNS, NAMES

UID = "1.3.6.1.4.1.5962.99.1"
BUCKET = "idc-open-data"


def write_index(folder: Path, series: list[tuple]) -> dict[str, str]:
    """idc_index.parquet, sm_index.parquet and collections_index.parquet; the settings that name the first two.

    series: collection, case, end of the series' UID, description, name of the slide, place, modality and perhaps bytes.
    """
    rows = [
        (collection, None, case, f"{UID}.{end}", text, modality, "10.5281/zenodo.1", "CC BY 4.0", "JPEG Baseline")
        + (f"s3://{BUCKET}/uuid-{end}/*", size[0] / 1e6 if size else 1.000001 * int(end))
        for collection, case, end, text, _, _, modality, *size in series
    ]
    table = pa.Table.from_pandas(pd.DataFrame(rows, columns=list(COLUMNS)))
    metadata = table.schema.metadata | {b"idc_index_data_version": b"25.0.5-0-gf08b112"}
    folder.mkdir(parents=True, exist_ok=True)
    parquet.write_table(table.replace_schema_metadata(metadata), folder / "idc_index.parquet")
    names = [(f"{UID}.{row[2]}", row[4], row[5]) for row in series]
    pd.DataFrame(names, columns=list(NAMES)).to_parquet(folder / "sm_index.parquet")
    places = [("tcga_skcm", "Skin"), ("gtex", "Various"), ("cptac_luad", "Lung"), ("tcga_kich", "Kidney, Liver")]
    pd.DataFrame(places, columns=["collection_id", "tumor_locations"]).to_parquet(folder / "collections_index.parquet")
    return {"idc_index": str(folder / "idc_index.parquet"), "idc_names": str(folder / "sm_index.parquet")}


def series_of(pixels: np.ndarray, end: str, folder: Path, mpp: float = 0.5) -> dict[str, bytes]:
    """A slide of two levels as objects of the bucket, by path; `pixels`: height and width are multiples of 256."""
    folder.mkdir(parents=True, exist_ok=True)
    objects = {}
    for number, level in enumerate((pixels, pixels[::4, ::4]), start=1):
        kind, path = "NONE" if number == 1 else "RESAMPLED", folder / f"{end}-{number}.dcm"
        write_instance(path, level, mpp * 4 ** (number - 1), f"{UID}.{end}", number, kind)
        objects[f"/{BUCKET}/uuid-{end}/{number}.dcm"] = path.read_bytes()
    return objects
