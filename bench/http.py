"""The main page and a report's submission over HTTP, beside the same with nothing around them.

The main page is everybody's to-do list (notify's), an officer's with `ROWS` reports to look at.
Each report is the first of its participant: it meets a duty and cancels reminders.
"""

import asyncio
import gc
import itertools
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import httpx

from bench.contest import ROOT
from bench.machine import cpu_seconds
from bench.tables import table
from deploy.local.stack import ServiceCommand, Stack
from deploy.local.tokens import Keys, Mint, Person

RATE = 100
SECONDS = 15
WARM_SECONDS = 5
ROUNDS = 5
ROWS = 60
"""Reports that wait on the page."""
EACH = 300
"""Participants of a ward whose reports come in."""
WARDS = ceil(RATE * (WARM_SECONDS + SECONDS) * ROUNDS * 1.1 / EACH)
PATIENCE = 120.0
IDLE_SECONDS = 2.0
"""Shorter than uvicorn's 5: no connection is used that it is just closing."""
MOST_RATIO = 1.5
PERIOD = "bench-annual"
HOME = "tu-minh"
OFFICER = Person("bench.officer", "Công chức", ("officer",), "", "bench@ward.example")
PAGE, REPORT = "main page", "report"
OURS, BARE = "thidua", "bare"
BARE_DATABASE = "http_bare"

Ask = Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]


