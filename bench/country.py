"""A country's wards on one database: one is made by the real commands, the others are its copies.

What the first ward says goes through notify's own consumer, so that its database is as it would be.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.cycle.bodies import movement_body
from deploy.local.tokens import WARD as FOLDER
from deploy.wards.loader import load_ward
from services.intake import app as intake
from services.intake.commands import desk, movement
from services.intake.domain.publisher import Publisher
from services.intake.forms.desk import ParticipantsForm
from services.intake.forms.movement import MovementForm, PeriodForm
from services.intake.store import publishers
from services.intake.store.tables import tables as intake_tables
from services.notify import app as notify
from services.notify.store.tables import tables as notify_tables
from shared.calendar import WARD_ZONE
from shared.clock import BusinessClock, SystemClock
from shared.contracts.inbound import inbound_topic
from shared.database import connect
from shared.messaging import Works
from shared.messaging.applying import Applier
from shared.messaging.tables import outbox
from shared.migrations import migrate
from shared.web.identity import Person

FIRST = "phuong-1"
EACH = 300
PERIOD, YEAR = "2025-annual", 2025
LAID = datetime(2025, 8, 1, 8, tzinfo=WARD_ZONE)
DUE = datetime(2025, 12, 9, 23, 59, 59, tzinfo=WARD_ZONE)
LAST_MORNING = datetime(2025, 12, 9, 7, 30, tzinfo=WARD_ZONE)
EVENING = datetime(2025, 12, 9, 18, tzinfo=WARD_ZONE)
PUBLISHER = Publisher("e-office", "urn:thidua:publisher:e-office", ())
_AT_ONCE = 100
"""Wards that one statement copies."""
KINDS = (
    (0.10, "office", "a", "owes"),
    (0.10, "school", "a", "owes"),
    (0.60, "neighbourhood-group", "a", "owes"),
    (0.07, "front", "b", "invited"),
    (0.13, "enterprise", "c", "voluntary"),
)
"""(share of the roll, kind, group, how firmly), about as in the sample ward's own roll."""


class SetClock(BusinessClock):
    """Business time as it is set; a record was taken when its time says."""

    def __init__(self, time: datetime) -> None:
        super().__init__(SystemClock())
        self.time = time

    def now(self) -> datetime:
        return self.time

    def at(self, system: datetime) -> datetime:
        return system.astimezone(WARD_ZONE)


@dataclass(frozen=True, slots=True)
class Told:
    """A fact of an outbox, as a Kafka client would hand it over."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    timestamp: int


@dataclass(frozen=True, slots=True)
class Country:
    """`wards` wards of `EACH` participants, each with one duty: the year's report.

    `admin`: who may switch triggers off, on any database of this server.
    """

    admin: str
    intake: str
    notify: str
    wards: int
    each: int = EACH

    @asynccontextmanager
    async def works(self, clock: BusinessClock) -> AsyncIterator[Works]:
        """Intake's way into its database, by a clock of the bench."""
        engine = connect(self.intake)
        try:
            yield Works(engine, "intake", clock, SystemClock())
        finally:
            await engine.dispose()

    async def make(self) -> None:
        """Schemas, the first ward, its copies, statistics."""
        for url, service in ((self.intake, intake.service), (self.notify, notify.service)):
            await migrate(url, service.migrations)
        async with self.works(SetClock(LAID)) as works:
            await _open_ward(works, self.each)
            said = await _take_outbox(works.engine)
        await self._tell_notify(said)
        await self._copy(self.intake, _ready_to_copy("intake"), intake_tables)
        await self._copy(self.notify, _ready_to_copy("notify"), notify_tables)

    async def _tell_notify(self, said: Sequence[Told]) -> None:
        engine = connect(self.notify)
        applier = Applier(notify.service.consumer, engine, SetClock(LAID), SystemClock())
        try:
            for begin in range(0, len(said), 500):
                await applier.apply(said[begin : begin + 500])
        finally:
            await engine.dispose()

    async def _copy(self, url: str, prepare: Sequence[str], tables: sa.MetaData) -> None:
        async with self.plain(url) as connection:
            await connection.execute("SET session_replication_role = replica")
            await connection.execute("SET synchronous_commit = off")
            await connection.execute("SET maintenance_work_mem = '512MB'")
            for statement in prepare:
                await connection.execute(statement)
            for name, first, statement in copies_of(tables):
                await connection.execute(first)
                await connection.execute(_WITHOUT_INDEXES, name)
                for begin in range(2, self.wards + 1, _AT_ONCE):
                    end = min(begin + _AT_ONCE - 1, self.wards)
                    await connection.execute(statement, begin, end)
                await connection.execute(f"REINDEX TABLE {name}")
            await connection.execute("VACUUM ANALYZE")

    @asynccontextmanager
    async def plain(self, url: str) -> AsyncIterator[Any]:
        """The driver's own connection of the superuser to a database, without time-outs."""
        whole = sa.make_url(self.admin).set(
            drivername="postgresql", database=sa.make_url(url).database
        )
        connection = await asyncpg.connect(whole.render_as_string(hide_password=False))
        try:
            yield connection
        finally:
            await connection.close()

    async def run(self, url: str, *statements: str) -> None:
        async with self.plain(url) as connection:
            for statement in statements:
                await connection.execute(statement)

    async def value(self, url: str, query: str) -> int:
        async with self.plain(url) as connection:
            return int(await connection.fetchval(query))


