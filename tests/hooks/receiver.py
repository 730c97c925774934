"""Somebody else's program: a real HTTP server that checks signatures by itself, as the specification says."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answering = Callable[[int, dict[str, Any]], tuple[int, dict[str, str], bytes]]


def well(_number: int, _payload: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    return 204, {}, b""


def valid(secret: str, headers: Any, body: bytes) -> bool:
    """Check as a receiver would, on nothing of ours: any `v1` signature of the header may be the right one."""
    key = base64.b64decode(secret.split("_", 1)[1])
    content = headers["webhook-id"] + "." + headers["webhook-timestamp"] + "." + body.decode()
    wanted = base64.b64encode(hmac.new(key, content.encode(), hashlib.sha256).digest()).decode()
    given = [one.partition(",") for one in headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(signature, wanted) for version, _, signature in given)


@dataclass
class Receiver:
    """What came, in order; `answering` decides what each request is answered with."""

    answering: Answering = well
    came: list[dict[str, Any]] = field(default_factory=list)
    raw: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    _server: Any = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> "Receiver":
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                with receiver._lock:
                    receiver.raw.append(({name.lower(): value for name, value in self.headers.items()}, body))
                    receiver.came.append(json.loads(body))
                    number = len(receiver.came)
                status, headers, answer = receiver.answering(number, json.loads(body))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if "content-length" not in headers:
                    self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    @property
    def kinds(self) -> list[str]:
        return [one["type"] for one in self.came]

    def of(self, kind: str) -> dict[str, Any]:
        """Return the data of the one event of a kind; several requests are on their way at once, in no order."""
        [found] = [one["data"] for one in self.came if one["type"] == kind]
        return dict(found)

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.raw]

    def valid(self, secret: str) -> list[bool]:
        return [valid(secret, headers, body) for headers, body in self.raw]

    def wait(self, count: int, seconds: float = 20) -> None:
        """Wait until so many requests have come."""
        end = time.monotonic() + seconds
        while len(self.came) < count and time.monotonic() < end:
            time.sleep(0.02)
        assert len(self.came) >= count, self.kinds

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
