"""Check Parquet files of others before reading them."""

from __future__ import annotations

import os

from .given_files import too_large
from .given_text import Refused

#: Largest plausible ratio of unpacked to packed size. Parquet packs column by column: a gene's flags in
#: 10,000 samples, all of them 0, take 250 bytes.
GROWTH_OF_COLUMNS = 4000


def check_parquet(path: str | os.PathLike[str]) -> None:
    """Raise Refused for a Parquet file that claims more cells than its bytes can hold.

    Raises pyarrow.ArrowException, or OSError, where it is none.
    """
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(path, memory_map=True) as file:
        metadata = file.metadata
        rows, columns = metadata.num_rows, metadata.num_columns
        groups = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    if too_large(max(8 * rows * columns, groups), size := os.path.getsize(path), GROWTH_OF_COLUMNS):
        raise Refused(f"{rows} rows of {columns} columns in {size} bytes: not plausible")
