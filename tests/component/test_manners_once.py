"""A request sent twice is done once: alone, at the same moment, and across a crash."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from http import HTTPStatus
from types import SimpleNamespace
from typing import Annotated, Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import Depends, FastAPI, Request
from pydantic import BaseModel

from shared.clock import BusinessClock, SystemClock
from shared.messaging.tables import answer, outbox
from shared.messaging.unit_of_work import Works
from shared.settings import Settings
from shared.web.etag import Match, Tagged, tag_of
from shared.web.identity import Person
from shared.web.manners import polite
from shared.web.once import KEPT, Once, sweep
from shared.web.paging import Page, Paging, keyset
from shared.web.problems import conflict
from tests.component.kernel_bench import Bench
from tests.kernel import Counted

pytestmark = pytest.mark.component

KEY = {"Idempotency-Key": "0190a5c2-7d34-7b51"}


class Form(BaseModel):
    thing: str
    number: int


class Taken(BaseModel):
    thing: str
    id: str


async def somebody(request: Request) -> Person:
    """Whoever the header names."""
    name = request.headers.get("x-person", "officer")
    request.state.person = Person(name, "", frozenset(), "", "tu-minh")
    return request.state.person  # type: ignore[no-any-return]


Somebody = Annotated[Person, Depends(somebody)]


def app_on(works: Works) -> FastAPI:
    made = FastAPI(dependencies=[Depends(somebody)])
    made.state.parts = SimpleNamespace(works=works)
    address = works.engine.url.render_as_string(hide_password=False)
    polite(made, Settings(database_url=address, kafka="none", env="local", per_minute=0), "tiny")

    @made.post("/things", status_code=HTTPStatus.CREATED)
    async def take(form: Form, person: Somebody, once: Once) -> Taken:
        async with once.begin(f"{person.ward}/{form.thing}") as work:
            if form.number < 0:
                raise conflict("negative", "Số âm.")
            event = Counted(ward=person.ward, thing=form.thing, number=form.number)
            told = once.says(Taken(thing=form.thing, id=work.publish(event)))
            if form.number == 13:
                raise ZeroDivisionError
            return told

    @made.post("/silent")
    async def silent(once: Once) -> None:
        async with once.begin():
            return

    @made.get("/things/{thing}")
    async def show(thing: str, tagged: Tagged) -> Taken:
        return tagged.says(Taken(thing=thing, id="1"))

    @made.put("/things/{thing}")
    async def change(thing: str, match: Match) -> Taken:
        match.check(tag_of(Taken(thing=thing, id="1")))
        return Taken(thing=thing, id="2")

    @made.get("/facts")
    async def facts(paging: Paging) -> Page[int]:
        after = paging.after(tuple[str, int])
        query = keyset(sa.select(outbox), (outbox.c.topic, outbox.c.seq), after)
        async with works.read() as connection:
            rows = (await connection.execute(query.limit(paging.limit + 1))).all()
        return paging.page(rows, lambda row: row.seq, lambda row: (row.topic, row.seq))

    return made


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    system = SystemClock()
    works = Works(bench.engine, "test", BusinessClock(system), system)
    transport = httpx.ASGITransport(app_on(works))
    async with httpx.AsyncClient(transport=transport, base_url="http://ward.example") as opened:
        yield opened


async def post(
    client: httpx.AsyncClient, number: int = 1, *, who: str = "officer"
) -> httpx.Response:
    body = {"thing": "a", "number": number}
    return await client.post("/things", json=body, headers=KEY | {"x-person": who})


async def count(bench: Bench, table: sa.Table) -> int:
    async with bench.engine.connect() as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


async def test_the_same_again_is_answered_again(client: httpx.AsyncClient, bench: Bench) -> None:
    first, again = await post(client), await post(client)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert await count(bench, outbox) == 1


async def test_without_a_key_every_request_is_its_own(
    client: httpx.AsyncClient, bench: Bench
) -> None:
    for _ in range(2):
        answered = await client.post("/things", json={"thing": "a", "number": 1})
        assert answered.status_code == 201
    assert (await count(bench, outbox), await count(bench, answer)) == (2, 0)


async def test_another_request_with_the_same_key_is_refused(
    client: httpx.AsyncClient, bench: Bench
) -> None:
    await post(client)
    other = await post(client, 2)
    assert other.status_code == 422
    assert other.json()["type"] == "urn:thidua:problem:idempotency-key-reused"
    elsewhere = await client.post("/silent", headers=KEY)
    assert elsewhere.json()["type"] == "urn:thidua:problem:idempotency-key-reused"
    assert await count(bench, outbox) == 1


async def test_a_key_is_one_persons(client: httpx.AsyncClient, bench: Bench) -> None:
    ids = {(await post(client, who=who)).json()["id"] for who in ("a", "b")}
    assert (len(ids), await count(bench, outbox)) == (2, 2)


async def test_at_the_same_moment_one_is_done_and_all_get_its_answer(
    client: httpx.AsyncClient, bench: Bench
) -> None:
    answers = await asyncio.gather(*(post(client) for _ in range(8)))
    assert {one.status_code for one in answers} == {201}
    assert len({one.json()["id"] for one in answers}) == 1
    assert sum("idempotency-replayed" in one.headers for one in answers) == 7
    assert await count(bench, outbox) == 1


async def test_a_refusal_is_not_kept_and_neither_is_half_an_act(
    client: httpx.AsyncClient, bench: Bench
) -> None:
    assert (await post(client, -1)).status_code == 409
    assert (await post(client, 13)).status_code == 500
    assert (await count(bench, outbox), await count(bench, answer)) == (0, 0)
    assert (await post(client, 1)).status_code == 201


@pytest.mark.parametrize("key", ["short", "x" * 201, "có dấu 12345", "a b c d e f"])
async def test_a_key_that_is_none_is_refused(client: httpx.AsyncClient, key: str) -> None:
    answered = await client.post(
        "/things", json={"thing": "a", "number": 1}, headers={b"Idempotency-Key": key.encode()}
    )
    assert answered.status_code == 422
    [error] = answered.json()["errors"]
    assert (error["in"], error["parameter"]) == ("header", "Idempotency-Key")


async def test_who_says_no_answer_has_done_nothing(client: httpx.AsyncClient) -> None:
    assert (await client.post("/silent")).status_code == 500


async def test_answers_are_forgotten_after_two_days(
    client: httpx.AsyncClient, bench: Bench
) -> None:
    await post(client)
    now = SystemClock().now()
    async with bench.engine.begin() as connection:
        assert await sweep(connection, now + KEPT - timedelta(minutes=1)) == 0
        assert await sweep(connection, now + KEPT + timedelta(minutes=1)) == 1


async def test_what_has_not_changed_is_not_sent_again(client: httpx.AsyncClient) -> None:
    first = await client.get("/things/a")
    tag = first.headers["etag"]
    for named in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        again = await client.get("/things/a", headers={"If-None-Match": named})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["cache-control"] == "private, no-cache"
    assert (await client.get("/things/b", headers={"If-None-Match": tag})).status_code == 200


async def test_a_change_names_what_it_changes(client: httpx.AsyncClient) -> None:
    tag = (await client.get("/things/a")).headers["etag"]

    async def put(**headers: str) -> httpx.Response:
        return await client.put("/things/a", headers=headers)

    assert (await put(**{"If-Match": tag})).json()["id"] == "2"
    missing = await put()
    assert (missing.status_code, missing.json()["errors"][0]["parameter"]) == (428, "If-Match")
    for lost in ('"another"', f"W/{tag}"):
        refused = await put(**{"If-Match": lost})
        assert refused.json()["type"] == "urn:thidua:problem:precondition-failed"
        assert refused.status_code == 412


async def test_a_list_is_read_page_by_page_without_gap_or_repeat(
    client: httpx.AsyncClient,
) -> None:
    for number in range(5):
        await client.post("/things", json={"thing": "a", "number": number})
    seen, address = list[int](), "/facts?limit=2"
    for _ in range(3):
        page = await client.get(address)
        seen += page.json()["items"]
        if page.json()["next"] is None:
            break
        address = page.headers["link"].removeprefix("<").partition(">")[0]
        assert page.json()["next"] in address
        await client.post("/things", json={"thing": "a", "number": 9})
    assert seen == sorted(set(seen))
    assert len(seen) == 6
    assert (await client.get("/facts")).json()["next"] is None


@pytest.mark.parametrize(
    "query",
    ["cursor=x", "cursor=bnVsbA", "cursor=WyJcdTAwMDAiLDFd", "cursor=*", "limit=0", "limit=201"],
)
async def test_a_cursor_of_another_list_is_refused(client: httpx.AsyncClient, query: str) -> None:
    refused: dict[str, Any] = (await client.get(f"/facts?{query}")).json()
    assert refused["status"] == 422
    assert refused["errors"][0] | {"detail": ""} == {
        "in": "query",
        "parameter": query.partition("=")[0],
        "detail": "",
    }
