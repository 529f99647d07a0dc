"""What every answer of every service has in common, and what is refused before any route.

One layer around the whole app (plain ASGI): request and trace id, a line in the log, security
headers, the Host check, the CSRF check, the pace, the body limit, and a problem for every fault.
"""

import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from starlette.datastructures import Headers
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.messaging.errors import is_transient
from shared.settings import Settings
from shared.telemetry import Trace, pseudonym, trace_of, tracing
from shared.web.etag import answer_not_modified
from shared.web.identity import Person, bearer_of, token_cookie
from shared.web.limits import Pace
from shared.web.once import answer_again
from shared.web.pages import error_page
from shared.web.problems import (
    Problem,
    answer_with_problems,
    forbidden,
    http_problem,
    respond,
    unexpected,
)

log = logging.getLogger(__name__)
access_log = logging.getLogger("shared.web.access_log")

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
PROBES = frozenset({"livez", "readyz", "flow", "metrics"})
"""Last parts of the paths that the machine room asks for, at its own pace."""
YEAR_SECONDS = 365 * 24 * 3600
CSP = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:;"
    " script-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none';"
    " base-uri 'none'"
)
PDF_CSP = "frame-ancestors 'none'"
"""A browser's own viewer of PDF is not to be kept from its styles."""
_ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cache-control": "no-store",
}


def polite(app: FastAPI, settings: Settings, service: str) -> None:
    """Give an app its manners; to be called once, before its routers are included."""
    answer_with_problems(app)
    answer_again(app)
    answer_not_modified(app)
    app.state.error_page = error_page
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=settings.body_limit)
    app.add_middleware(Manners, house=House.of(settings, service))


@dataclass(frozen=True, slots=True)
class House:
    """What the manners rest on.

    `hosts`: names besides the origin's under which it may be called; None: any.
    """

    service: str
    origin: str
    hosts: frozenset[str] | None
    cookie: str
    pace: Pace
    headers: tuple[tuple[bytes, bytes], ...] = field(default=())

    @classmethod
    def of(cls, settings: Settings, service: str) -> "House":
        internal = frozenset(filter(None, settings.internal_hosts.replace(" ", "").split(",")))
        hosts = internal | {service} if settings.env == "production" else None
        always = dict(_ALWAYS)
        if settings.origin.startswith("https:"):
            always["strict-transport-security"] = f"max-age={YEAR_SECONDS}"
        headers = tuple((name.encode(), value.encode()) for name, value in always.items())
        cookie = token_cookie(settings.origin)
        return cls(service, settings.origin, hosts, cookie, Pace(settings.per_minute), headers)


class Manners:
    """The layer itself."""

    def __init__(self, app: ASGIApp, house: House) -> None:
        self._app, self._house = app, house

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})
        headers = Headers(scope=scope)
        trace = trace_of(headers.get("x-request-id"), headers.get("traceparent"))
        scope["state"]["request_id"] = trace.request
        answer = _Answer(Request(scope, receive), self._house, trace, send)
        started = time.perf_counter()
        with tracing(trace):
            try:
                await self._answer(answer, receive)
            finally:
                _write_down(answer, time.perf_counter() - started)

    async def _answer(self, answer: "_Answer", receive: Receive) -> None:
        request, house = answer.request, self._house
        try:
            token = _token_of(request, house)
            if problem := refusal(request, house, token):
                await respond(request, problem)(request.scope, receive, answer.send)
                return
            await self._app(request.scope, receive, answer.send)
            person: Person | None = request.scope["state"].get("person")
            if person is not None and token:
                house.pace.learn(token, f"{person.ward}/{person.id}")
        except Exception as error:
            _log_fault(error)
            if answer.status:
                raise
            await respond(request, unexpected(error))(request.scope, receive, answer.send)


def _log_fault(error: Exception) -> None:
    if is_transient(error):
        log.warning("a request could not be answered now: %s", type(error).__name__)
    else:
        log.error("a request failed", exc_info=error)