@dataclass(frozen=True, slots=True)
class Round:
    """One contestant under 100 requests/s; milliseconds. `cpu`: of its process, a request."""

    what: str
    who: str
    p50: float
    p99: float
    longest: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where a contestant answers: addresses of the page and of reports, and their processes."""

    who: str
    page: str
    reports: str
    pids: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Tokens:
    """An officer's of any ward."""

    keys: Keys

    def of(self, ward: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {Mint(self.keys, ward).mint(OFFICER)}"}


def measure(folder: Path, seed: int, say: Callable[[str], None]) -> list[Round]:
    """Start intake and notify with broker and database, and the bare one on the same server.

    notify is ended before the reports come: it would send a mail for each on the same two cores.
    """
    services = {name: ServiceCommand.of(name) for name in ("intake", "notify")}
    found: list[Round] = []
    with Stack(folder, say=lambda _: None, commands=services) as stack:
        tokens = Tokens(Keys.kept_in(stack.state.secrets))
        ours = _ours(stack)
        _open_a_year(stack, tokens, HOME, ROWS)
        _send_all(ours, tokens)
        _await_the_list(ours, tokens)
        _await_rest(stack, "notify")
        with _bare(stack, tokens, folder) as bare:
            _know_the_tables(stack)
            found += _rounds(PAGE, (ours, bare), tokens, seed, say)
            stack.kill("notify")
            for ward in _wards():
                _open_a_year(stack, tokens, ward, EACH)
            _await_rest(stack, "intake")
            _know_the_tables(stack)
            found += _rounds(REPORT, (ours, bare), tokens, seed, say)
    return found


def _rounds(
    what: str, places: Sequence[Place], tokens: Tokens, seed: int, say: Callable[[str], None]
) -> Iterator[Round]:
    """Interleaved, forwards and backwards."""
    asking = {place.who: _asking(what, place, tokens) for place in places}
    for number in range(ROUNDS):
        for place in places if number % 2 == 0 else reversed(places):
            with _own_garbage_kept():
                figures = asyncio.run(_run(what, place, asking[place.who], seed + number))
            say(f"  {what}, {place.who}: p99 {figures.p99:.1f} ms, CPU {figures.cpu:.2f} ms")
            yield figures


@contextmanager
def _own_garbage_kept() -> Iterator[None]:
    """The load's own searches for garbage would count as time that is waited for an answer."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _wards() -> list[str]:
    return [f"phuong-{number}" for number in range(1, WARDS + 1)]


def _ours(stack: Stack) -> Place:
    pids = stack.infrastructure.family.pids
    return Place(
        OURS,
        stack.http["notify"] + "/notify/",
        stack.http["intake"] + "/intake/reports",
        {PAGE: pids["notify"], REPORT: pids["intake"]},
    )


@contextmanager
def _bare(stack: Stack, tokens: Tokens, folder: Path) -> Iterator[Place]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    seed = {
        "wards": {HOME: ROWS, **dict.fromkeys(_wards(), EACH)},
        "reported": [HOME],
        "period": PERIOD,
        "reminders": 2,
    }
    told = {
        "DATABASE_URL": stack.infrastructure.create_database(BARE_DATABASE),
        "PORT": str(port),
        "PUBLIC_KEY": tokens.keys.public.read_text(),
        "SEED": json.dumps(seed),
    }
    command = [sys.executable, "-m", "bench.contestants.http_bare"]
    with (folder / "http_bare.log").open("wb") as log:
        child = subprocess.Popen(command, env={**os.environ, **told}, cwd=ROOT, stderr=log)
        try:
            origin = f"http://127.0.0.1:{port}"
            pids = dict.fromkeys((PAGE, REPORT), child.pid)
            place = Place(BARE, f"{origin}/", f"{origin}/reports", pids)
            _await(place.page, tokens.of(HOME), f"trong {ROWS} dòng")
            yield place
        finally:
            child.terminate()
            child.wait(10)


def _await(address: str, headers: Mapping[str, str], words: str) -> None:
    """Until the page there says so."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            answer = httpx.get(address, headers=dict(headers), trust_env=False, timeout=30)
        except httpx.TransportError:
            pass
        else:
            if words in answer.text:
                return
        time.sleep(0.2)
    raise TimeoutError(f"{address} does not say: {words}")


def _await_the_list(ours: Place, tokens: Tokens) -> None:
    headers = {**tokens.of(HOME), "Accept": "text/html"}
    _await(ours.page, headers, f"trong {ROWS} dòng")


def _await_rest(stack: Stack, name: str) -> None:
    """Until a service has nothing left to send, to read or to mail."""
    _await(f"{stack.http[name]}/{name}/flow", {}, '"idle":true')


def _know_the_tables(stack: Stack) -> None:
    """Of both: what PostgreSQL finds out by itself within minutes, before a round and not in it."""
    for database in ("intake", "notify", BARE_DATABASE):
        stack.infrastructure.databases.execute("ANALYZE", database=database)


def _open_a_year(stack: Stack, tokens: Tokens, ward: str, size: int) -> None:
    """A ward's movement, participants and an open period."""
    criteria = [{"code": f"a{n}", "text": f"Tiêu chí {n}"} for n in range(1, 6)]
    block = {"code": "truong-hoc", "title": "Khối trường học", "group": "a"}
    form = {"code": "giay-khen", "title": "Giấy khen"}
    may = dict.fromkeys(("collectives", "individuals", "decided_here", "annual"), True)
    movement = {
        "movement": "bench",
        "version": 1,
        "title": "Phong trào thi đua",
        "place": "Tứ Minh",
        "launched_on": "2025-08-01",
        "contents": [{"number": 1, "text": "Nội dung"}],
        "groups": [{"code": "a", "title": "Đơn vị", "criteria": criteria}],
        "blocks": [block],
        "forms": [{**form, **may}],
        "reminder_offsets": [7],
        "adoption": {"number": "01/KH-UBND", "decided_on": "2025-08-01"},
    }
    period = {
        "period": PERIOD,
        "movement": "bench",
        "kind": "annual-report",
        "title": "Báo cáo năm",
        "year": 2025,
        "due": (datetime.now(UTC) + timedelta(days=300)).isoformat(),
        "due_text": "trước ngày 10/12",
    }
    bodies: Sequence[tuple[str, Mapping[str, Any]]] = (
        ("movements", movement),
        ("participants", {"participants": [_participant(n) for n in range(size)]}),
        ("periods", period),
    )
    headers = {**tokens.of(ward), "Accept": "application/json"}
    with httpx.Client(base_url=stack.http["intake"], headers=headers, trust_env=False) as client:
        for path, body in bodies:
            answer = client.post(f"/intake/{path}", json=body, timeout=120)
            if answer.is_error:
                raise RuntimeError(f"{path}: {answer.text}")


def _participant(number: int) -> dict[str, Any]:
    contact = {"name": "Đầu mối", "email": "bench@ward.example"}
    return {
        "code": f"don-vi-{number}",
        "name": f"Đơn vị {number}",
        "kind": "school",
        "collective": True,
        "group": "a",
        "block": "truong-hoc",
        "manner": "owes",
        "reporter": {**contact, "person": f"dau-moi-{number}"},
    }


def _send_all(ours: Place, tokens: Tokens) -> None:
    """The reports that wait on the page."""
    with httpx.Client(headers=tokens.of(HOME), trust_env=False, timeout=30) as client:
        for number in range(ROWS):
            client.post(ours.reports, json=_report(HOME, number)).raise_for_status()


def _asking(what: str, place: Place, tokens: Tokens) -> Ask:
    own = {**tokens.of(HOME), "Accept": "text/html"}
    headers = {ward: tokens.of(ward) for ward in _wards()}
    owed = iter(list(itertools.product(_wards(), range(EACH))))

    async def page(client: httpx.AsyncClient) -> httpx.Response:
        return await client.get(place.page, headers=own)

    async def submit(client: httpx.AsyncClient) -> httpx.Response:
        ward, number = next(owed)
        body = _report(ward, number)
        return await client.post(place.reports, json=body, headers=headers[ward])

    return page if what == PAGE else submit


def _report(ward: str, number: int) -> dict[str, Any]:
    """A participant's first report."""
    code = f"don-vi-{number}"
    return {
        "ward": ward,
        "participant": code,
        "period": PERIOD,
        "report_id": str(uuid5(NAMESPACE_OID, f"{ward}/{code}")),
        "revision": 1,
        "form_version": 1,
        "submitted_at": datetime.now(UTC).isoformat(),
        "contents": [{"content": 1, "text": "Đã triển khai."}],
        "items": [
            {"criterion": f"a{n}", "self_score": "18.5", "narrative": f"Đơn vị {number}. " * 20}
            for n in range(1, 6)
        ],
        "nominations": [],
    }


async def _run(what: str, place: Place, ask: Ask, seed: int) -> Round:
    """Requests at random moments, whatever became of those before; counted from their moment."""
    spans: list[float] = []
    limits = httpx.Limits(max_connections=200, keepalive_expiry=IDLE_SECONDS)
    async with httpx.AsyncClient(limits=limits, timeout=30, trust_env=False) as client:
        begin, dice = time.perf_counter() + 0.1, random.Random(seed)
        moment, tasks = begin, list[asyncio.Task[None]]()
        used = 0.0

        async def one(at: float) -> None:
            answer = await ask(client)
            if answer.status_code not in {200, 201}:
                raise RuntimeError(f"{what} of {place.who}: {answer.status_code} {answer.text}")
            if at >= begin + WARM_SECONDS:
                spans.append((time.perf_counter() - at) * 1000)

        while moment < begin + WARM_SECONDS + SECONDS:
            await asyncio.sleep(max(0.0, moment - time.perf_counter()))
            if not used and moment >= begin + WARM_SECONDS:
                used = cpu_seconds(place.pids[what])
            tasks.append(asyncio.create_task(one(moment)))
            moment += dice.expovariate(RATE)
        await asyncio.gather(*tasks)
    used = cpu_seconds(place.pids[what]) - used
    cuts = quantiles(spans, n=100)
    return Round(what, place.who, cuts[49], cuts[98], max(spans), used * 1000 / len(spans))


def ratios(rounds: Sequence[Round]) -> dict[str, float]:
    """p99 of ours to that of the bare one, medians of the rounds."""
    found = {}
    for what in (PAGE, REPORT):
        ours, bare = (_of(rounds, what, who) for who in (OURS, BARE))
        if ours and bare:
            found[what] = median(r.p99 for r in ours) / median(r.p99 for r in bare)
    return found


def _of(rounds: Sequence[Round], what: str, who: str) -> list[Round]:
    return [one for one in rounds if (one.what, one.who) == (what, who)]


def http_table(rounds: Sequence[Round]) -> str:
    head = ("100 requests/s", "answered by", "p50 ms", "p99 ms", "longest ms", "CPU ms a request")
    lines = []
    for what in (PAGE, REPORT):
        for who in (OURS, BARE):
            those = _of(rounds, what, who)
            figures = (median(r.p50 for r in those), median(r.p99 for r in those))
            longest, cpu = max(r.longest for r in those), median(r.cpu for r in those)
            shown = (*(f"{ms:.1f}" for ms in figures), f"{longest:.0f}", f"{cpu:.2f}")
            lines.append((what, who, *shown))
    return table(head, lines)
