"""Intake on a database of its own, for tests: its HTTP side, its planner, its inbound post."""

import itertools
import json
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import sqlalchemy as sa
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.infrastructure import Provided
from services.intake import app, routines
from services.intake.store.tables import tables
from shared.calendar import WARD_ZONE
from shared.clock import BusinessClock, SystemClock
from shared.contracts.inbound import ReportSubmitted, inbound_topic
from shared.database import connect
from shared.messaging.applying import Applied, Applier
from shared.messaging.relay import Relay
from shared.messaging.running import Runner
from shared.messaging.tables import kernel, outbox, parked
from shared.messaging.unit_of_work import Works
from shared.migrations import migrate
from shared.routine import Routine, RoutineRunner
from shared.service import Parts, build_app
from tests.component.emptying import empty
from tests.component.registered import REGISTER, enter_publishers
from tests.kernel import FakeRecord, header_pairs

WARD = "tu-minh"
PERIOD = "2025-annual"
PLANS = "2025-plan"
DEADLINE = "2025-12-09T23:59:59+07:00"

_KEY = Ed25519PrivateKey.generate()
_PUBLIC = _KEY.public_key().public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo)
_PEOPLE = {
    "phong-vhxh.officer": ("officer", "phong-vhxh"),
    "van-phong.substitute": ("substitute-officer", "van-phong"),
    "chairman": ("chairman", ""),
    "assessor": ("assessor", "van-phong"),
    "tieu-hoc-1.reporter": ("reporter", "tieu-hoc-1"),
    "thcs-1.reporter": ("reporter", "thcs-1"),
    "phong-vhxh.reporter": ("reporter", "phong-vhxh"),
    "tieu-hoc-1.head": ("head", "tieu-hoc-1"),
    "inspector": ("inspector", "van-phong"),
    "auditor": ("auditor", ""),
    "clerk": ("clerk", "van-phong"),
    "operator": ("operator", ""),
    "communications": ("communications-officer", "trung-tam"),
}
OFFICER, SUBSTITUTE, CHAIRMAN, SCHOOL = (
    "phong-vhxh.officer",
    "van-phong.substitute",
    "chairman",
    "tieu-hoc-1.reporter",
)


def moment(text: str) -> datetime:
    """A moment in the ward's zone: "2025-12-09 23:59:59"."""
    return datetime.fromisoformat(text).replace(tzinfo=WARD_ZONE)


START = moment("2025-08-01 08:00")


def token(person: str, *, ward: str = WARD, minutes: int = 10, **claims: Any) -> str:
    """Of one of the people above; `claims` put others in the place of theirs."""
    role, unit = _PEOPLE.get(person, ("", ""))
    usual = {
        "sub": person,
        "name": f"Người dùng {person}",
        "roles": [role],
        "unit": unit,
        "heads": [unit] if role == "head" else [],
        "ward": ward,
        "exp": datetime.now(UTC) + timedelta(minutes=minutes),
    }
    return jwt.encode(usual | claims, _KEY, algorithm="EdDSA")


class HandClock(BusinessClock):
    """Business time as the test says; a record was taken when its timestamp says."""

    def __init__(self) -> None:
        super().__init__(SystemClock())
        self.time = START

    def now(self) -> datetime:
        return self.time

    def at(self, system: datetime) -> datetime:
        return system.astimezone(WARD_ZONE)


@dataclass(frozen=True)
class Said:
    """One fact in the outbox; `name` is `report-received` of its type."""

    seq: int
    topic: str
    key: str
    headers: dict[str, str]
    data: dict[str, Any]

    @property
    def name(self) -> str:
        return self.headers["ce_type"].split(".")[-2]


