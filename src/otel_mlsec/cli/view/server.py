"""The page's server: on 127.0.0.1, for whoever has the token that was printed, and for no other page in the browser."""

from __future__ import annotations

import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler
from importlib.resources import files
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from otel_mlsec.cli.local import LocalServer
from otel_mlsec.cli.show import finite
from otel_mlsec.cli.view import questions
from otel_mlsec.cli.view.store import Store
from otel_mlsec.errors import contained

MAX_CONNECTIONS: Final = 32
MAX_FOLLOWERS: Final = 16  # pages that are told of changes
PATIENCE: Final = 30.0  # s that a connection may be silent
PACE: Final = 0.5  # s between two changes that a page is told of
PULSE: Final = 15.0  # s after which a page hears something, so that either side notices when the other has gone
KINDS: Final = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
HEADERS: Final = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}

Question = Callable[[Store, Mapping[str, str]], Any]
API: Final[Mapping[str, Question]] = {
    "/api/incidents": questions.incidents,
    "/api/incident": lambda store, asked: questions.incident(store, asked.get("key", "")),
    "/api/trace": lambda store, asked: questions.trace(store, asked.get("id", "")),
    "/api/scores": lambda store, asked: questions.scores(store, questions.number(asked.get("since", ""))),
    "/api/health": lambda store, _: questions.health(store),
}


class Page(LocalServer):
    def __init__(self, store: Store, *, port: int, token: str = "", about: Mapping[str, str] | None = None) -> None:
        self.store, self.about = store, dict(about or {})
        self.token = token or secrets.token_urlsafe(24)
        self.stopping = threading.Event()
        self.followers = threading.BoundedSemaphore(MAX_FOLLOWERS)
        super().__init__(_Handler, port=port, most=MAX_CONNECTIONS, name="view")

    @property
    def address(self) -> str:
        """With the token: whoever opens it may see all."""
        return f"{self.url}/?token={self.token}"

    @property
    def cookie(self) -> str:
        return f"otel-mlsec-view-{self.port}"  # cookies know hosts and no ports

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        super().__exit__()


class _Handler(BaseHTTPRequestHandler):
    server: Page  # pyright: ignore[reportIncompatibleVariableOverride] - whom it is made by
    protocol_version = "HTTP/1.1"
    timeout = PATIENCE
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        try:
            parts = urlsplit(self.path)
            asked = dict(parse_qsl(parts.query, keep_blank_values=True, max_num_fields=32))
        except ValueError:  # no address, or too much of one
            self._say(400, "this is no address of the page")
            return
        if not self._from_here():
            self._say(403, "this page is for this machine")
        elif parts.path == "/" and "token" in asked:
            self._let_in(asked["token"])
        elif not self._known():
            self._say(401, "open the address that `otel-mlsec view` has printed: it has a token in it")
        elif parts.path == "/api/changes":
            self._follow()
        elif parts.path == "/api/about":
            self._json(self.server.about)
        elif parts.path in API:
            self._answer_question(API[parts.path], asked)
        else:
            self._file("index.html" if parts.path == "/" else parts.path.removeprefix("/page/"))

    def _from_here(self) -> bool:
        """A name that some other site has made to mean 127.0.0.1 is none of ours; nor is a request of another site's page."""
        host = self.headers.get("host", "")
        site = self.headers.get("sec-fetch-site", "none")
        return host in (f"127.0.0.1:{self.server.port}", f"localhost:{self.server.port}") and site in ("none", "same-origin")

    def _let_in(self, token: str) -> None:
        """The token becomes a cookie, so that it stays out of histories and of what the page sends."""
        if not hmac.compare_digest(token.encode(), self.server.token.encode()):
            self._say(401, "the token is another one: open the address that was printed last")
            return
        cookie = f"{self.server.cookie}={self.server.token}; HttpOnly; SameSite=Strict; Path=/"
        self._send(303, b"", {"location": "/", "set-cookie": cookie})

    def _known(self) -> bool:
        try:
            morsel = SimpleCookie(self.headers.get("cookie", "")).get(self.server.cookie)
        except CookieError:
            return False
        return morsel is not None and hmac.compare_digest(morsel.value.encode(), self.server.token.encode())

    def _answer_question(self, question: Question, asked: Mapping[str, str]) -> None:
        answer: Any = None
        with contained("cli.view"):
            answer = question(self.server.store, asked)
        self._json(answer, 200 if answer is not None else 404)

    def _file(self, name: str) -> None:
        found = files("otel_mlsec.cli.view").joinpath("page").joinpath(name) if name.replace(".", "").isalnum() else None
        if found is None or not found.is_file():
            self._say(404, "there is no such page")
            return
        self._send(200, found.read_bytes(), {"content-type": f"{KINDS[name.rpartition('.')[2]]}; charset=utf-8"})

    def _follow(self) -> None:
        """Server-sent events: the number of the last change, whenever there is one."""
        if not self.server.followers.acquire(blocking=False):
            self._say(503, "too many pages are open")
            return
        try:
            self.close_connection = True
            self._head(200, {"content-type": "text/event-stream", "connection": "close"})
            self._follow_until_gone()
        finally:
            self.server.followers.release()

    def _follow_until_gone(self) -> None:
        said, heard = -1, 0.0
        while not self.server.stopping.is_set():
            version, now = self.server.store.version, time.monotonic()
            if version != said or now - heard > PULSE:
                said, heard = version, now
                self.wfile.write(f"data: {version}\n\n".encode())
            self.server.stopping.wait(PACE)

    def _json(self, tree: Any, status: int = 200) -> None:
        self._send(status, json.dumps(finite(tree), allow_nan=False).encode(), {"content-type": "application/json"})

    def _say(self, status: int, sentence: str) -> None:
        self._send(status, f"{sentence}\n".encode(), {"content-type": "text/plain; charset=utf-8"})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self._head(status, {**headers, "content-length": str(len(body))})
        self.wfile.write(body)

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**HEADERS, **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def version_string(self) -> str:
        return "otel-mlsec"

    def log_message(self, format: str, *args: Any) -> None:
        """The terminal is for findings."""
