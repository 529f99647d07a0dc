"""Scoring in one process on real PostgreSQL: facts go in as records, people come by HTTP."""

import itertools
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import httpx
import jwt
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy.ext.asyncio import AsyncEngine

from services.scoring.app import service
from shared import migrations
from shared.calendar import WARD_ZONE
from shared.clock import Anchor, BusinessClock, SystemClock, set_business_clock
from shared.contracts.base import Event
from shared.contracts.intake import (
    Block,
    Criterion,
    Group,
    MovementLaunched,
    ParticipantLeft,
    ParticipantRegistered,
    PeriodOpened,
    ReportAccepted,
    ReportedItem,
    ReportReceived,
    ReportReopened,
)
from shared.database import connect
from shared.messaging.applying import Applied, Applier
from shared.messaging.envelope import new_envelope
from shared.messaging.relay import Relay
from shared.messaging.running import Runner
from shared.messaging.tables import act, outbox, parked
from shared.messaging.unit_of_work import Works
from shared.service import Parts, build_app
from shared.settings import Settings

NOW = datetime(2025, 12, 20, 9, 0, tzinfo=WARD_ZONE)
PERIOD = "2025-annual"
REPORTS = UUID("6b8f3c52-0f0e-4c55-9f8e-6f6a3f0e8a11")
CRITERIA = {
    "a": ("a1", "a2", "a3", "a4"),
    "b": ("b1", "b2"),
    "c": ("c1", "c2", "c3"),
    "d": ("d1", "d2"),
}
POINTS = {
    "a1": "40",
    "a2": "25",
    "a3": "15",
    "a4": "20",
    "b1": "50",
    "b2": "50",
    "c1": "30",
    "c2": "35",
    "c3": "35",
    "d1": "100",
    "d2": "100",
}
BLOCKS = {
    "phong-ban": ("a", "Khối phòng, ban"),
    "truong-hoc": ("a", "Khối trường học"),
    "mat-tran": ("b", "Khối Mặt trận"),
    "doanh-nghiep": ("c", "Khối doanh nghiệp"),
    "ca-nhan": ("d", "Cá nhân"),
}
SHEET: Mapping[str, Any] = {
    "period": PERIOD,
    "version": 1,
    "groups": [
        {"code": group, "criteria": [{"code": c, "max_points": POINTS[c]} for c in criteria]}
        for group, criteria in CRITERIA.items()
    ],
    "bonus_cap": "10",
    "deduction_cap": "20",
    "late_deduction": "2",
    "grades": [
        {"name": "Xuất sắc", "from_points": "90"},
        {"name": "Tốt", "from_points": "80"},
        {"name": "Khá", "from_points": "65"},
        {"name": "Trung bình", "from_points": "50"},
        {"name": "Yếu", "from_points": "0"},
    ],
    "not_applicable": "rescale",
}
ADOPTION: Mapping[str, Any] = {
    "sheet_version": 1,
    "document_number": "12/HĐTĐKT",
    "adopted_on": "2025-12-15",
}
ALL_MARKS = {"a1": "35", "a2": "20", "a3": "12", "a4": "18"}
"""Verified marks of group a, 85 together."""


@dataclass(frozen=True)
class FakeRecord:
    """A record as a Kafka client would give it."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


_offsets = itertools.count()


def record_of(event: Event) -> FakeRecord:
    """An event as its publisher's relay would have sent it."""
    envelope = new_envelope(event, event.PUBLISHER, datetime.now(UTC), "test")
    return FakeRecord(
        event.TOPIC,
        0,
        next(_offsets),
        int(NOW.timestamp() * 1000),
        event.key.encode(),
        event.model_dump_json().encode(),
        [(name, value.encode()) for name, value in envelope.headers().items()],
    )


