"""What every answer has in common, and what no request gets past."""

import io
import json
import logging
import time
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from shared.messaging.envelope import new_envelope
from shared.settings import Settings
from shared.telemetry import _JsonLines, current_trace, pseudonym, trace_of
from shared.web.identity import Person
from shared.web.limits import Pace
from shared.web.manners import CSP, polite
from tests.kernel import NOW, Counted

pytestmark = pytest.mark.unit

ORIGIN = "https://thi-dua.tu-minh.example"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OFFICER = Person("phong-vhxh.officer", "Công chức", frozenset({"officer"}), "phong-vhxh", "tu-minh")


class Named(BaseModel, extra="forbid"):
    name: str


def settings(**other: Any) -> Settings:
    usual = {"database_url": "none", "kafka": "none", "env": "local", "origin": ORIGIN}
    return Settings.model_validate(usual | other)


def app(**other: Any) -> FastAPI:
    made = FastAPI()
    polite(made, settings(**other), "tiny")

    @made.get("/tiny/people/{person}")
    async def show(person: str, request: Request, days: Annotated[int, Query(le=9)] = 1) -> str:
        request.state.person = OFFICER
        logging.getLogger("tiny").info("shown")
        trace = current_trace()
        assert trace is not None
        return trace.traceparent

    @made.post("/tiny/people")
    async def enter(named: Named) -> int:
        return len(named.name)

    @made.get("/tiny/livez")
    async def livez() -> None: ...

    @made.get("/tiny/page", response_class=HTMLResponse)
    async def page() -> str:
        return "<p>x"

    @made.get("/tiny/sheet")
    async def sheet() -> Response:
        return Response(b"%PDF", media_type="application/pdf", headers={"Cache-Control": "private"})

    @made.get("/tiny/bug")
    async def bug() -> None:
        raise ZeroDivisionError("tieu-hoc-1@tu-minh.example")

    @made.get("/tiny/teapot")
    async def teapot() -> None:
        raise HTTPException(418)

    return made


def client_of(made: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(made), base_url=ORIGIN)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app()) as opened:
        yield opened


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """What is logged, as the lines of JSON that it becomes."""
    found: list[dict[str, Any]] = []
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(_JsonLines("tiny"))
    handler.emit = lambda record: found.append(  # type: ignore[method-assign]
        json.loads(handler.format(record))
    )
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield found
    root.removeHandler(handler)
    root.setLevel(level)


async def test_every_answer_carries_its_request_and_its_trace(client: httpx.AsyncClient) -> None:
    sent = {"x-request-id": "den-tu-cong-thong-tin-1", "traceparent": TRACE}
    for path in ("/tiny/people/1", "/tiny/nowhere", "/tiny/bug", "/tiny/people/1?days=x"):
        answer = await client.get(path, headers=sent)
        assert answer.headers["x-request-id"] == sent["x-request-id"], path
        assert answer.headers["traceparent"].split("-")[1] == TRACE.split("-")[1], path
        assert answer.headers["traceparent"] != TRACE, "a span of our own"
        if answer.is_error:
            assert answer.json()["instance"] == f"urn:thidua:request:{sent['x-request-id']}"


@pytest.mark.parametrize("bad", ["short", "x" * 65, "có dấu-1234", "a b c d e f g", "-" * 12])
def test_a_strange_request_id_is_replaced(bad: str) -> None:
    assert trace_of(bad, None).request != bad
    assert trace_of("den-tu-cong-1", None).request == "den-tu-cong-1"


@pytest.mark.parametrize(
    "bad",
    [
        "",
        TRACE[:-1],
        TRACE.upper(),
        f"ff{TRACE[2:]}",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01",
    ],
)
def test_a_malformed_trace_is_begun_anew(bad: str) -> None:
    begun = trace_of(None, bad)
    assert begun.id != TRACE[3:35]
    assert trace_of(None, begun.traceparent).id == begun.id