def codes(wards: int, each: int = EACH) -> list[tuple[str, int]]:
    """(ward, number of the participant), ward by ward."""
    return [(f"phuong-{ward}", one) for ward in range(1, wards + 1) for one in range(each)]


def code_of(number: int) -> str:
    return f"don-vi-{number}"


def kind_of(number: int, each: int = EACH) -> tuple[str, str, str]:
    """(kind, group, manner) of a participant by its number."""
    upto = 0.0
    for share, kind, group, manner in KINDS:
        upto += share
        if number < round(upto * each):
            return kind, group, manner
    return KINDS[0][1:]


def movement_of_a_ward() -> dict[str, Any]:
    """The sample ward's plan, as long as a plan is."""
    return movement_body(load_ward(FOLDER), "2025-08-01")


def criteria_of(plan: Mapping[str, Any], number: int, each: int = EACH) -> list[str]:
    kind, group, _ = kind_of(number, each)
    return [
        criterion["code"]
        for one in plan["groups"]
        if one["code"] == group
        for criterion in one["criteria"]
        if not criterion["only_for"] or kind in criterion["only_for"]
    ]


async def _open_ward(works: Works, each: int) -> None:
    plan = movement_of_a_ward()
    person = Person("can-bo", "Công chức", frozenset({"officer"}), "", FIRST)
    blocks = {block["group"]: block["code"] for block in plan["blocks"]}
    async with works.begin(*movement.keys_of(FIRST, plan["movement"])) as work:
        await movement.enter(work, MovementForm.model_validate(plan), person)
    roll = {"participants": [_participant(number, each, blocks) for number in range(each)]}
    async with works.begin(desk.roll_key(FIRST)) as work:
        form = ParticipantsForm.model_validate(roll)
        await desk.register_participants(work, form.participants, person)
    async with works.begin(desk.roll_key(FIRST)) as work:
        period = {
            "period": PERIOD,
            "movement": plan["movement"],
            "kind": "annual-report",
            "title": "Báo cáo năm 2025",
            "year": YEAR,
            "due": DUE,
            "due_text": "trước ngày 10/12/2025",
        }
        await movement.open_period(work, PeriodForm.model_validate(period), person)
    await _register(works)


async def _register(works: Works) -> None:
    row = {"name": PUBLISHER.name, "ce_source": PUBLISHER.source, "ward": FIRST}
    who = {"document": "1/QĐ", "registered_by": "van-hanh", "registered_at": LAID}
    grant = {"publisher": PUBLISHER.name, "ward": FIRST, "participants": None}
    days = {"since": date(2025, 1, 1), "until": None}
    by = {"document": "1/QĐ", "granted_by": "van-hanh", "granted_at": LAID}
    async with works.engine.begin() as connection:
        await publishers.add(connection, row | who)
        await publishers.add_grant(connection, grant | days | by)


def _participant(number: int, each: int, blocks: Mapping[str, str]) -> dict[str, Any]:
    kind, group, manner = kind_of(number, each)
    code = code_of(number)
    return {
        "code": code,
        "name": f"Đơn vị {number}",
        "kind": kind,
        "collective": True,
        "group": group,
        "block": blocks[group],
        "manner": manner,
        "reporter": {
            "person": f"{code}.dau-moi",
            "name": f"Đầu mối {number}",
            "email": f"{code}@ward.example",
        },
    }


async def _take_outbox(engine: AsyncEngine) -> list[Told]:
    async with engine.begin() as connection:
        rows = (await connection.execute(sa.select(outbox).order_by(outbox.c.seq))).all()
        await connection.execute(sa.delete(outbox))
    return [
        Told(
            row.topic,
            0,
            row.seq,
            row.key.encode(),
            row.body,
            tuple((name, value.encode()) for name, value in row.headers.items()),
            int(LAID.timestamp() * 1000),
        )
        for row in rows
    ]