@dataclass(frozen=True)
class Ward:
    """Makes the facts of one ward; each test may have a ward of its own in one database."""

    code: str

    def movement(self, version: int = 1) -> MovementLaunched:
        return MovementLaunched(
            ward=self.code,
            movement="cds",
            version=version,
            title="Phong trào",
            place="phường",
            launched_on=date(2025, 8, 1),
            contents=(),
            groups=tuple(
                Group(
                    code=group,
                    title=f"Nhóm {group}",
                    criteria=tuple(Criterion(code=c, text=f"Tiêu chí {c}") for c in criteria),
                )
                for group, criteria in CRITERIA.items()
            ),
            blocks=tuple(
                Block(code=code, group=group, title=title)
                for code, (group, title) in BLOCKS.items()
            ),
            forms=(),
        )

    def period(self, code: str = PERIOD, opened_on: date = date(2025, 8, 1)) -> PeriodOpened:
        return PeriodOpened(
            ward=self.code,
            period=code,
            movement="cds",
            title=f"Kỳ {code}",
            year=opened_on.year,
            opened_on=opened_on,
            report_by=datetime(2025, 12, 9, 23, 59, 59, tzinfo=WARD_ZONE),
            report_by_text="trước ngày 10/12/2025",
        )

    def participant(
        self,
        code: str,
        block: str = "phong-ban",
        *,
        proposed_by: str | None = None,
        group: str | None = None,
    ) -> ParticipantRegistered:
        group = group or BLOCKS[block][0]
        return ParticipantRegistered(
            ward=self.code,
            participant=code,
            name=f"Đơn vị {code}",
            kind="office",
            collective=group != "d",
            group=group,
            block=block,
            manner="proposed" if proposed_by else "owes",
            proposed_by=proposed_by,
            reporter=f"{code}.reporter",
        )

    def left(self, code: str) -> ParticipantLeft:
        day = date(2025, 12, 1)
        return ParticipantLeft(ward=self.code, participant=code, why="left", left_on=day)

    def report(
        self,
        code: str,
        scores: Mapping[str, str | None],
        *,
        revision: int = 1,
        late: bool = False,
        period: str = PERIOD,
    ) -> ReportReceived:
        """A score of None says that the criterion does not apply."""
        return ReportReceived(
            ward=self.code,
            participant=code,
            period=period,
            report_id=uuid5(REPORTS, f"{self.code}/{code}/{period}"),
            revision=revision,
            received_at=NOW - timedelta(days=20 - revision),
            late=late,
            days_late=1 if late else 0,
            door="http",
            items=tuple(
                ReportedItem(
                    criterion=criterion,
                    self_score=None if score is None else Decimal(score),
                    not_applicable=score is None,
                    narrative=f"Kết quả {criterion}",
                )
                for criterion, score in scores.items()
            ),
        )

    def accepted(
        self, code: str, *, revision: int = 1, late: bool = False, period: str = PERIOD
    ) -> ReportAccepted:
        return ReportAccepted(
            ward=self.code,
            participant=code,
            period=period,
            report_id=uuid5(REPORTS, f"{self.code}/{code}/{period}"),
            revision=revision,
            accepted_at=NOW - timedelta(days=1),
            late=late,
        )

    def reopened(self, code: str, *, revision: int = 1) -> ReportReopened:
        return ReportReopened(
            ward=self.code,
            participant=code,
            period=PERIOD,
            report_id=uuid5(REPORTS, f"{self.code}/{code}/{PERIOD}"),
            revision=revision,
            reasons=(),
            correct_by=NOW + timedelta(days=9),
            reopened_at=NOW,
        )


