"""The main page and a report's submission over HTTP, beside the same with nothing around it."""

import asyncio
import itertools
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import httpx

from bench.contest import ROOT
from bench.tables import table
from deploy.local.stack import ServiceCommand, Stack
from deploy.local.tokens import Keys, Mint, Person

RATE = 100
SECONDS = 15
WARM_SECONDS = 5
ROUNDS = 3
ROWS = 60
"""Participants on the page."""
MOST_RATIO = 1.5
PERIOD = "bench-annual"
OFFICER = Person("bench.officer", "Công chức", ("officer",), "don-vi-0", "bench@ward.example")
PAGE, REPORT = "main page", "report"

Ask = Callable[[httpx.AsyncClient, int], Awaitable[httpx.Response]]


@dataclass(frozen=True, slots=True)
class Round:
    """One contestant under 100 requests/s; milliseconds."""

    what: str
    who: str
    p50: float
    p99: float
    longest: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where a contestant answers."""

    who: str
    address: str
    page: str
    reports: str
    headers: Mapping[str, str]


def measure(folder: Path, seed: int, say: Callable[[str], None]) -> list[Round]:
    """Start intake alone with its broker and database, and the bare one on the same server."""
    one_service = {"intake": ServiceCommand.of("intake")}
    found: list[Round] = []
    with Stack(folder, say=lambda _: None, commands=one_service) as stack:
        ours = _ours(stack)
        _open_a_year(ours)
        with _bare(stack, folder) as bare:
            revisions = {place.who: itertools.count(1) for place in (ours, bare)}
            for number in range(ROUNDS):
                order = (ours, bare) if number % 2 == 0 else (bare, ours)
                for what in (PAGE, REPORT):
                    for place in order:
                        asked = _asking(what, place, revisions[place.who])
                        figures = asyncio.run(_run(what, place, asked, seed + number))
                        say(f"  {what}, {place.who}: p99 {figures.p99:.1f} ms")
                        found.append(figures)
    return found


def _ours(stack: Stack) -> Place:
    mint = Mint(Keys.kept_in(stack.state.secrets), "tu-minh")
    headers = {"Authorization": f"Bearer {mint.mint(OFFICER)}", "Accept": "text/html, */*"}
    return Place("intake", stack.http["intake"], "/intake/", "/intake/reports", headers)


@contextmanager
def _bare(stack: Stack, folder: Path) -> Iterator[Place]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    told = {
        "DATABASE_URL": stack.infrastructure.create_database("http_bare"),
        "PORT": str(port),
        "ROWS": str(ROWS),
    }
    command = [sys.executable, "-m", "bench.contestants.http_bare"]
    with (folder / "http_bare.log").open("wb") as log:
        child = subprocess.Popen(command, env={**os.environ, **told}, cwd=ROOT, stderr=log)
        try:
            place = Place("bare", f"http://127.0.0.1:{port}", "/", "/reports", {})
            _await(place)
            yield place
        finally:
            child.terminate()
            child.wait(10)


def _await(place: Place) -> None:
    for _ in range(200):
        try:
            httpx.get(place.address + place.page, trust_env=False).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"{place.who} does not answer")


def _open_a_year(place: Place) -> None:
    """A movement, its participants and an open period."""
    criteria = [{"code": f"a{n}", "text": f"Tiêu chí {n}"} for n in range(1, 6)]
    contact = {"person": "bench.reporter", "name": "Đầu mối", "email": "bench@ward.example"}
    unit = {
        "kind": "school",
        "collective": True,
        "group": "a",
        "block": "truong-hoc",
        "manner": "owes",
        "reporter": contact,
    }
    bodies: Sequence[tuple[str, Mapping[str, Any]]] = (
        (
            "movements",
            {
                "movement": "bench",
                "version": 1,
                "title": "Phong trào thi đua",
                "place": "Tứ Minh",
                "launched_on": "2025-08-01",
                "contents": [{"number": 1, "text": "Nội dung"}],
                "groups": [{"code": "a", "title": "Đơn vị", "criteria": criteria}],
                "blocks": [{"code": "truong-hoc", "title": "Khối trường học", "group": "a"}],
                "forms": [
                    {
                        "code": "giay-khen",
                        "title": "Giấy khen",
                        "collectives": True,
                        "individuals": True,
                        "decided_here": True,
                        "annual": True,
                    }
                ],
                "reminder_offsets": [7],
            },
        ),
        (
            "participants",
            {
                "participants": [
                    {**unit, "code": f"don-vi-{n}", "name": f"Đơn vị {n}"} for n in range(ROWS)
                ]
            },
        ),
        (
            "periods",
            {
                "period": PERIOD,
                "movement": "bench",
                "kind": "annual-report",
                "title": "Báo cáo năm",
                "year": 2025,
                "due": "2099-12-09T23:59:59+07:00",
                "due_text": "trước ngày 10/12",
            },
        ),
    )
    headers = {**place.headers, "Accept": "application/json"}
    with httpx.Client(base_url=place.address, headers=headers, trust_env=False) as client:
        for path, body in bodies:
            answer = client.post(f"/intake/{path}", json=body, timeout=60)
            if answer.is_error:
                raise RuntimeError(f"{path}: {answer.text}")


def _asking(what: str, place: Place, numbers: Iterator[int]) -> Ask:
    async def page(client: httpx.AsyncClient, _: int) -> httpx.Response:
        return await client.get(place.page)

    async def submit(client: httpx.AsyncClient, _: int) -> httpx.Response:
        return await client.post(place.reports, json=_report(next(numbers)))

    return page if what == PAGE else submit


def _report(number: int) -> dict[str, Any]:
    """The next revision of one of the participants' reports."""
    code = f"don-vi-{number % ROWS}"
    return {
        "ward": "tu-minh",
        "participant": code,
        "period": PERIOD,
        "report_id": str(uuid5(NAMESPACE_OID, code)),
        "revision": (number - 1) // ROWS + 1,
        "form_version": 1,
        "submitted_at": datetime.now(UTC).isoformat(),
        "contents": [{"content": 1, "text": "Đã triển khai."}],
        "items": [
            {"criterion": f"a{n}", "self_score": "18.5", "narrative": f"Bản {number}. " * 20}
            for n in range(1, 6)
        ],
        "nominations": [],
    }


