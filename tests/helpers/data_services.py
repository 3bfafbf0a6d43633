"""A server on this machine that answers as the GDC, the GTEx portal and its buckets do, faults included."""

import hashlib
import json
import re
import threading
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TOKEN = "secret-token-of-the-user-0123456789"

#: What the GDC says of the files that sheets are made of.
DIAGNOSTIC = {"data_type": "Slide Image", "experimental_strategy": "Diagnostic Slide"}
STAR = {"data_type": "Gene Expression Quantification", "analysis": {"workflow_type": "STAR - Counts"}}


class Service:
    """What the server has and how it misbehaves; `asked` holds (method, path, headers) of every request."""

    def __init__(self):
        self.files: dict[str, bytes] = {}  # path -> contents
        self.records: list[dict] = []  # what /files lists, in the GDC's own nesting
        self.images: list[dict] = []  # what /histology/image lists
        self.page = 1000  # most records a page, whatever is asked for
        self.faults: dict[str, list] = {}  # path -> what happens at its next requests, in order
        self.tokens: dict[str, set[str]] = {}  # path -> tokens that may read it
        self.redirects: dict[str, str] = {}
        self.always: dict[str, object] = {}  # path -> what happens at every request: a status, or (status, words)
        self.pages: set[str] = set()  # paths that answer 200 with a page of HTML
        self.warnings: dict[str, str] = {}  # what /files warns of
        self.unknown_fields: set[str] = set()  # fields that left the API: left out of hits, warned of
        self.answers: dict[str, dict] = {}  # slides, profiles -> what /files answers, word for word
        self.history: dict[str, list[dict]] = {}  # file id -> its versions
        self.multipart: set[str] = set()  # paths whose ETag is that of an upload in parts
        self.length = True
        self.ranges = True
        self.etag = True
        self.requests: list[tuple[str, str, dict]] = []
        self.address = ""

    def count(self, path: str) -> int:
        return Counter(requested for _, requested, _ in self.requests)[path]

    def add(self, file_id, name, contents, case, sample, **record):
        """A file of the GDC: its record and its contents."""
        self.files[f"/data/{file_id}"] = contents
        sample_type = record.pop("sample_type", "Primary Tumor")
        project = record.pop("project", "TCGA-XX")
        self.records.append(
            {
                "id": file_id,
                "file_id": file_id,
                "file_name": name,
                "file_size": len(contents),
                "md5sum": hashlib.md5(contents).hexdigest(),
                "access": "open",
                "cases": [
                    {
                        "submitter_id": case,
                        "primary_site": "Breast",
                        "project": {"project_id": project, "program": {"name": project.split("-")[0]}},
                        "samples": [{"submitter_id": sample, "sample_type": sample_type}],
                    }
                ],
            }
            | record
        )


def values_at(record, field: str) -> set:
    """Every value of a dotted field, through lists."""
    values = [record]
    for name in field.split("."):
        values = [inner for value in values for inner in (value if isinstance(value, list) else [value])]
        values = [value[name] for value in values if name in value]
    return {inner for value in values for inner in (value if isinstance(value, list) else [value])}


