"""A web server for one weights file, with the faults that a test needs."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from specfeat.published.table import PublishedWeights

CONTENT = bytes(range(256)) * 2000  # half a megabyte
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class WeightsServer(ThreadingHTTPServer):
    """A server that has one file under every path, except under paths with the word "missing".

    Attributes:
        content: the bytes of the file.
        tag: the ETag of the present version of the file.
        cut_after: the number of bytes after which the server ends an answer; None for complete answers.
        remaining_cuts: how many of the next answers are cut.
        has_ranges: whether the server answers a request for the rest of the file with only the rest.
        release: the event that must be set before the server ends an answer; None to end it at once.
        requested_ranges: the Range header of each request, in order.
    """

    content = CONTENT
    tag = '"one"'
    cut_after: int | None = None
    remaining_cuts = 99
    has_ranges = True
    release: threading.Event | None = None
    requested_ranges: list[str | None]

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requested_ranges = []

    def make_entry(self) -> PublishedWeights:
        """Return an entry of the table of published weights, for the first version of the file."""
        return PublishedWeights(
            name="net",
            config="yamnet",
            address=f"http://127.0.0.1:{self.server_port}/net.h5?download=1",
            licence="CC0",
            size=len(CONTENT),
            sha256=DIGEST,
            hash_source="its authors",
        )


@contextmanager
def run_server() -> Iterator[WeightsServer]:
    """Run a server in a thread until the end of the block."""
    with WeightsServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        if server.release:
            server.release.set()
        server.shutdown()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: WeightsServer

    def do_GET(self) -> None:
        """Answer a request with the whole file, or with the rest of the file if the request is for the rest."""
        server, requested_range = self.server, self.headers.get("Range")
        server.requested_ranges.append(requested_range)
        if "missing" in self.path:
            self.send_error(404)
            return
        is_same_version = self.headers.get("If-Range") in (None, server.tag)
        start = 0
        if requested_range and server.has_ranges and is_same_version:
            start = int(requested_range.removeprefix("bytes=").rstrip("-"))
        if start >= len(server.content):
            self.send_error(416)
            return
        self._send_content(start)

    def _send_content(self, start: int) -> None:
        server = self.server
        body, size = server.content[start:], len(server.content)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        self.send_header("ETag", server.tag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if server.cut_after is not None and server.remaining_cuts > 0:
            server.remaining_cuts -= 1
            body = body[: server.cut_after]
        self.wfile.write(body)
        if server.release:
            server.release.wait()

    def log_message(self, *_: Any) -> None:
        """Write nothing to stderr."""
