"""Erasing a person reaches every table of the four databases, the topic, and what is mailed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from deploy.local.infrastructure import Provided
from services.intake.store.sign_in_tables import sign_in_link, sign_in_session
from services.notify.store import mails
from shared.clock import BusinessClock, SystemClock
from shared.contracts.intake import CONTACTS_TOPIC
from shared.database import connect
from shared.messaging.applying import Applier
from shared.messaging.tables import act, outbox
from shared.migrations import migrate
from shared.records import Act, first_break
from tests.component.directory_room import OFFICER, Directory
from tests.component.intake_desk import WARD, DeskRoom, open_the_year
from tests.component.kafka_tools import produce
from tests.kernel import FakeRecord
from tests.topics import messages

pytestmark = pytest.mark.component

PERSON = "tieu-hoc-1.reporter"
NAME, NEW_NAME = "Đầu mối tieu-hoc-1", "Họ Tên Rất Riêng"
ADDRESS, NEW_ADDRESS = "tieu-hoc-1@tu-minh.example", "rat.rieng@ngoai-pho.example"
TRACES = (NEW_NAME, NEW_ADDRESS, NAME, ADDRESS)
OTHERS = ("scoring", "awards", "notify")


@dataclass
class Copies:
    """Intake, the other three with databases of their own, and the way between them."""

    room: Directory
    engines: dict[str, AsyncEngine]
    appliers: dict[str, Applier]
    sent: list[FakeRecord] = field(default_factory=list)
    unsent: set[str] = field(default_factory=set)
    before: set[str] = field(default_factory=set)
    mails_before: list[tuple[str, str, str]] = field(default_factory=list)
    answer: dict[str, Any] = field(default_factory=dict)
    facts: list[tuple[str, str]] = field(default_factory=list)

    async def carry(self) -> None:
        """What a relay does: hand over what is in the outbox, then forget it."""
        async with self.engines["intake"].begin() as connection:
            rows = (await connection.execute(sa.select(outbox).order_by(outbox.c.seq))).all()
            await connection.execute(sa.delete(outbox))
        fresh = [
            FakeRecord(row.topic, 0, row.seq, row.key.encode(), row.body, _pairs(row.headers))
            for row in rows
        ]
        self.sent += fresh
        for applier in self.appliers.values():
            taken = [r for r in fresh if r.topic in applier._consumer.topics]
            await applier.apply(taken)

    async def holding(self, *texts: str) -> set[str]:
        """`service.table` of whatever holds one of the texts, in words or in bytes."""
        found = set()
        for name, engine in self.engines.items():
            async with engine.connect() as connection:
                for table in await _tables(connection):
                    if await _holds(connection, table, texts):
                        found.add(f"{name}.{table}")
        return found


def _pairs(headers: dict[str, str]) -> tuple[tuple[str, bytes], ...]:
    return tuple((name, value.encode()) for name, value in headers.items())


async def _tables(connection: AsyncConnection) -> list[str]:
    query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    return list(await connection.scalars(sa.text(query)))


_BYTES = sa.text(
    "SELECT column_name FROM information_schema.columns"
    " WHERE table_schema = 'public' AND table_name = :table AND data_type = 'bytea'"
)


async def _holds(connection: AsyncConnection, table: str, texts: tuple[str, ...]) -> bool:
    looks = "".join(
        f" OR position(CAST(:bytes AS bytea) IN {column}) > 0"
        for column in await connection.scalars(_BYTES, {"table": table})
    )
    query = sa.text(f'SELECT count(*) FROM "{table}" AS t WHERE t::text ILIKE :like{looks}')
    asked = [{"like": f"%{text}%", "bytes": text.encode()} for text in texts]
    if not looks:
        asked = [{"like": one["like"]} for one in asked]
    return any([await connection.scalar(query, one) for one in asked])


@asynccontextmanager
async def _service(
    infrastructure: Provided, name: str
) -> AsyncIterator[tuple[AsyncEngine, Applier]]:
    service = import_module(f"services.{name}.app").service
    url = infrastructure.create_database(f"erasure_{name}")
    engine, system = connect(url), SystemClock()
    try:
        await migrate(url, service.migrations)
        yield engine, Applier(service.consumer, engine, BusinessClock(system), system)
    finally:
        await engine.dispose()
        infrastructure.drop_database(f"erasure_{name}")


@pytest.fixture(scope="module")
async def copies(desk: DeskRoom, infrastructure: Provided) -> AsyncIterator[Copies]:
    """A reporter of whom everybody has heard, who was corrected and signed in, is erased."""
    async with AsyncExitStack() as stack:
        made = {
            name: await stack.enter_async_context(_service(infrastructure, name)) for name in OTHERS
        }
        engines = {"intake": desk.engine} | {name: engine for name, (engine, _) in made.items()}
        appliers = {name: applier for name, (_, applier) in made.items()}
        copies = Copies(Directory(desk), engines, appliers)
        await _leave_traces(copies)
        copies.unsent = await copies.holding(*TRACES)
        await copies.carry()
        copies.before = await copies.holding(*TRACES)
        copies.mails_before = await _mails(engines["notify"])
        await copies.room.room.news()
        copies.answer = await erase(copies.room)
        copies.facts = [(fact.name, fact.key) for fact in await copies.room.room.news()]
        await copies.carry()
        yield copies


async def _leave_traces(copies: Copies) -> None:
    room = copies.room
    await open_the_year(room.room)
    await copies.carry()
    asked = await room.post(PERSON, "/me/corrections", {"text": f"Tôi tên là {NEW_NAME}"})
    shown = await room.get(OFFICER, f"/people/{PERSON}")
    form = {"name": NEW_NAME, "email": NEW_ADDRESS, "unit": "tieu-hoc-1"}
    changed = await room.ask(
        OFFICER, "PUT", f"/people/{PERSON}", form, headers={"If-Match": shown.headers["etag"]}
    )
    assert changed.status_code == 200, changed.text
    reason = f"Đã sửa thành {NEW_NAME}, {NEW_ADDRESS}"
    answer = {"outcome": "corrected", "reason": reason}
    await room.must(OFFICER, f"/corrections/{asked.json()['id']}/answer", answer)
    keyed = {"Idempotency-Key": "the-same-again-1"}
    entry = {"person": PERSON} | form
    again = await room.ask(OFFICER, "POST", "/people", entry, headers=keyed)
    assert again.status_code == 201, again.text
    number = await room.grant(PERSON, "head", unit="tieu-hoc-1")
    await room.must(OFFICER, f"/people/{PERSON}/roles/{number}/end", {"reason": f"{NEW_NAME} nghỉ"})
    await room.admit("other")
    lend = {"roles": ["reporter"], "until": "2025-12-31", "document": "1/UQ"}
    lent = await room.must(
        OFFICER, "/delegations", lend | {"principal": PERSON, "delegate": "other"}
    )
    stop = {"reason": f"Theo lời {NEW_NAME}"}
    await room.must(OFFICER, f"/delegations/{lent['id']}/end", stop)
    await _sign_in(room)


async def _sign_in(room: Directory) -> None:
    now = datetime.now(UTC)
    async with room.room.engine.begin() as connection:
        session: dict[str, Any] = {
            "id": uuid4(),
            "secret_hash": b"s" * 32,
            "ward": WARD,
            "person": PERSON,
            "method": "link",
            "acting_for": "",
            "begun_at": now,
            "seen_at": now,
        }
        await connection.execute(sa.insert(sign_in_session).values(session))
        link: dict[str, Any] = {
            "state": "asked",
            "method": "link",
            "browser_hash": b"b" * 32,
            "secret_hash": None,
            "address": NEW_ADDRESS,
            "address_hash": b"a" * 32,
            "next": "/",
            "people": [[WARD, PERSON]],
            "asked_at": now,
            "mail_at": now,
        }
        await connection.execute(sa.insert(sign_in_link).values(id=uuid4(), **link))


async def erase(room: Directory) -> dict[str, Any]:
    answer = await room.must(OFFICER, f"/people/{PERSON}/erasure", {"document": "8/YC"})
    assert isinstance(answer, dict)
    return answer


async def test_every_table_of_every_database_forgets_the_name_and_the_address(
    copies: Copies,
) -> None:
    unsent = {"intake.outbox", "intake.contact", "intake.correction_request", "intake.role_held"}
    assert unsent <= copies.unsent, "the search finds what is there"
    sent = {"intake.contact", "intake.sign_in_link", "intake.delegation", "notify.contact"}
    assert sent <= copies.before
    assert await copies.holding(*TRACES) == set()
    assert await copies.holding(PERSON), "what was done stays under the code"


async def test_nothing_of_them_is_left_in_force_and_the_code_is_not_given_away(
    copies: Copies,
) -> None:
    room = copies.room
    assert copies.answer["erased_on"] == "2025-08-01"
    assert any("tieu-hoc-1" in words for words in copies.answer["warnings"])
    assert {("contact-erased", f"{WARD}/{PERSON}"), ("access-ended", f"{WARD}/{PERSON}")} <= set(
        copies.facts
    )
    shown = (await room.get(OFFICER, f"/people/{PERSON}")).json()
    assert (shown["name"], shown["email"], shown["unit"]) == ("", "", "")
    assert not [role for role in shown["roles"] if role["in_force"]]
    assert await room.room.rows("SELECT count(*) FROM sign_in_session") == [(0,)]
    again = {"person": PERSON, "name": "Khác", "email": "khac@ward.example", "unit": ""}
    assert (await room.post(OFFICER, "/people", again)).status_code == 409
    grant = await room.post(OFFICER, f"/people/{PERSON}/roles", {"role": "clerk"})
    assert grant.status_code == 404
    assert (await room.get(PERSON, "/me", roles=["reporter"])).json()["held"] == []
    assert (await erase(room))["erased_on"] == "2025-08-01"
    assert await room.room.said() == [], "erased once"


async def test_a_database_restored_from_an_older_copy_forgets_them_again(copies: Copies) -> None:
    engine = copies.engines["intake"]
    async with engine.begin() as connection:
        await connection.execute(
            sa.text("UPDATE contact SET name = :n, email = :e, erased_on = NULL WHERE person = :p"),
            {"n": NEW_NAME, "e": NEW_ADDRESS, "p": PERSON},
        )
        await connection.execute(
            sa.text("UPDATE correction_request SET text = :n WHERE person = :p"),
            {"n": NEW_NAME, "p": PERSON},
        )
    await _sign_in(copies.room)
    assert await copies.holding(*TRACES)
    tombstone = [one for one in copies.sent if one.topic == CONTACTS_TOPIC and one.value is None]
    await copies.room.room.apply(*tombstone)
    assert await copies.holding(*TRACES) == set()
    assert await copies.room.room.rows("SELECT count(*) FROM sign_in_session") == [(0,)]


async def test_the_record_of_acts_stays_whole_and_tells_nothing_any_more(copies: Copies) -> None:
    names = ", ".join(Act.__dataclass_fields__)
    rows = await copies.room.room.rows(f"SELECT {names} FROM act ORDER BY seq")
    assert first_break([Act(*row) for row in rows]) is None
    about = act.c.subject == f"{WARD}/{PERSON}"
    query = sa.select(act.c.name).where(about, act.c.salt.is_not(None))
    async with copies.engines["intake"].connect() as connection:
        assert list(await connection.scalars(query)) == ["person-erased"]


async def test_the_compacted_topic_keeps_neither_name_nor_address(
    copies: Copies, kafka: str, contacts: str
) -> None:
    key = f"{WARD}/{PERSON}".encode()
    said = [one for one in copies.sent if one.topic == CONTACTS_TOPIC]
    mine = [one.value for one in said if one.key == key]
    assert mine[-1] is None, "the tombstone is the newest record of the key"
    assert len([value for value in mine if value is not None]) == 2
    await produce(kafka, [_on(contacts, one) for one in said])
    assert _left(kafka, contacts, key) > 0, "the search finds what is there"
    for number in range(60):
        filler = FakeRecord(contacts, 0, 0, f"x/{number}".encode(), b"{}", ())
        await produce(kafka, [filler])
        if _left(kafka, contacts, key) == 0:
            break
        await asyncio.sleep(1)
    assert _left(kafka, contacts, key) == 0
    others = {message.key() for message in messages(kafka, [contacts]) if message.value()}
    assert f"{WARD}/thcs-1.reporter".encode() in others, "everybody else is still there"


def _on(topic: str, record: FakeRecord) -> FakeRecord:
    return FakeRecord(topic, 0, 0, record.key, record.value, record.headers)


def _left(kafka: str, topic: str, key: bytes) -> int:
    """Records of a key with a value, before any other reader's eyes."""
    found = (one for one in messages(kafka, [topic]) if one.key() == key)
    return len([one for one in found if one.value()])


