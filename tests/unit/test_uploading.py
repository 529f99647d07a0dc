"""Who may bring a file while others do: one at a time each, nobody waits for long, and nobody lets
others wait."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import Request

from services.intake import uploading
from shared.web.identity import Person
from shared.web.problems import Problem
from tests.evidence_files import pdf

pytestmark = pytest.mark.unit

FORM = httpx.Request("POST", "http://x", files={"file": ("a.pdf", pdf())})
BODY = FORM.read()


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(uploading, "_turns", asyncio.Semaphore(uploading.AT_ONCE))
    monkeypatch.setattr(uploading, "_bringing", set())
    monkeypatch.setattr(uploading, "PATIENCE", 0.01)
    monkeypatch.setattr(uploading, "GRACE", 3600.0)
    monkeypatch.setattr(uploading, "SECONDS", 7200.0)
    yield
    assert uploading._bringing == set()


def person(name: str, ward: str = "tu-minh") -> Person:
    return Person(name, name, frozenset({"reporter"}), "tieu-hoc-1", ward)


def request(rest: asyncio.Event | None = None) -> Request:
    """A form with a file; its second half comes after `rest`."""
    pieces = [BODY[:60], BODY[60:]]
    settings = type("Settings", (), {"evidence_bytes": 1 << 20})
    parts = type("Parts", (), {"settings": settings})
    app = type("App", (), {"state": type("State", (), {"parts": parts})})

    async def receive() -> dict[str, Any]:
        if len(pieces) == 1 and rest is not None:
            await rest.wait()
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    named = [(name.lower().encode(), value.encode()) for name, value in FORM.headers.items()]
    return Request({"type": "http", "headers": named, "app": app}, receive)


async def bring(name: str, rest: asyncio.Event | None = None, ward: str = "tu-minh") -> str:
    """What became of it: "taken", or the name of why it was refused."""
    try:
        async with uploading.uploaded(request(rest), person(name, ward)) as upload:
            return "taken" if upload.looked.kind == "pdf" else ""
    except Problem as error:
        come_back = error.headers.get("Retry-After", "never")
        return f"{int(error.status)} {error.name}" if come_back.isdecimal() else come_back


@asynccontextmanager
async def dripping(*names: str) -> AsyncIterator[None]:
    """These bring files of which only the first bytes come."""
    rest = asyncio.Event()
    slow = [asyncio.create_task(bring(name, rest)) for name in names]
    await asyncio.sleep(0)
    try:
        yield
    finally:
        rest.set()
    assert set(await asyncio.gather(*slow)) == {"taken"}


async def test_a_person_brings_one_file_at_a_time() -> None:
    async with dripping("a"):
        assert await bring("a") == "429 one-file-at-a-time"
        assert await bring("b") == "taken"
        assert await bring("a", ward="an-hai") == "taken"
    assert await bring("a") == "taken"


async def test_whoever_drips_bytes_holds_one_turn_and_not_all() -> None:
    rest = asyncio.Event()
    slow = [asyncio.create_task(bring("a", rest)) for _ in range(2 * uploading.AT_ONCE)]
    await asyncio.sleep(0)
    assert await bring("b") == "taken"
    rest.set()
    told = await asyncio.gather(*slow)
    assert sorted(told) == ["429 one-file-at-a-time"] * (len(slow) - 1) + ["taken"]


async def test_a_turn_is_waited_for_a_little_only() -> None:
    async with dripping(*"abcdef"[: uploading.AT_ONCE]):
        assert await bring("x") == "503 uploads-busy"
        assert await bring("x") == "503 uploads-busy"
    assert await bring("x") == "taken"


async def test_whoever_waited_gets_the_turn_that_is_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(uploading, "PATIENCE", 30)
    async with dripping(*"abcdef"[: uploading.AT_ONCE]):
        waiting = asyncio.create_task(bring("x"))
        await asyncio.sleep(0)
        assert not waiting.done()
        assert await bring("x") == "429 one-file-at-a-time"
    assert await waiting == "taken"


async def test_whoever_gives_up_leaves_the_turn_to_others() -> None:
    never = asyncio.Event()
    gone = [asyncio.create_task(bring(name, never)) for name in "abcdef"]
    await asyncio.sleep(0)
    for task in gone:
        task.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    assert await asyncio.gather(*(bring(name) for name in "abc")) == ["taken"] * 3


@pytest.mark.parametrize(
    ("received", "seconds"),
    [(0, 10), (32_000, 11), (3_200_000, 110), (20 << 20, 300), (1 << 40, 300)],
)
def test_who_has_sent_more_is_waited_for_longer(
    received: int, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    assert uploading.waited_for(received) == seconds
    assert uploading.waited_for(0) < uploading.PATIENCE


async def test_slow_senders_are_dropped_and_their_turns_come_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However many accounts they have: whoever waits comes before them."""
    monkeypatch.setattr(uploading, "PATIENCE", 3600)
    monkeypatch.setattr(uploading, "GRACE", 0.01)
    never = asyncio.Event()
    names = "abcdef"[: uploading.AT_ONCE]
    slow = [asyncio.create_task(bring(name, never)) for name in names]
    await asyncio.sleep(0)
    waiting = asyncio.create_task(bring("x"))
    await asyncio.sleep(0)
    again = [asyncio.create_task(bring(name + "2", never)) for name in names]
    assert await waiting == "taken"
    assert set(await asyncio.gather(*slow, *again)) == {"408 request-timeout"}
    assert await bring("a") == "taken"


async def test_what_has_come_buys_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploading, "GRACE", 0.0)
    monkeypatch.setattr(uploading, "LEAST_RATE", 0.01)
    rest = asyncio.Event()
    slow = asyncio.create_task(bring("a", rest))
    await asyncio.sleep(0)
    assert not slow.done()
    rest.set()
    assert await slow == "taken"
