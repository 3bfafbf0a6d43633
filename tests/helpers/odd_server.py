"""Servers on this machine that answer as a test says, rules of HTTP or none, and downloads from them."""

import hashlib
import random
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from molpath.acquire import web
from molpath.acquire.download import download_files
from molpath.common.files import read_tsv

CONTENTS = b"II*\0" + random.Random(0).randbytes(1_000_000)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        path = self.path.split("?")[0]
        number = sum(1 for requested, _ in self.server.requests if requested == path)
        self.server.requests.append((path, dict(self.headers)))
        self.server.routes.get(path, self.server.routes.get("*", lambda h, n: h.answer(404)))(self, number)

    @property
    def start(self) -> int:
        byte_range = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        return int(byte_range[1]) if byte_range else 0

    def answer(self, status, body=b"", send=None, length=True, **headers):
        """An answer, cut off after `send` bytes."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if length:
            self.send_header("Content-Length", str(len(body)))
        self.close_connection = not length or send is not None
        self.end_headers()
        self.wfile.write(body[:send])

    def piece(self, contents, start, end=None, **more):
        """Bytes `start` to `end` of `contents`, as 206 where they are not all."""
        end = len(contents) if end is None else min(end, len(contents))
        if start or end < len(contents):
            more["Content_Range"] = f"bytes {start}-{end - 1}/{len(contents)}"
        self.answer(206 if "Content_Range" in more else 200, contents[start:end], **more)


@contextmanager
def odd_servers():
    """A function that starts servers: they answer as their `routes` say; `asked` holds path and headers."""
    servers = []

    def start(everything=None, **routes):
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.requests, server.routes = [], routes | ({"*": everything} if everything else {})
        server.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def file_of(server, folder: Path, path="/a.svs", contents=CONTENTS, **changes) -> dict:
    row = {"id": path[1:], "path": str(folder / "files" / path[1:]), "url": server.address + path}
    return row | {"md5": hashlib.md5(contents).hexdigest(), "bytes": str(len(contents))} | changes


def download(folder: Path, *files: dict, host="", attempts=3, **options):
    service = web.Service(attempts=attempts, wait_s=0.01, timeout_s=5, token_host=host)
    download_files(files=files, manifest=str(folder / "manifest.tsv"), service=service, **options)
    return read_tsv(folder / "manifest.tsv").set_index("id")