_PAST = (
    "INSERT INTO period (ward, period, movement, kind, title, year, due, due_text, opened_at)"
    " SELECT ward, '2024-annual', movement, kind, title, year - 1, due - interval '1 year', '',"
    " opened_at - interval '1 year' FROM period",
    "INSERT INTO report (ward, participant, period, revision, report_id, body, digest,"
    " received_at, late, days_late, door, submitted_by, movement, movement_version)"
    " SELECT ward, participant, '2024-annual', 1, gen_random_uuid(), '{}', '', registered_at,"
    " false, 0, 'http', reporter, 'cds', 1 FROM participant",
    "INSERT INTO judgement (ward, participant, period, revision, outcome, reasons, judged_at,"
    " judged_by) SELECT ward, participant, period, 1, 'accepted', '[]', received_at, 'can-bo'"
    " FROM report",
    "INSERT INTO plan (ward, participant, period, number, issued_on, on_time, recorded_at,"
    " recorded_by) SELECT ward, participant, '2024-plan', '1/KH', '2024-08-20', true,"
    " received_at, 'can-bo' FROM report",
    "INSERT INTO hand_reminder (obligation, day, number, ward, participant, days_left, sent_at,"
    " reminded_by) SELECT id, due::date - 4, 1, ward, participant, 4, due, 'can-bo'"
    " FROM obligation",
    "INSERT INTO role_held (ward, person, role, scope, scope_of, since, document, granted_by,"
    " granted_at) SELECT ward, person, 'head', scope, scope_of, since, document, granted_by,"
    " granted_at FROM role_held WHERE role = 'reporter'",
)
"""What a year before this one has left, with reports of no words; who reports heads the unit."""


def _ready_to_copy(service: str) -> Sequence[str]:
    """How the first ward stands on the morning of its deadline."""
    if service == "intake":
        gone = LAST_MORNING.date().isoformat()
        return (*_PAST, f"UPDATE reminder SET state = 'sent' WHERE due_at < '{gone}'")
    sent = f"status = 'sent', sent_at = '{LAID}', due_at = '{LAID}', written_at = '{LAID}'"
    told = "person = notice.participant || '.dau-moi', message_id = '<' || notice.id || '@x>'"
    return (f"UPDATE mail SET {sent}, {told} FROM notice WHERE notice.id = mail.id",)


# --- copies ---

_PARENTS = {"reminder": "obligation", "met": "obligation", "mail": "id"}
"""Tables without a ward, and the column that names what has one."""
_OWNERS = {"reminder": "obligation", "met": "obligation", "mail": "notice"}
_UNIQUE = {"event_id", "message_id"}
_LEFT_ALONE = {"publisher"}
_WITHOUT_INDEXES = (
    "UPDATE pg_index SET indisready = false, indisvalid = false WHERE indrelid = $1::text::regclass"
)
"""Until they are built anew at once, which is much faster than row by row."""


def copies_of(tables: sa.MetaData) -> list[tuple[str, str, str]]:
    """For each table its name, a statement that takes the first ward's rows aside, and one that
    copies them to the wards from $1 to $2.

    Ids of copies are a hash of the ward's number and the first one's: as random as ids are.
    """
    found = []
    for table in tables.sorted_tables:
        if table.name in _LEFT_ALONE or ("ward" not in table.c and table.name not in _PARENTS):
            continue
        columns = [column for column in table.c if column.identity is None]
        names = ", ".join(f'"{column.name}"' for column in columns)
        values = ", ".join(_copied(column) for column in columns)
        first = f"SELECT * FROM {table.name} WHERE {_of_first(table)}"
        copy = (
            f"INSERT INTO {table.name} ({names}) SELECT {values} FROM"
            f" generate_series($1::int, $2::int) AS n, first_{table.name} AS one"
        )
        aside = f"CREATE TEMPORARY TABLE first_{table.name} AS {first}"
        found.append((table.name, aside, copy))
    return found


def _of_first(table: sa.Table) -> str:
    if "ward" in table.c:
        return f"ward = '{FIRST}'"
    column, owner = _PARENTS[table.name], _OWNERS[table.name]
    key = "id" if "id" in table.metadata.tables[owner].c else "obligation"
    return f"{column} IN (SELECT {key} FROM {owner} WHERE ward = '{FIRST}')"


def _copied(column: sa.Column[Any]) -> str:
    name = f'one."{column.name}"'
    if column.name == "ward":
        return "'phuong-' || n"
    if column.name in _UNIQUE:
        return f"{name} || '-' || n"
    if isinstance(column.type, UUID):
        return f"md5(n || {name}::text)::uuid"
    return name


TOPIC = inbound_topic(PUBLISHER.name)