def without(record, fields: set[str], path: str = ""):
    """A record without some dotted fields."""
    if isinstance(record, list):
        return [without(item, fields, path) for item in record]
    if not isinstance(record, dict):
        return record
    names = {name: f"{path}.{name}".lstrip(".") for name in record}
    return {name: without(value, fields, names[name]) for name, value in record.items() if names[name] not in fields}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.faulty():
            return
        if self.service.answers:
            kinds = [part["content"]["value"] for part in body["filters"]["content"] if "data_type" in str(part)]
            self.send_json(self.service.answers["slides" if "Slide Image" in kinds[0] else "profiles"])
            return
        matching = self.service.records
        for condition in body["filters"]["content"]:
            field, allowed = condition["content"]["field"], set(condition["content"]["value"])
            matching = [record for record in matching if values_at(record, field) & allowed]
        matching = sorted(matching, key=lambda record: record["file_id"])
        hits = matching[body["from"] : body["from"] + min(body["size"], self.service.page)]
        warnings = dict(self.service.warnings)
        if gone := self.service.unknown_fields & set(body["fields"].split(",")):
            warnings["fields"] = f"unrecognized values: [{', '.join(sorted(gone))}]"
            hits = [without(hit, gone) for hit in hits]
        self.send_json({"data": {"hits": hits, "pagination": {"total": len(matching)}}, "warnings": warnings})

    def do_GET(self):
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        if self.faulty():
            return
        if path == "/histology/image":
            number, size = int(query["page"][0]), min(int(query["itemsPerPage"][0]), self.service.page)
            images = self.service.images[number * size : (number + 1) * size]
            self.send_json({"data": images, "paging_info": {"totalNumberOfItems": len(self.service.images)}})
        elif path.startswith("/history/") and path.removeprefix("/history/") in self.service.history:
            self.send_json(self.service.history[path.removeprefix("/history/")])
        elif path.startswith("/files/"):
            self.send_json(
                {"data": next(record for record in self.service.records if path.endswith(record["file_id"]))}
            )
        elif "list-type" in query:
            self.send_list(path, query)
        elif path in self.service.pages:
            self.send_body(b"<!DOCTYPE html><html><body>This page has moved</body></html>", "text/html; charset=utf-8")
        elif path in self.service.redirects:
            self.send_nothing(302, Location=self.service.redirects[path])
        elif path not in self.service.files:
            self.send_nothing(404)
        elif path in self.service.tokens and self.headers.get("X-Auth-Token") not in self.service.tokens[path]:
            self.send_nothing(403)
        else:
            self.send_file(self.service.files[path])

    def faulty(self) -> bool:
        """The next fault of this path: a status (and Retry-After), 'cut' after so many bytes, or 'wrong' contents."""
        path = urlsplit(self.path).path
        with self.service.lock:
            self.service.requests.append((self.command, path, dict(self.headers)))
            faults = self.service.faults.get(path) or [None]
            fault = faults.pop(0) or self.service.always.get(path)
        self.cut, self.wrong = None, False
        if isinstance(fault, tuple) and fault[0] == "cut":
            self.cut = fault[1]
        elif fault == "wrong":
            self.wrong = True
        elif fault:
            status, more = fault if isinstance(fault, tuple) else (fault, {})
            if isinstance(more, str):
                self.send_body(json.dumps({"message": more}).encode(), "application/json", status)
            else:
                self.send_nothing(status, **more)
            return True
        return False

    def send_file(self, contents: bytes):
        start, etag = 0, self.etag_of(urlsplit(self.path).path, contents)
        if self.headers.get("If-Match", etag) != etag:
            return self.send_nothing(412)
        byte_range = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if byte_range and self.service.ranges and self.headers.get("If-Range", etag) == etag:
            start = int(byte_range[1])
            if start >= len(contents):
                return self.send_nothing(416)
        end = int(byte_range[2]) + 1 if byte_range and byte_range[2] and self.service.ranges else len(contents)
        body = contents[start:end]
        body = bytes(255 - byte for byte in body) if self.wrong else body
        self.send_response(206 if start or end < len(contents) else 200)
        if start or end < len(contents):
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(contents)}")
        if self.service.etag:
            self.send_header("ETag", etag)
        if self.service.length:
            self.send_header("Content-Length", str(len(body)))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if self.cut is not None:
            self.wfile.write(body[: self.cut])
            self.close_connection = True
        else:
            self.wfile.write(body)

    def etag_of(self, path: str, contents: bytes) -> str:
        """As a bucket has it: the MD5, or that of an upload in parts."""
        return f'"{hashlib.md5(contents).hexdigest()}{"-2" if path in self.service.multipart else ""}"'

    def send_list(self, bucket: str, query):
        """A bucket's objects under a prefix, `page` at a time (ListObjectsV2)."""
        prefix, start = query["prefix"][0], int(query.get("continuation-token", ["0"])[0])
        paths = sorted(path for path in self.service.files if path.startswith(f"{bucket.rstrip('/')}/{prefix}"))
        page = paths[start : start + self.service.page]
        entries = "".join(
            f"<Contents><Key>{path.removeprefix(bucket.rstrip('/') + '/')}</Key>"
            f"<ETag>{self.etag_of(path, self.service.files[path]).replace(chr(34), '&quot;')}</ETag>"
            f"<Size>{len(self.service.files[path])}</Size></Contents>"
            for path in page
        )
        more = len(paths) > start + len(page)
        token = f"<NextContinuationToken>{start + len(page)}</NextContinuationToken>" if more else ""
        text = (
            f'<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{entries}{token}'
        )
        self.send_body(f"{text}</ListBucketResult>".encode(), "application/xml")

    def send_json(self, value):
        self.send_body(json.dumps(value).encode(), "application/json")

    def send_body(self, body: bytes, kind: str, status: int = 200):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_nothing(self, status: int, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextmanager
def serving(service: Service | None = None):
    """A running Service; its address is `service.address`."""
    service = service or Service()
    service.lock = threading.Lock()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"service": service}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    service.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
