"""Pages of the report as a browser has them."""

import base64
import gzip
import re


def unpacked(page: str) -> str:
    """A page with the rows of its tables, which are packed in it, in their place."""
    rows = re.compile(r'<script type="text/plain" id="table-\d+-rows">(.*?)</script>')
    return rows.sub(lambda match: gzip.decompress(base64.b64decode(match[1])).decode(), page)