@dataclass(slots=True)
class _Answer:
    """What goes out: the app's answer with the headers of the house."""

    request: Request
    house: House
    trace: Trace
    _send: Send
    status: int = 0
    _replaced: bool = False

    async def send(self, message: Message) -> None:
        if self._replaced and message["type"] == "http.response.body":
            return
        if message["type"] == "http.response.start":
            present = dict(message.get("headers", ()))
            kind = present.get(b"content-type", b"")
            if message["status"] == 413 and kind.startswith(b"text/plain"):
                await self._too_large()
                return
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), *self._added(present, kind)]
        await self._send(message)

    async def _too_large(self) -> None:
        """Starlette's own answer is no problem document."""
        response = respond(self.request, http_problem(413))
        await response(self.request.scope, self.request.receive, self.send)
        self._replaced = True

    def _added(self, present: Mapping[bytes, bytes], kind: bytes) -> Iterable[tuple[bytes, bytes]]:
        yield b"x-request-id", self.trace.request.encode()
        yield b"traceparent", self.trace.traceparent.encode()
        if b"content-security-policy" not in present:
            policy = PDF_CSP if kind.startswith(b"application/pdf") else CSP
            yield b"content-security-policy", policy.encode()
        yield from (pair for pair in self.house.headers if pair[0] not in present)


def _token_of(request: Request, house: House) -> str:
    return bearer_of(request) or request.cookies.get(house.cookie, "")


def refusal(request: Request, house: House, token: str) -> Problem | None:
    """Why a request goes no further, or None."""
    if request.url.path.rpartition("/")[2] in PROBES:
        return None
    if house.hosts is not None and not _is_ours(request, house):
        return http_problem(421)
    if _holds_a_nul(request.scope):
        return http_problem(400)
    if request.method not in SAFE and not _comes_from_us(request, house.origin):
        return _FROM_ELSEWHERE
    source = request.client.host if request.client else ""
    seconds = house.pace.take(token, f"@{source}")
    if seconds:
        return _too_many(seconds)
    return None


def _holds_a_nul(scope: Scope) -> bool:
    """No name of ours holds one, and no database takes it."""
    return "\x00" in scope["path"] or b"%00" in scope["query_string"]


def _is_ours(request: Request, house: House) -> bool:
    """An internal name counts with any port, the public one with its own alone."""
    host = request.headers.get("host", "").lower()
    internal = house.hosts or frozenset()
    if host == urlsplit(house.origin).netloc.lower():
        return True
    return host in internal or host.rpartition(":")[0] in internal


def _comes_from_us(request: Request, origin: str) -> bool:
    """Whether our own page sent it, or somebody whom no cookie lets in.

    A browser says so itself (Sec-Fetch-Site), an older one names the page's origin.
    """
    headers = request.headers
    if "authorization" in headers:
        return True
    if site := headers.get("sec-fetch-site"):
        return site in {"same-origin", "none"}
    if named := headers.get("origin") or headers.get("referer"):
        parts = urlsplit(named)
        return f"{parts.scheme}://{parts.netloc}".lower() == origin.lower()
    return "cookie" not in headers


_FROM_ELSEWHERE = forbidden("Yêu cầu này đến từ một trang khác, nên không được thực hiện.")
_FROM_ELSEWHERE.name = "cross-site"


def _too_many(seconds: int) -> Problem:
    return Problem(
        HTTPStatus.TOO_MANY_REQUESTS,
        "too-many-requests",
        "Gửi quá nhiều yêu cầu",
        f"Xin thử lại sau {seconds} giây.",
        headers={"Retry-After": str(seconds)},
    )


def _write_down(answer: _Answer, seconds: float) -> None:
    """One line a request: never the path or query as sent, which may hold personal data."""
    scope = answer.request.scope
    template: Any = getattr(scope.get("route"), "path", None)
    if template is not None and template.rpartition("/")[2] in PROBES:
        return
    person: Person | None = scope["state"].get("person")
    told = {
        "method": scope["method"],
        "route": template or "none",
        "status": answer.status or 499,
        "ms": round(seconds * 1000, 1),
    }
    if person is not None:
        told["who"] = pseudonym(person.ward, person.id)
    access_log.info("%s %s", told["method"], told["route"], extra={"told": told})