async def _run(what: str, place: Place, ask: Ask, seed: int) -> Round:
    """Requests at random moments, whatever became of those before; counted from their moment."""
    spans: list[float] = []
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=200)
    async with httpx.AsyncClient(
        base_url=place.address, headers=place.headers, limits=limits, timeout=30, trust_env=False
    ) as client:
        begin, dice = time.perf_counter() + 0.1, random.Random(seed)
        moment, tasks = begin, list[asyncio.Task[None]]()

        async def one(at: float) -> None:
            answer = await ask(client, 0)
            if answer.status_code not in {200, 201}:
                raise RuntimeError(f"{what} of {place.who}: {answer.status_code} {answer.text}")
            if at >= begin + WARM_SECONDS:
                spans.append((time.perf_counter() - at) * 1000)

        while moment < begin + WARM_SECONDS + SECONDS:
            await asyncio.sleep(max(0.0, moment - time.perf_counter()))
            tasks.append(asyncio.create_task(one(moment)))
            moment += dice.expovariate(RATE)
        await asyncio.gather(*tasks)
    cuts = quantiles(spans, n=100)
    return Round(what, place.who, cuts[49], cuts[98], max(spans))


def ratios(rounds: Sequence[Round]) -> dict[str, float]:
    """p99 of ours to that of the bare one, medians of the rounds."""
    found = {}
    for what in (PAGE, REPORT):
        ours, bare = (_of(rounds, what, who) for who in ("intake", "bare"))
        if ours and bare:
            found[what] = median(r.p99 for r in ours) / median(r.p99 for r in bare)
    return found


def _of(rounds: Sequence[Round], what: str, who: str) -> list[Round]:
    return [one for one in rounds if (one.what, one.who) == (what, who)]


def http_table(rounds: Sequence[Round]) -> str:
    head = ("100 requests/s", "answered by", "p50 ms", "p99 ms", "longest ms")
    lines = []
    for what in (PAGE, REPORT):
        for who in ("intake", "bare"):
            those = _of(rounds, what, who)
            figures = (median(r.p50 for r in those), median(r.p99 for r in those))
            longest = max(r.longest for r in those)
            lines.append((what, who, *(f"{ms:.1f}" for ms in figures), f"{longest:.0f}"))
    return table(head, lines)
