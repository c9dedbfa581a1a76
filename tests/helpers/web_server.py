"""A web server with files for tests, which can fail."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class WebServer:
    """The files of a server, and how it answers.

    Attributes:
        address: the beginning of its addresses.
        files: the content of each file by its path, which begins with a slash.
        failures: how many of the next downloads fail.
        failure: how they fail: by an HTTP status code, or by "cut" for an answer that breaks off.
        has_etags: whether answers have an ETag.
        has_sizes: whether answers have a length.
        downloads: the paths of the downloads so far, failed ones included.
    """

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    failures: int = 0
    failure: int | str = 503
    has_etags: bool = True
    has_sizes: bool = True
    downloads: list[str] = field(default_factory=list)

    def answer(self, request: BaseHTTPRequestHandler, *, is_download: bool) -> None:
        """Answer a request."""
        content = self.files.get(request.path)
        is_failure = is_download and self.failures > 0
        self.failures -= is_failure
        self.downloads += [request.path] if is_download else []
        if content is None or (is_failure and self.failure != "cut"):
            request.send_error(404 if content is None else int(self.failure))
            return
        request.send_response(200)
        if self.has_etags:
            request.send_header("ETag", f'"{hash(content)}"')
        if self.has_sizes:
            request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        if is_download:
            request.wfile.write(content[:100] if is_failure else content)


@contextmanager
def serve_files() -> Iterator[WebServer]:
    """Start a server, which is stopped at the end of the block."""
    server = WebServer()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            server.answer(self, is_download=False)

        def do_GET(self) -> None:
            server.answer(self, is_download=True)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server.address = f"http://127.0.0.1:{http.server_address[1]}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