async def test_a_fact_of_a_request_belongs_to_its_trace() -> None:
    made = app()

    @made.post("/tiny/facts")
    async def publish() -> str:
        return new_envelope(Counted(ward="w", thing="t", number=1), "tiny", NOW, "c").traceparent

    async with client_of(made) as client:
        told = (await client.post("/tiny/facts", headers={"traceparent": TRACE})).json()
    assert told[3:35] == TRACE[3:35]
    assert told[36:52] != TRACE[36:52]


async def test_each_line_of_a_request_names_it_and_none_holds_what_was_asked(
    client: httpx.AsyncClient, lines: list[dict[str, Any]]
) -> None:
    await client.get("/tiny/people/nguoi-1?days=3", headers={"x-request-id": "yeu-cau-0001"})
    await client.get("/tiny/nguoi-1/khong-co")
    await client.get("/tiny/livez")
    ours = [line for line in lines if line["logger"] != "httpx"]
    shown, asked, missed = ours
    assert shown["request"] == asked["request"] == "yeu-cau-0001"
    assert shown["trace"] == asked["trace"] != missed["trace"]
    assert asked | {"ms": 0} == asked | {
        "method": "GET",
        "route": "/tiny/people/{person}",
        "status": 200,
        "ms": 0,
        "who": pseudonym("tu-minh", "phong-vhxh.officer"),
    }
    assert (missed["route"], missed["status"]) == ("none", 404)
    assert "nguoi-1" not in json.dumps(ours)
    assert OFFICER.id not in json.dumps(ours)


async def test_a_fault_is_told_to_the_log_and_not_to_the_caller(
    client: httpx.AsyncClient, lines: list[dict[str, Any]]
) -> None:
    answer = await client.get("/tiny/bug")
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:thidua:problem:internal")
    assert "tieu-hoc" not in answer.text
    assert answer.headers["content-security-policy"] == CSP
    [line] = [line for line in lines if line["level"] == "ERROR"]
    assert "ZeroDivisionError" in line["error"]
    assert line["request"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (
            "duplicate key\nDETAIL:  Key (email)=(a@tu-minh.example) exists.",
            "duplicate key\nDETAIL …",
        ),
        ("failed\n[parameters: ('a@tu-minh.example',)]\n(help)", "failed\n[parameters …\n(help)"),
        (
            "Error: invalid input for query argument $1: 'a@tu-minh.example' (expected int)",
            "Error: invalid input for query argument …",
        ),
    ],
)
def test_rows_that_a_database_quotes_stay_out_of_the_log(said: str, kept: str) -> None:
    record = logging.LogRecord("x", logging.ERROR, "x", 1, "failed", (), None)
    record.exc_info = (ValueError, ValueError(said), None)
    told = json.loads(_JsonLines("tiny").format(record))["error"]
    assert told == f"ValueError: {kept}"


async def test_pages_and_data_go_out_with_the_headers_that_protect_them(
    client: httpx.AsyncClient,
) -> None:
    for path in ("/tiny/page", "/tiny/people/1", "/tiny/nowhere"):
        headers = (await client.get(path)).headers
        assert headers["content-security-policy"] == CSP
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        assert headers["strict-transport-security"] == "max-age=31536000"
        assert "camera=()" in headers["permissions-policy"]
    assert "unsafe" not in CSP
    sheet = (await client.get("/tiny/sheet")).headers
    assert sheet["cache-control"] == "private", "what a route says itself stands"
    assert sheet["content-security-policy"] == "frame-ancestors 'none'"


