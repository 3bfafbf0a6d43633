"""A server on this machine that answers as the Hugging Face hub does for a gated data set."""

import hashlib
import threading
from collections.abc import Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ROOT = "/datasets/MahmoodLab/Patho-Bench/resolve/"


class Hub(BaseHTTPRequestHandler):
    """Patho-Bench is open to who has the token; every other data set is closed."""

    files: Mapping[str, bytes]  # name in the data set -> contents
    token: str

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        name = self.path.removeprefix(ROOT).split("/", 1)[-1].replace("%3D", "=")
        allowed = self.path.startswith(ROOT) and self.headers.get("Authorization") == f"Bearer {self.token}"
        headers = {"Content-Length": "0"}
        self.contents = b""
        if not allowed:
            status, headers["X-Error-Code"] = 403, "GatedRepo"
        elif name not in self.files:
            status, headers["X-Error-Code"] = 404, "EntryNotFound"
        else:
            status, self.contents = 200, self.files[name]
            digest = hashlib.sha1(self.contents).hexdigest()
            headers = {"X-Repo-Commit": "0" * 40, "ETag": f'"{digest}"', "Content-Length": str(len(self.contents))}
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()

    def do_GET(self):
        self.do_HEAD()
        self.wfile.write(self.contents)


@contextmanager
def serving_hub(files: Mapping[str, bytes], token: str):
    """Address of a running hub that has `files` for who sends `token`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Hub,), {"files": files, "token": token}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