@dataclass
class DeskRoom:
    """The service in pieces, on one database."""

    engine: AsyncEngine
    clock: HandClock
    works: Works
    applier: Applier
    client: httpx.AsyncClient
    planner: Routine
    _offsets: "itertools.count[int]" = field(default_factory=itertools.count)
    _seen: int = 0

    async def begin_anew(self) -> None:
        """Forget everything; it is 08:00 on 01/08/2025 again."""
        await empty(self.engine, (*kernel.sorted_tables, *tables.sorted_tables))
        await enter_publishers(self.engine, *REGISTER)
        self.clock.time = START
        self.client.cookies.clear()
        self._offsets, self._seen = itertools.count(), 0

    async def post(self, person: str, path: str, body: Mapping[str, Any]) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token(person)}"}
        return await self.client.post(f"/intake{path}", json=body, headers=headers)

    async def get(self, person: str, path: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token(person)}"}
        return await self.client.get(f"/intake{path}", headers=headers)

    async def page(self, person: str, path: str, **claims: Any) -> httpx.Response:
        """A page as somebody's browser asks for it; nothing is followed."""
        headers = {"Accept": "text/html", "Cookie": f"thidua_token={token(person, **claims)}"}
        return await self.client.get(f"/intake{path}", headers=headers)

    async def fill(
        self, person: str, path: str, typed: Mapping[str, str], **claims: Any
    ) -> httpx.Response:
        """A form of a page, as somebody's browser sends it."""
        headers = {
            "Accept": "text/html",
            "Cookie": f"thidua_token={token(person, **claims)}",
            "Sec-Fetch-Site": "same-origin",
        }
        return await self.client.post(f"/intake{path}", data=typed, headers=headers)

    async def must(self, person: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = await self.post(person, path, body)
        assert answer.status_code == 201, answer.text
        result: dict[str, Any] = answer.json()
        return result

    async def apply(self, *records: FakeRecord) -> Applied:
        return await self.applier.apply(records)

    async def said(self, *names: str) -> list[Said]:
        """What was published, in the outbox's order; of these names only, where given."""
        query = sa.select(outbox).order_by(outbox.c.seq)
        async with self.engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        facts = [Said(r.seq, r.topic, r.key, r.headers, json.loads(r.body or b"{}")) for r in rows]
        return [fact for fact in facts if not names or fact.name in names]

    async def news(self, *names: str) -> list[Said]:
        """What was published since the last time that somebody asked for news."""
        facts = await self.said()
        fresh = [fact for fact in facts if fact.seq > self._seen]
        self._seen = max((fact.seq for fact in facts), default=0)
        return [fact for fact in fresh if not names or fact.name in names]

    async def parked(self) -> int:
        async with self.engine.connect() as connection:
            return await connection.scalar(sa.select(sa.func.count()).select_from(parked)) or 0

    async def rows(self, statement: str) -> list[tuple[Any, ...]]:
        async with self.engine.connect() as connection:
            return [tuple(row) for row in await connection.execute(sa.text(statement))]

    def record(
        self,
        body: bytes | Mapping[str, Any],
        *,
        publisher: str = "e-office",
        key: str | bytes | None = None,
        identity: str = "",
        at: str = "2025-12-01 09:00",
        changed: Mapping[str, bytes | None] | None = None,
        **headers: bytes | None,
    ) -> FakeRecord:
        """The next record on a publisher's topic; a header given as None is left out."""
        value = body if isinstance(body, bytes) else json.dumps(body).encode()
        if key is None:
            key = f"{WARD}/{body['participant']}" if isinstance(body, Mapping) else ""
        pairs = dict(
            header_pairs(
                {
                    "ce_specversion": "1.0",
                    "ce_id": identity or str(uuid.uuid4()),
                    "ce_source": f"urn:thidua:publisher:{publisher}",
                    "ce_type": ReportSubmitted.TYPE,
                    "content-type": "application/json",
                }
            )
        ) | {**headers, **(changed or {})}
        return FakeRecord(
            f"thidua.inbound.{publisher}.v1",
            0,
            next(self._offsets),
            key if isinstance(key, bytes) else key.encode(),
            value,
            tuple((name, text) for name, text in pairs.items() if text is not None),
            int(moment(at).timestamp() * 1000),
        )


@asynccontextmanager
async def intake_at(url: str, folder: Path, **more: Any) -> AsyncIterator[DeskRoom]:
    """Intake with its schema, nobody on the roll, at 08:00 on 01/08/2025; `more`: settings."""
    await migrate(url, app.service.migrations)
    settings = app.IntakeSettings(
        database_url=url,
        kafka="nowhere.example:9092",
        token_public_key=_PUBLIC.decode(),
        env="local",
        key_secret=Fernet.generate_key().decode(),
        smtp="nowhere.example:25",
        **more,
    )
    engine, system, clock = connect(url), SystemClock(), HandClock()
    relay = Relay(engine, settings.kafka, "intake", "0")
    works = Works(engine, "intake", clock, system)
    parts = Parts(settings, engine, works, clock, system)
    await enter_publishers(engine, *REGISTER)
    consumer = app.service.consumer
    listened = consumer.inbound_topics
    consumer.listen_to(inbound_topic(publisher.name) for publisher in REGISTER)
    applier = Applier(consumer, engine, clock, system)
    planner = routines.planner(works)
    runner = Runner(consumer, applier, engine, settings.kafka, "0")
    served = build_app(
        app.service,
        parts,
        runner,
        relay,
        [RoutineRunner(planner, engine, runner.has_read)],
    )
    transport = httpx.ASGITransport(app=served)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://ward.example") as client:
            yield DeskRoom(engine, clock, works, applier, client, planner)
    finally:
        consumer.listen_to(listened)
        await engine.dispose()


_databases = itertools.count(1)


@asynccontextmanager
async def one_intake(
    infrastructure: Provided, folder: Path, **more: Any
) -> AsyncIterator[DeskRoom]:
    """Intake on a database that several tests use one after the other; see `begin_anew`."""
    name = f"intake_desk_{next(_databases)}"
    try:
        async with intake_at(infrastructure.create_database(name), folder, **more) as room:
            yield room
    finally:
        infrastructure.drop_database(name)


MOVEMENT: dict[str, Any] = {
    "movement": "cds-2025-2030",
    "version": 1,
    "title": "Phong trào thi đua đổi mới sáng tạo và chuyển đổi số",
    "place": "Tứ Minh",
    "launched_on": "2025-08-01",
    "contents": [{"number": n, "text": f"Nội dung {n}"} for n in (1, 2)],
    "groups": [
        {
            "code": "a",
            "title": "Phòng, ban, đơn vị",
            "criteria": [
                {"code": "a1", "text": "Tiêu chí a1"},
                {"code": "a2", "text": "Tiêu chí a2", "only_for": ["school"]},
            ],
        },
        {"code": "b", "title": "Mặt trận", "criteria": [{"code": "b1", "text": "Tiêu chí b1"}]},
        {"code": "c", "title": "Doanh nghiệp", "criteria": [{"code": "c1", "text": "c1"}]},
        {"code": "d", "title": "Cá nhân", "criteria": [{"code": "d1", "text": "Tiêu chí d1"}]},
    ],
    "blocks": [
        {"code": "van-phong", "group": "a", "title": "Khối phòng, ban"},
        {"code": "truong-hoc", "group": "a", "title": "Khối trường học"},
        {"code": "mat-tran", "group": "b", "title": "Khối Mặt trận"},
        {"code": "doanh-nghiep", "group": "c", "title": "Khối doanh nghiệp"},
        {"code": "ca-nhan", "group": "d", "title": "Cá nhân"},
    ],
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
    "reminder_offsets": [30, 14, 7, 3, 1, 0],
    "adoption": {"number": "15/KH-UBND", "decided_on": "2025-08-01"},
}


def participant(
    code: str,
    *,
    group: str = "a",
    block: str = "truong-hoc",
    kind: str = "school",
    manner: str = "owes",
    proposed_by: str | None = None,
) -> dict[str, Any]:
    return {
        "code": code,
        "name": f"Đơn vị {code}",
        "kind": kind,
        "collective": proposed_by is None,
        "group": group,
        "block": block,
        "manner": manner,
        "proposed_by": proposed_by,
        "reporter": {
            "person": f"{code}.reporter",
            "name": f"Đầu mối {code}",
            "email": f"{code}@tu-minh.example",
        },
    }


def proposed(code: str, by: str) -> dict[str, Any]:
    return participant(
        code, group="d", block="ca-nhan", kind="individual", manner="proposed", proposed_by=by
    )


PARTICIPANTS = [
    participant("phong-vhxh", block="van-phong", kind="office"),
    participant("tieu-hoc-1"),
    participant("thcs-1"),
    participant("mttq", group="b", block="mat-tran", kind="front", manner="invited"),
    participant(
        "cong-ty-1", group="c", block="doanh-nghiep", kind="enterprise", manner="voluntary"
    ),
    proposed("can-bo-1", "phong-vhxh"),
    proposed("giao-vien-1", "tieu-hoc-1"),
]

ANNUAL: dict[str, Any] = {
    "period": PERIOD,
    "movement": "cds-2025-2030",
    "kind": "annual-report",
    "title": "Báo cáo năm 2025",
    "year": 2025,
    "due": DEADLINE,
    "due_text": "trước ngày 10/12/2025",
}
PLAN_PERIOD: dict[str, Any] = {
    **ANNUAL,
    "period": PLANS,
    "kind": "unit-plan",
    "title": "Kế hoạch của đơn vị 2025",
    "due": "2025-08-31T23:59:59+07:00",
    "due_text": "trong tháng 8 năm 2025",
}


def report(code: str, *, criterion: str = "a1", revision: int = 1, **more: Any) -> dict[str, Any]:
    """A report that is complete; the same code and revision give the same content."""
    return {
        "ward": WARD,
        "participant": code,
        "period": PERIOD,
        "report_id": str(uuid.uuid5(uuid.NAMESPACE_OID, code)),
        "revision": revision,
        "form_version": 1,
        "submitted_at": "2025-12-01T09:00:00+07:00",
        "contents": [{"content": 1, "text": "Đã triển khai."}],
        "items": [{"criterion": criterion, "self_score": "38.5", "narrative": f"Bản {revision}"}],
        "nominations": [{"subject": "Tổ số hóa", "form": "giay-khen", "reason": "Dẫn đầu."}],
        **more,
    }


def judgement(code: str, revision: int = 1) -> dict[str, Any]:
    return {"participant": code, "period": PERIOD, "revision": revision}


def returning(code: str, revision: int = 1, **changes: Any) -> dict[str, Any]:
    reasons = [{"pointer": "/items/0/narrative", "text": "Chưa nêu kết quả."}]
    usual = {"reasons": reasons, "correct_by": "2025-12-20T17:00:00+07:00"}
    return {**judgement(code, revision), **usual, **changes}


def plan(code: str, **changes: Any) -> dict[str, Any]:
    return {
        "participant": code,
        "period": PLANS,
        "number": "01/KH",
        "issued_on": "2025-08-20",
        **changes,
    }


async def open_the_year(room: DeskRoom) -> None:
    """Movement, roll and both periods of 2025; nothing of it is news."""
    await room.must(OFFICER, "/movements", MOVEMENT)
    await room.must(OFFICER, "/participants", {"participants": PARTICIPANTS})
    await room.must(OFFICER, "/periods", PLAN_PERIOD)
    await room.must(OFFICER, "/periods", ANNUAL)
    await room.news()
