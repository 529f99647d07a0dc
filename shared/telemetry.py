"""Logs as lines of JSON, each with the request and the trace that it belongs to."""

import json
import logging
import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple

_TRACEPARENT = re.compile(
    r"^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$"
)
_REQUEST_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{7,63}$")
_DETAIL = re.compile(r"(^DETAIL|^\[parameters|invalid input for query argument).*$", re.MULTILINE)


class Trace(NamedTuple):
    """What a request is known by. `traceparent` is W3C's, version 00, of our own span."""

    request: str
    traceparent: str

    @property
    def id(self) -> str:
        return self.traceparent[3:35]


_current: ContextVar[Trace | None] = ContextVar("thidua_trace", default=None)


def current_trace() -> Trace | None:
    """Of the request at hand; None outside of one."""
    return _current.get()


def trace_of(request: str | None, traceparent: str | None) -> Trace:
    """Go on with what a caller has named, or begin anew where that is missing or malformed."""
    known = request if request and _REQUEST_ID.match(request) else secrets.token_hex(16)
    if traceparent and _TRACEPARENT.match(traceparent):
        return Trace(known, child_of(f"00{traceparent[2:]}"))
    return Trace(known, new_traceparent())


def new_traceparent() -> str:
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def child_of(traceparent: str) -> str:
    """A new span of the same trace."""
    return f"{traceparent[:36]}{secrets.token_hex(8)}{traceparent[52:]}"


@contextmanager
def tracing(trace: Trace) -> Iterator[None]:
    """Every log line and every fact published inside belongs to the trace."""
    token = _current.set(trace)
    try:
        yield
    finally:
        _current.reset(token)


class _JsonLines(logging.Formatter):
    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
        }
        trace = current_trace()
        if trace is not None:
            line |= {"request": trace.request, "trace": trace.id}
        line |= getattr(record, "told", {})
        if record.exc_info:
            line["error"] = without_data(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def without_data(trace: str) -> str:
    """A traceback without the rows and parameters that the database's refusals quote."""
    return _DETAIL.sub(r"\1 …", trace)


def pseudonym(ward: str, person: str) -> str:
    """How the log names a person: the same each time, and nobody's name.

    Ids of people are for wards to choose and may come near a name, so they are not logged. Who
    knows the id finds its lines.
    """
    return sha256(f"{ward}/{person}".encode()).hexdigest()[:12]


def log_to_stderr(service: str, level: str) -> None:
    """Send every log line of this process to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines(service))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("aiokafka").setLevel(max(logging.WARNING, logging.getLevelName(level)))
    logging.getLogger("httpx").setLevel(max(logging.WARNING, logging.getLevelName(level)))
