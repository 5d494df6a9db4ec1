"""Google's storage on this machine: an emulator behind real HTTP, and faults on the way to it."""

import contextlib
import functools
import io
import itertools
import socket
import threading
import time
import warnings
from collections.abc import Iterator

SLOW = 0.8  # s


class Faults:
    """What happens to the next requests, whatever they ask for.

    Attributes:
      waiting: "503" (try again later), "cut" (the connection ends without an answer), "half" (it ends in the middle of
        the answer), "slow" (the answer takes SLOW seconds) or None, first one first.
      hit: how many there have been.
    """

    def __init__(self):
        self.waiting: list[str | None] = []
        self.hit = 0
        self._lock = threading.Lock()

    def next(self) -> str | None:
        with self._lock:
            if not self.waiting:
                return None
            fault = self.waiting.pop(0)
            self.hit += fault is not None
            return fault


_buckets = (f"ocean-{number}" for number in itertools.count())
"""One for each emulator: clients remember what they have listed."""


@functools.cache
def _port() -> int:
    """A free port; the same for all emulators of a process, because clients keep the first one that they see."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def emulator(environment) -> Iterator[tuple[str, Faults]]:
    """(bucket, faults) of a running emulator to which `environment` (a monkeypatch of pytest) points all clients."""
    from gcp_storage_emulator import server

    faults, handler = Faults(), server.RequestHandler

    def faulty(method):
        def handle(self):
            fault = faults.next()
            if fault == "503":
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(503)
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif fault == "cut":
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
            elif fault == "half":
                wire, self.wfile = self.wfile, io.BytesIO()
                method(self)
                answer, self.wfile = self.wfile.getvalue(), wire
                self.wfile.write(answer[: max(len(answer) - 20, 1)])
                self.wfile.flush()
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
            else:
                time.sleep(SLOW if fault == "slow" else 0.0)
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the client has gone
                    method(self)

        return handle

    for name in ("do_GET", "do_POST", "do_PUT", "do_DELETE", "do_PATCH"):
        if hasattr(handler, name):
            environment.setattr(handler, name, faulty(getattr(handler, name)))
    environment.setattr(server.server.HTTPServer, "allow_reuse_address", True)
    environment.setattr(server.server.HTTPServer, "request_queue_size", 256)  # clients open many connections at a time
    environment.setattr(handler, "log_message", lambda *arguments: None)
    port = _port()
    url = f"http://127.0.0.1:{port}"
    # gcsfs and google.cloud.storage; gcsfs without credentials; orbax writes arrays through tensorstore
    environment.setenv("STORAGE_EMULATOR_HOST", url)
    environment.setenv("FSSPEC_GS_TOKEN", "anon")
    environment.setenv("TENSORSTORE_GCS_HTTP_URL", url)
    environment.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import fsspec
        import gcsfs
    fsspec.config.set_conf_env(fsspec.config.conf)
    gcsfs.GCSFileSystem.clear_instance_cache()
    bucket = next(_buckets)
    running = server.create_server("127.0.0.1", port, in_memory=True, default_bucket=bucket)
    running.start()
    try:
        yield f"gs://{bucket}", faults
    finally:
        running.stop()
        gcsfs.GCSFileSystem.clear_instance_cache()
        fsspec.config.conf.pop("gs", None)