@pytest.fixture
async def contacts(kafka: str, make_topic_name: Any) -> str:
    """A topic with the rules of the contacts topic, in a hurry."""
    name: str = make_topic_name("contacts")
    rules = {
        "cleanup.policy": "compact",
        "segment.ms": "100",
        "min.cleanable.dirty.ratio": "0.01",
        "max.compaction.lag.ms": "100",
    }
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 1, 1, topic_configs=rules)])
    finally:
        await admin.close()
    return name


async def test_no_new_mail_is_written_to_them(copies: Copies) -> None:
    engine = copies.engines["notify"]
    assert copies.mails_before, "there is mail that waits for them"
    async with engine.begin() as connection:
        while await mails.queue(connection, datetime.now(UTC), 100):
            pass
    after = await _mails(engine)
    assert after == [(person, "dropped", "contact-erased") for person, *_ in after]
    assert len(after) == len(copies.mails_before)


async def _mails(engine: AsyncEngine) -> list[tuple[str, str, str]]:
    """(person, status, reason) of mails about the person's unit."""
    query = sa.text(
        "SELECT coalesce(mail.person, ''), mail.status, mail.reason FROM mail"
        " JOIN notice USING (id) WHERE notice.participant = 'tieu-hoc-1' ORDER BY mail.seq"
    )
    async with engine.connect() as connection:
        return [(one, status, reason) for one, status, reason in await connection.execute(query)]