@dataclass
class World:
    """The service, its database, and a way in for facts and for people."""

    engine: AsyncEngine
    works: Works
    applier: Applier
    client: httpx.AsyncClient
    key: Ed25519PrivateKey
    wards: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def ward(self) -> Ward:
        return Ward(f"w-{next(self.wards)}")

    async def tell(self, *events: Event) -> Applied:
        """Deliver facts in one batch."""
        return await self.applier.apply([record_of(event) for event in events])

    def token(self, ward: Ward, *roles: str, unit: str = "", **more: Any) -> dict[str, str]:
        """`more`: further claims, such as the units for which roles are held."""
        claims = {
            "sub": f"{unit or 'nobody'}.{'-'.join(roles)}",
            "name": "Người thử",
            "roles": list(roles),
            "unit": unit,
            "ward": ward.code,
            "exp": datetime.now(UTC) + timedelta(minutes=5),
            **more,
        }
        return {"Authorization": f"Bearer {jwt.encode(claims, self.key, algorithm='EdDSA')}"}

    async def post(
        self, path: str, body: Mapping[str, Any], ward: Ward, *roles: str, unit: str = ""
    ) -> httpx.Response:
        headers = self.token(ward, *roles, unit=unit)
        return await self.client.post(f"/scoring{path}", json=dict(body), headers=headers)

    async def get(self, path: str, ward: Ward, *roles: str, unit: str = "") -> httpx.Response:
        headers = self.token(ward, *roles, unit=unit)
        return await self.client.get(f"/scoring{path}", headers=headers)

    async def adopt(self, ward: Ward, period: str = PERIOD) -> None:
        sheet = await self.post("/sheets", {**SHEET, "period": period}, ward, "officer")
        assert sheet.status_code == 200, sheet.text
        path = f"/sheets/{period}/adoption"
        adopted = await self.post(path, ADOPTION, ward, "council-secretary")
        assert adopted.status_code == 200, adopted.text

    async def mark(
        self,
        ward: Ward,
        code: str,
        marks: Mapping[str, str] = ALL_MARKS,
        *,
        stage: str = "verified",
        role: str = "",
        unit: str = "other-unit",
        reason: str = "",
        **more: Any,
    ) -> httpx.Response:
        body = {
            "period": PERIOD,
            "participant": code,
            "revision": 1,
            "stage": stage,
            "marks": [
                {"criterion": criterion, "points": points, "reason": reason}
                for criterion, points in marks.items()
            ],
            **more,
        }
        role = role or ("assessor" if stage == "verified" else "council")
        return await self.post("/marks", body, ward, role, unit=unit)

    async def freeze(self, ward: Ward, period: str = PERIOD) -> httpx.Response:
        return await self.post(f"/periods/{period}/freeze", {}, ward, "council-secretary")

    async def rows(self, query: sa.Executable) -> list[Any]:
        async with self.engine.connect() as connection:
            return list(await connection.execute(query))

    async def said(self, ward: Ward, event: type[Event]) -> list[dict[str, Any]]:
        """What was published of a type about a ward, in order."""
        rows = await self.rows(
            sa.select(outbox.c.headers, outbox.c.body)
            .where(outbox.c.key.startswith(f"{ward.code}/"))
            .order_by(outbox.c.seq)
        )
        return [json.loads(body) for headers, body in rows if headers["ce_type"] == event.TYPE]

    async def parked(self) -> int:
        return len(await self.rows(sa.select(parked)))

    async def acts(self, ward: Ward) -> list[str]:
        query = sa.select(act.c.name).where(act.c.subject.startswith(f"{ward.code}/"))
        return [row.name for row in await self.rows(query.order_by(act.c.seq))]


@asynccontextmanager
async def open_world(url: str, folder: Path) -> AsyncIterator[World]:
    """Migrate an empty database and put the service together on it, without a broker."""
    await migrations.migrate(url, service.migrations)
    anchors = folder / "clock"
    set_business_clock(anchors, Anchor(datetime(2020, 1, 1, tzinfo=UTC), NOW, 0))
    key = Ed25519PrivateKey.generate()
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    settings = Settings(database_url=url, kafka="127.0.0.1:1", token_public_key=pem, env="local")
    engine, system = connect(url), SystemClock()
    business = BusinessClock(system, anchors)
    works = Works(engine, service.name, business, system)
    applier = Applier(service.consumer, engine, business, system)
    parts = Parts(settings, engine, works, business, system)
    runner = Runner(service.consumer, applier, engine, settings.kafka, "0")
    relay = Relay(engine, settings.kafka, service.name, "0")
    app = build_app(service, parts, runner, relay, ())
    transport = httpx.ASGITransport(app=app)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield World(engine, works, applier, client, key)
    finally:
        await engine.dispose()