async def test_without_https_nothing_promises_it() -> None:
    async with client_of(app(origin="http://127.0.0.1:8080")) as client:
        assert "strict-transport-security" not in (await client.get("/tiny/page")).headers


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        pytest.param({}, True, id="a program without a cookie"),
        pytest.param({"cookie": "a=b"}, False, id="a cookie and no word of where from"),
        pytest.param({"cookie": "a=b", "authorization": "Bearer x"}, True, id="a token"),
        pytest.param({"sec-fetch-site": "same-origin", "cookie": "a=b"}, True, id="our page"),
        pytest.param({"sec-fetch-site": "none", "cookie": "a=b"}, True, id="by hand"),
        pytest.param({"sec-fetch-site": "same-site", "cookie": "a=b"}, False, id="a neighbour"),
        pytest.param({"sec-fetch-site": "cross-site"}, False, id="another site, no cookie"),
        pytest.param({"origin": ORIGIN, "cookie": "a=b"}, True, id="an older browser"),
        pytest.param({"origin": "null", "cookie": "a=b"}, False, id="a sandboxed page"),
        pytest.param({"origin": f"{ORIGIN}.evil.example"}, False, id="another origin"),
        pytest.param(
            {"origin": "http://thi-dua.tu-minh.example"}, False, id="another scheme of ours"
        ),
        pytest.param({"referer": f"{ORIGIN}/tiny/page?x=1", "cookie": "a=b"}, True, id="referer"),
        pytest.param({"referer": "https://evil.example/", "cookie": "a=b"}, False, id="foreign"),
        pytest.param(
            {"sec-fetch-site": "cross-site", "origin": ORIGIN}, False, id="the newer word counts"
        ),
    ],
)
async def test_what_a_cookie_lets_in_must_come_from_our_own_pages(
    client: httpx.AsyncClient, headers: dict[str, str], passes: bool
) -> None:
    answer = await client.post("/tiny/people", json={"name": "x"}, headers=headers)
    assert answer.status_code == (200 if passes else 403)
    if not passes:
        assert answer.json()["type"] == "urn:thidua:problem:cross-site"
    assert (await client.get("/tiny/page", headers=headers)).status_code == 200, "reading is free"


@pytest.mark.parametrize(
    ("host", "passes"),
    [
        ("thi-dua.tu-minh.example", True),
        ("THI-DUA.tu-minh.example", True),
        ("thi-dua.tu-minh.example:444", False),
        ("evil.example", False),
        ("", False),
        ("tiny:8080", True),
        ("intake:8080", True),
        ("intake.evil.example:8080", False),
    ],
)
async def test_in_production_only_our_own_names_are_answered(host: str, passes: bool) -> None:
    made = app(env="production", issuer_keys="http://intake/x", internal_hosts="intake, localhost")
    async with client_of(made) as client:
        answer = await client.get("/tiny/page", headers={"host": host})
        assert answer.status_code == (200 if passes else 421)
        assert (await client.get("/tiny/livez", headers={"host": host})).status_code == 200


async def chunks(size: int) -> AsyncIterator[bytes]:
    yield b'{"name": "'
    for _ in range(size):
        yield b"x" * 100
    yield b'"}'


async def test_a_body_that_is_too_large_is_refused_however_it_comes() -> None:
    kind = {"content-type": "application/json"}
    async with client_of(app(body_limit=1000)) as client:
        for body in (b'{"name": "' + b"x" * 1000 + b'"}', chunks(10)):
            answer = await client.post("/tiny/people", content=body, headers=kind)
            assert answer.status_code == 413
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["type"] == "urn:thidua:problem:content-too-large"
            assert answer.headers["content-security-policy"] == CSP
        unread = await client.get("/tiny/nowhere", headers={"content-length": "5000"})
        assert unread.json()["status"] == 413
        fits = await client.post("/tiny/people", content=chunks(9), headers=kind)
        assert fits.json() == 900


async def test_a_nul_in_an_address_goes_no_further(client: httpx.AsyncClient) -> None:
    for path in ("/tiny/people/a%00b", "/tiny/people/1?days=%00"):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["title"]) == (400, "Yêu cầu không đọc được")


