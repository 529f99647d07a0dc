"""Awards in one process on real PostgreSQL: facts go in as records, people come by HTTP."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import jwt
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy.ext.asyncio import AsyncEngine

from services.awards.app import service
from services.awards.routines import Press, press_of
from services.awards.settings import AwardsSettings
from shared import migrations
from shared.calendar import WARD_ZONE
from shared.clock import Anchor, BusinessClock, SystemClock, set_business_clock
from shared.contracts.base import Event
from shared.contracts.intake import (
    Block,
    Form,
    MovementLaunched,
    Nomination,
    ParticipantLeft,
    ParticipantRegistered,
    PeriodOpened,
    ReportAccepted,
    ReportReopened,
)
from shared.contracts.scoring import ResultFrozen
from shared.database import connect
from shared.messaging.applying import Applied, Applier
from shared.messaging.relay import Relay
from shared.messaging.running import Runner
from shared.messaging.tables import act, outbox
from shared.messaging.unit_of_work import Works
from shared.service import Parts, build_app
from tests.kernel import record_of

PERIOD = "2025-annual"
FORM = "giay-khen"
FLAG = "co-thi-dua-thanh-pho"
BLOCKS = {"phong-ban": "Khối phòng, ban", "truong-hoc": "Khối trường học", "ca-nhan": "Cá nhân"}
UNITS = ("phong-a", "phong-b", "truong-1", "truong-2")
PERSON = "nguoi-1"
"""An individual whom phong-b proposes."""
COUNCIL = {
    "chairman": "",
    "vice-chairman": "",
    "phong-a.council": "phong-a",
    "phong-b.council": "phong-b",
    "mttq.council": "mttq",
    "cong-an.council": "cong-an",
}
"""Member -> unit."""


def at(day: int, hour: int = 9) -> datetime:
    """An hour of a day in December 2025."""
    return datetime(2025, 12, day, hour, 0, tzinfo=WARD_ZONE)


def reward(code: str, *, decided_here: bool, individuals: bool = True) -> Form:
    return Form(
        code=code,
        title=code.replace("-", " ").capitalize(),
        collectives=True,
        individuals=individuals,
        decided_here=decided_here,
        annual=decided_here,
    )


@dataclass(frozen=True)
class Ward:
    """Makes the facts of one ward; each test has a ward of its own in one database."""

    code: str

    def movement(self, version: int = 1) -> MovementLaunched:
        return MovementLaunched(
            ward=self.code,
            movement="cds",
            version=version,
            title="Phong trào thi đua",
            place="Tứ Minh",
            launched_on=date(2025, 8, 1),
            contents=(),
            groups=(),
            blocks=tuple(Block(code=c, group="a", title=t) for c, t in BLOCKS.items()),
            forms=(
                reward(FORM, decided_here=True),
                reward(FLAG, decided_here=False, individuals=False),
                reward("bang-khen", decided_here=False),
            ),
        )

    def period(self, code: str = PERIOD) -> PeriodOpened:
        return PeriodOpened(
            ward=self.code,
            period=code,
            movement="cds",
            title="Năm 2025",
            year=2025,
            opened_on=date(2025, 8, 1),
            report_by=at(9, 23),
            report_by_text="trước ngày 10/12/2025",
        )

    def participant(
        self, code: str, block: str, proposed_by: str | None = None
    ) -> ParticipantRegistered:
        return ParticipantRegistered(
            ward=self.code,
            participant=code,
            name=f"Đơn vị {code}",
            kind="office",
            collective=proposed_by is None,
            group="a",
            block=block,
            manner="proposed" if proposed_by else "owes",
            proposed_by=proposed_by,
            proposed_by_name=f"Đơn vị {proposed_by}" if proposed_by else "",
            reporter=f"{code}.reporter",
        )

    def left(self, code: str) -> ParticipantLeft:
        day = date(2025, 12, 1)
        return ParticipantLeft(ward=self.code, participant=code, why="left", left_on=day)

    def accepted(self, code: str, revision: int, *subjects: str) -> ReportAccepted:
        return ReportAccepted(
            ward=self.code,
            participant=code,
            period=PERIOD,
            report_id=UUID(int=1),
            revision=revision,
            accepted_at=at(12),
            late=False,
            nominations=tuple(
                Nomination(subject=subject, form=FORM, reason="Có nhiều sáng kiến.")
                for subject in subjects
            ),
        )

    def reopened(self, code: str, revision: int) -> ReportReopened:
        return ReportReopened(
            ward=self.code,
            participant=code,
            period=PERIOD,
            report_id=UUID(int=1),
            revision=revision,
            reasons=(),
            correct_by=at(28),
            reopened_at=at(13),
        )

    def result(
        self,
        code: str,
        block: str,
        rank: int,
        *,
        total: str = "90",
        late: bool = False,
        period: str = PERIOD,
    ) -> ResultFrozen:
        return ResultFrozen(
            ward=self.code,
            participant=code,
            period=period,
            group="a",
            block=block,
            block_title=BLOCKS[block],
            total=Decimal(total),
            grade="Xuất sắc",
            rank=rank,
            ranked=2,
            late=late,
            frozen_at=at(18),
        )

    def everything(self) -> list[Event]:
        """A ward whose results are frozen: four units and one individual."""
        return [
            self.movement(),
            self.period(),
            self.participant("phong-a", "phong-ban"),
            self.participant("phong-b", "phong-ban"),
            self.participant("truong-1", "truong-hoc"),
            self.participant("truong-2", "truong-hoc"),
            self.participant(PERSON, "ca-nhan", "phong-b"),
            self.accepted("phong-b", 1, f"Đơn vị {PERSON}"),
            self.result("phong-a", "phong-ban", 2),
            self.result("phong-b", "phong-ban", 1),
            self.result("truong-1", "truong-hoc", 1),
            self.result("truong-2", "truong-hoc", 2, late=True),
            self.result(PERSON, "ca-nhan", 1),
        ]


@dataclass
class World:
    """The service, its database, a clock to set, and a way in for facts and for people."""

    engine: AsyncEngine
    applier: Applier
    client: httpx.AsyncClient
    key: Ed25519PrivateKey
    press: Press
    documents: Path
    anchors: Path
    wards: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    offsets: "itertools.count[int]" = field(default_factory=itertools.count)

    def ward(self) -> Ward:
        return Ward(f"w-{next(self.wards)}")

    def clock(self, moment: datetime) -> None:
        set_business_clock(self.anchors, Anchor(datetime.now(UTC), moment, 0))

    async def tell(self, *events: Event) -> Applied:
        """Deliver facts in one batch."""
        return await self.applier.apply([record_of(e, next(self.offsets)) for e in events])

    def token(
        self, ward: Ward, person: str, roles: Sequence[str], unit: str, **more: Any
    ) -> dict[str, str]:
        """`more`: further claims, such as the units and sessions that roles are held for."""
        claims = {
            "sub": person,
            "name": person,
            "roles": list(roles),
            "unit": unit,
            "ward": ward.code,
            "exp": datetime.now(UTC) + timedelta(minutes=5),
            **more,
        }
        return {"Authorization": f"Bearer {jwt.encode(claims, self.key, algorithm='EdDSA')}"}

    async def post(
        self,
        ward: Ward,
        role: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        unit: str = "",
        person: str = "",
    ) -> httpx.Response:
        headers = self.token(ward, person or f"the.{role}", [role], unit)
        return await self.client.post(f"/awards{path}", json=dict(body or {}), headers=headers)

    async def get(self, ward: Ward, role: str, path: str, *, unit: str = "") -> httpx.Response:
        headers = self.token(ward, f"the.{role}", [role], unit)
        return await self.client.get(f"/awards{path}", headers=headers)

    async def page(self, ward: Ward, role: str, path: str, *, unit: str = "") -> httpx.Response:
        """What a browser is shown."""
        headers = {**self.token(ward, f"the.{role}", [role], unit), "Accept": "text/html"}
        return await self.client.get(f"/awards{path}", headers=headers)

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

    async def acts(self, ward: Ward) -> list[str]:
        query = sa.select(act.c.name).where(act.c.subject.startswith(f"{ward.code}/"))
        return [row.name for row in await self.rows(query.order_by(act.c.seq))]

    async def warm(self) -> None:
        """Fill the pool, so that what is asked at once runs at once."""
        await asyncio.gather(*(self.rows(sa.text("SELECT pg_sleep(0.1)")) for _ in range(8)))

    async def print_all(self) -> int:
        """Let the press run until it has nothing to do; returns how many were printed."""
        printed = 0
        while await self.press.pending():
            printed += await self.press.turn()
        return printed


def dossier_body(participant: str, **more: Any) -> dict[str, Any]:
    return {
        "dossier": f"{PERIOD}-{participant}",
        "period": PERIOD,
        "participant": participant,
        "form": FORM,
        "achievement": "Đã có thành tích xuất sắc trong phong trào năm 2025",
        "reason": "Dẫn đầu khối.",
    } | more


def dossiers_of(*participants: str) -> list[str]:
    return [f"{PERIOD}-{participant}" for participant in participants]


def publication_body(*participants: str, **more: Any) -> dict[str, Any]:
    return {
        "period": PERIOD,
        "dossiers": dossiers_of(*participants),
        "window_from": "2025-12-19",
        "window_until": "2025-12-26",
        **more,
    }


def session_body(*participants: str, **more: Any) -> dict[str, Any]:
    return {
        "session": "phien-1",
        "period": PERIOD,
        "held_on": "2025-12-29",
        "members": list(COUNCIL),
        "rule": {"quorum": "2/3", "pass": "majority-of-total"},
        "dossiers": dossiers_of(*participants),
        **more,
    }


def ballot_body(choices: Mapping[str, str]) -> dict[str, Any]:
    return {
        "choices": [
            {"dossier": f"{PERIOD}-{participant}", "choice": choice}
            for participant, choice in choices.items()
        ]
    }


DECISION = {"session": "phien-1", "number": "215/QĐ-UBND", "decided_on": "2025-12-30"}
ATTENDANCE = {"present": list(COUNCIL)[:5], "written": list(COUNCIL)[5:]}


@dataclass
class Story:
    """One ward's way from results to a decision, a step at a time; each step must be let in."""

    world: World
    ward: Ward
    chosen: tuple[str, ...] = ("phong-a", "truong-1", PERSON)

    async def _do(self, role: str, path: str, body: Any = None, **who: Any) -> Any:
        answer = await self.world.post(self.ward, role, path, body, **who)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def results(self) -> None:
        await self.world.tell(*self.ward.everything())

    async def opened(self) -> None:
        await self.results()
        self.world.clock(at(18))
        for participant in self.chosen:
            await self._do("officer", "/dossiers", dossier_body(participant))

    async def published(self) -> None:
        await self.opened()
        self.world.clock(at(19))
        await self._do("officer", "/publications", publication_body(*self.chosen))

    async def called(self) -> None:
        await self.published()
        await self._do("council-secretary", "/sessions", session_body(*self.chosen))

    async def attended(self) -> None:
        await self.called()
        self.world.clock(at(29))
        await self._do("council-secretary", "/sessions/phien-1/attendance", ATTENDANCE)

    async def vote(self, member: str, choices: Mapping[str, str]) -> Any:
        path, unit = "/sessions/phien-1/ballots", COUNCIL[member]
        return await self._do("council", path, ballot_body(choices), person=member, unit=unit)

    async def voted(self, choices: Mapping[str, str] | None = None) -> None:
        """Everybody says the same, but nothing on their own unit; default: yes to all."""
        await self.attended()
        proposers = {PERSON: "phong-b"}
        for member, unit in COUNCIL.items():
            mine = {p for p in self.chosen if unit and unit in {p, proposers.get(p)}}
            paper = {p: (choices or {}).get(p, "yes") for p in self.chosen if p not in mine}
            await self.vote(member, paper)

    async def closed(self, choices: Mapping[str, str] | None = None) -> Any:
        await self.voted(choices)
        return await self._do("council-secretary", "/sessions/phien-1/closing")

    async def approved(self, choices: Mapping[str, str] | None = None) -> Any:
        await self.closed(choices)
        self.world.clock(at(30))
        return await self._do("chairman", "/sessions/phien-1/approval")

    async def decided(self, choices: Mapping[str, str] | None = None) -> Any:
        await self.approved(choices)
        return await self._do("clerk", "/decisions", DECISION)


@asynccontextmanager
async def open_world(url: str, folder: Path) -> AsyncIterator[World]:
    """Migrate an empty database and put the service together on it, without a broker."""
    await migrations.migrate(url, service.migrations)
    anchors = folder / "clock"
    set_business_clock(anchors, Anchor(datetime(2020, 1, 1, tzinfo=UTC), at(18), 0))
    key = Ed25519PrivateKey.generate()
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    documents = folder / "documents"
    settings = AwardsSettings(
        database_url=url,
        kafka="127.0.0.1:1",
        token_public_key=pem,
        env="local",
        documents=documents,
    )
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
            press = press_of(parts)
            yield World(engine, applier, client, key, press, documents, anchors)
    finally:
        await engine.dispose()