async def test_who_asks_too_often_is_told_when_to_come_back() -> None:
    async with client_of(app(per_minute=3)) as client:
        codes = [(await client.get("/tiny/page")).status_code for _ in range(5)]
        assert codes == [200, 200, 200, 429, 429]
        refused = await client.get("/tiny/page")
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert refused.json()["type"] == "urn:thidua:problem:too-many-requests"
        assert (await client.get("/tiny/livez")).status_code == 200, "probes are not counted"


async def test_a_person_has_the_same_budget_with_every_token_and_a_made_up_one_has_none() -> None:
    async with client_of(app(per_minute=4)) as client:

        async def ask(path: str, token: str) -> int:
            headers = {"authorization": f"Bearer {token}"}
            return (await client.get(path, headers=headers)).status_code

        assert [await ask("/tiny/people/1", f"good-{n}") for n in range(2)] == [200, 200]
        assert [await ask("/tiny/page", f"made-up-{n}") for n in range(4)] == [200, 200, 429, 429]
        assert [await ask("/tiny/page", f"good-{n % 2}") for n in range(5)] == [200] * 4 + [429]


def test_the_pace_forgets_whom_it_has_not_seen_for_a_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pace = Pace(2)
    for number in range(5):
        assert pace.take("", f"@10.0.0.{number}") == 0
    now = time.monotonic()
    monkeypatch.setattr("shared.web.limits.time.monotonic", lambda: now + 61)
    pace.take("", "@10.0.0.9")
    assert len(pace._store.events) == 1
    assert pace._store.timer.is_alive()
    for minute in range(2, 12):
        at = time.time() + minute * 61
        monkeypatch.setattr("limits.storage.memory.time.time", lambda at=at: at)
        assert [pace.take("", "@10.0.0.8") for _ in range(2)] == [0, 0]
        monkeypatch.undo()
    assert max(len(events) for events in pace._store.events.values()) == 2


@pytest.mark.parametrize(
    ("sent", "status", "name"),
    [
        ({"method": "GET", "url": "/tiny/nowhere"}, 404, "not-found"),
        ({"method": "PUT", "url": "/tiny/people"}, 405, "method-not-allowed"),
        ({"method": "GET", "url": "/tiny/teapot"}, 418, "i'm-a-teapot"),
        ({"method": "POST", "url": "/tiny/people", "content": b"{"}, 422, "invalid-request"),
        (
            {
                "method": "POST",
                "url": "/tiny/people",
                "content": b"name=x",
                "headers": {"content-type": "application/x-www-form-urlencoded"},
            },
            415,
            "unsupported-media-type",
        ),
        ({"method": "POST", "url": "/tiny/people", "content": b"{}"}, 422, "invalid-request"),
    ],
)
async def test_what_the_framework_refuses_is_a_problem_too(
    client: httpx.AsyncClient, sent: dict[str, Any], status: int, name: str
) -> None:
    sent = {"headers": {"content-type": "application/json"}} | sent
    answer = await client.request(**sent)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.status_code == status
    assert answer.json()["type"] == f"urn:thidua:problem:{name}"
    assert any(letter > "\x7f" for letter in answer.json()["title"])
    if status == 405:
        assert answer.headers["allow"] == "POST"


async def test_a_wrong_parameter_is_named_with_its_place(client: httpx.AsyncClient) -> None:
    body = (await client.get("/tiny/people/1?days=10")).json()
    assert body["errors"] == [
        {"in": "query", "parameter": "days", "detail": "Lớn hơn mức cho phép."}
    ]
    body = (await client.post("/tiny/people", json={"name": 1})).json()
    assert body["errors"] == [{"pointer": "/name", "detail": "Phải là văn bản."}]


async def test_a_browser_gets_a_page_of_the_same_refusal(client: httpx.AsyncClient) -> None:
    accept = {"accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
    for path, status in (("/tiny/nowhere", 404), ("/tiny/bug", 500)):
        answer = await client.get(path, headers=accept)
        assert answer.status_code == status
        assert answer.headers["content-type"].startswith("text/html")
        assert "ZeroDivision" not in answer.text
