"""What notify's component tests stand on: its database, its handlers, its mail room, its facts."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from uuid import UUID, uuid5

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.infrastructure import Provided
from services.notify.app import service
from services.notify.domain.house import House
from services.notify.handlers import consumer
from services.notify.routines import MailRoom
from services.notify.store.tables import tables
from shared.calendar import WARD_ZONE, last_moment_before
from shared.clock import BusinessClock
from shared.contracts.awards import (
    AwardDecided,
    CandidatePublished,
    DossierConcluded,
    DossierOpened,
)
from shared.contracts.base import Event
from shared.contracts.intake import (
    ApprovalAsked,
    ApprovalSettled,
    ContactErased,
    ContactRecorded,
    MovementLaunched,
    ObligationEscalated,
    ObligationMet,
    ObligationMoved,
    ObligationOpened,
    ObligationOverdue,
    ObligationWithdrawn,
    ParticipantLeft,
    ParticipantRegistered,
    PeriodOpened,
    ReminderDue,
    ReportAccepted,
    ReportedItem,
    ReportReceived,
    ReportReopened,
    ReportReturned,
    ReportWithdrawn,
    ReturnReason,
    SummaryDue,
)
from shared.contracts.scoring import ResultFrozen, ScoreComputed, SheetAdopted
from shared.database import connect
from shared.mailbox import Mailbox
from shared.messaging import Works
from shared.messaging.applying import Applied, Applier
from shared.messaging.envelope import new_envelope
from shared.messaging.tables import kernel
from shared.migrations import migrate
from shared.post import Relay
from tests.component.emptying import empty

_IDS = UUID("7f6c1f2e-0d0a-5f4a-9b61-5a5a2f6a1234")
_places = itertools.count()
HOUSE = House(
    Mailbox("Phòng Văn hóa - Xã hội phường Tứ Minh", "thi-dua@tu-minh.example"),
    Mailbox("Phòng Văn hóa - Xã hội phường Tứ Minh", "vhxh@tu-minh.example"),
    "https://thidua.tu-minh.example",
)
PERIOD = "2025-annual"
DUE = last_moment_before(date(2025, 12, 10))
LATER = last_moment_before(date(2025, 12, 16))
REPORTED = datetime(2025, 12, 5, 9, 30, tzinfo=WARD_ZONE)
NOON = datetime(2025, 12, 2, 12, 0, tzinfo=WARD_ZONE)
SCHOOL, PUPIL = "truong-1", "ca-nhan-1"
PERSON, ADDRESS = "truong-1.reporter", "dau-moi@truong-1.example"
HEAD = "truong-1.head"
OFFICER = "phong-vhxh.officer"


class Hands:
    """A clock set by hand."""

    def __init__(self, now: datetime) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time

    def pass_by(self, span: timedelta) -> None:
        self.time += span


@dataclass(frozen=True)
class FakeRecord:
    topic: str
    key: bytes
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    partition: int = 0
    timestamp: int = 1_765_000_000_000
    offset: int = field(default_factory=lambda: next(_places))


def record(event: Event, *, identity: str = "") -> FakeRecord:
    """The event as a record; `identity` makes its id the same wherever it is used."""
    envelope = new_envelope(event, event.PUBLISHER, datetime.now(UTC), "correlation")
    headers = envelope.headers()
    if identity:
        headers["ce_id"] = str(uuid5(_IDS, f"{event.ward}/{identity}"))
    body = None if event.ERASES else event.model_dump_json().encode()
    encoded = [(name, value.encode()) for name, value in headers.items()]
    return FakeRecord(event.TOPIC, event.key.encode(), body, encoded)


@dataclass
class Stage:
    """One notify on its own database; business and system time are set by hand."""

    engine: AsyncEngine
    business: Hands = field(default_factory=lambda: Hands(NOON))
    system: Hands = field(default_factory=lambda: Hands(datetime(2026, 1, 1, tzinfo=UTC)))

    def __post_init__(self) -> None:
        self.applier = Applier(consumer, self.engine, BusinessClock(self.business), self.system)
        self.works = Works(self.engine, "notify", BusinessClock(self.business), self.system)

    async def take(self, *records: FakeRecord) -> Applied:
        applied = await self.applier.apply(records)
        assert not applied.parked
        return applied

    async def tell(self, *events: Event) -> None:
        await self.take(*(record(event) for event in events))

    def room(self, relay: Relay, worker: str = "0", **options: Any) -> MailRoom:
        return MailRoom(self.works, HOUSE, relay, worker, **options)

    async def rows(self, statement: str, **values: Any) -> list[Any]:
        async with self.engine.connect() as connection:
            return list(await connection.execute(sa.text(statement), values))

    async def mails(self, ward: str = "tu-minh") -> list[Any]:
        """(kind, participant, status, reason, person) of a ward's mails, sorted."""
        return sorted(
            tuple(row)
            for row in await self.rows(
                "SELECT kind, participant, status, reason, person"
                " FROM mail JOIN notice USING (id) WHERE ward = :ward",
                ward=ward,
            )
        )

    async def states(self, ward: str = "tu-minh") -> dict[str, str]:
        """Kind -> status, where there is one mail a kind."""
        return {kind: status for kind, _, status, *_ in await self.mails(ward)}

    async def published(self, name: str) -> list[dict[str, Any]]:
        """Bodies in the outbox of one type, such as `mail-sent`."""
        rows = await self.rows(
            "SELECT convert_from(body, 'UTF8')::jsonb FROM outbox"
            " WHERE headers->>'ce_type' = :type ORDER BY seq",
            type=f"vn.thidua.notify.{name}.v1",
        )
        return [row[0] for row in rows]

    async def find_text(self, text: str) -> list[str]:
        """Tables that hold a text anywhere."""
        names = await self.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        found: list[str] = []
        for (table,) in names:
            query = f'SELECT count(*) FROM "{table}" t WHERE t::text ILIKE :text'
            if table in {"outbox", "parked"}:
                query += " OR convert_from(coalesce(body, ''), 'UTF8') ILIKE :text"
            [(count,)] = await self.rows(query, text=f"%{text}%")
            if count:
                found.append(table)
        return found


@contextmanager
def one_database(infrastructure: Provided, name: str) -> Iterator[str]:
    """A migrated database for a module's tests; its URL."""
    url = infrastructure.create_database(name)
    asyncio.run(migrate(url, service.migrations))
    yield url
    infrastructure.drop_database(name)


@asynccontextmanager
async def staged(url: str) -> AsyncIterator[Stage]:
    """A stage on an empty database; what an earlier test left in it is removed."""
    engine = connect(url)
    try:
        await empty(engine, (*kernel.sorted_tables, *tables.sorted_tables))
        yield Stage(engine)
    finally:
        await engine.dispose()


def parsed(content: bytes) -> EmailMessage:
    return message_from_bytes(content, policy=policy.default)


def obligation_id(ward: str, name: str) -> UUID:
    return uuid5(_IDS, f"{ward}/{name}")


@dataclass(frozen=True)
class Story:
    """The facts of one ward, by what they are called."""

    ward: str = "tu-minh"

    def movement(self) -> MovementLaunched:
        return MovementLaunched(
            ward=self.ward,
            movement="cds-2025-2030",
            version=1,
            title="Phong trào thi đua đổi mới sáng tạo trên địa bàn phường Tứ Minh",
            place="Tứ Minh",
            launched_on=date(2025, 8, 1),
            contents=(),
            groups=(),
            blocks=(),
            forms=(),
        )

    def period(self) -> PeriodOpened:
        return PeriodOpened(
            ward=self.ward,
            period=PERIOD,
            movement="cds-2025-2030",
            title="Báo cáo năm 2025",
            year=2025,
            opened_on=date(2025, 9, 1),
            report_by=DUE,
            report_by_text="trước ngày 10/12/2025",
        )

    def contact(self, person: str = PERSON, email: str = ADDRESS) -> ContactRecorded:
        return ContactRecorded(
            ward=self.ward, person=person, name="Đầu mối báo cáo Trường số 1", email=email
        )

    def erased(self, person: str = PERSON) -> ContactErased:
        return ContactErased(ward=self.ward, person=person)

    def school(self, code: str = SCHOOL, reporter: str = PERSON) -> ParticipantRegistered:
        return ParticipantRegistered(
            ward=self.ward,
            participant=code,
            name=f"Trường số {code.rpartition('-')[2]}",
            kind="school",
            collective=True,
            group="a",
            block="truong-hoc",
            manner="owes",
            reporter=reporter,
        )

    def left(self, code: str = SCHOOL) -> ParticipantLeft:
        day = date(2025, 12, 1)
        return ParticipantLeft(ward=self.ward, participant=code, why="left", left_on=day)

    def pupil(self) -> ParticipantRegistered:
        return ParticipantRegistered(
            ward=self.ward,
            participant=PUPIL,
            name="Giáo viên dạy Tin học",
            kind="individual-official",
            collective=False,
            group="d",
            block="ca-nhan-can-bo",
            manner="proposed",
            proposed_by=SCHOOL,
            proposed_by_name="Trường số 1",
            reporter=PERSON,
        )

    def _duty(self, code: str, kind: str) -> dict[str, Any]:
        return {
            "ward": self.ward,
            "participant": code,
            "obligation": obligation_id(self.ward, f"{code}/{kind}"),
            "kind": kind,
            "period": PERIOD if kind == "annual-report" else "2025-plan",
        }

    def _dated(self, code: str, kind: str, manner: str) -> dict[str, Any]:
        more = {"manner": manner, "due": DUE, "due_text": "trước ngày 10/12/2025"}
        return self._duty(code, kind) | more

    def opened(
        self, code: str = SCHOOL, kind: str = "annual-report", manner: str = "owes"
    ) -> ObligationOpened:
        return ObligationOpened.model_validate(self._dated(code, kind, manner))

    def reminder(self, days: int = 7, code: str = SCHOOL, manner: str = "owes") -> ReminderDue:
        counted = {"offset_days": days, "days_left": days}
        return ReminderDue.model_validate(self._dated(code, "annual-report", manner) | counted)

    def overdue(self, code: str = SCHOOL) -> ObligationOverdue:
        return ObligationOverdue.model_validate(
            self._dated(code, "annual-report", "owes") | {"days_late": 1}
        )

    def escalated(self, head: str | None = "truong-1.head") -> ObligationEscalated:
        late = {"days_late": 4, "head": head}
        return ObligationEscalated.model_validate(
            self._dated(SCHOOL, "annual-report", "owes") | late
        )

    def summary(self, waiting: int = 3) -> SummaryDue:
        """For the officer, on a working morning."""
        counted = {"waiting": waiting, "waiting_new": 1, "overdue": 2, "overdue_new": 0}
        return SummaryDue.model_validate(
            {"ward": self.ward, "person": OFFICER, "at": REPORTED, "year": 2025, **counted}
        )

    def moved(self, due: datetime = LATER, was: datetime = DUE) -> ObligationMoved:
        changed = {"due": due, "due_text": f"đến hết ngày {due:%d/%m/%Y}", "was_due": was}
        return ObligationMoved.model_validate(
            self._dated(SCHOOL, "annual-report", "owes") | changed | {"why": "Lùi hạn vì bão."}
        )

    def withdrawn(self, why: str = "waived") -> ObligationWithdrawn:
        return ObligationWithdrawn.model_validate(
            self._duty(SCHOOL, "annual-report") | {"why": why, "reason": "Đơn vị đang sáp nhập."}
        )

    def met(self, code: str = SCHOOL, kind: str = "annual-report") -> ObligationMet:
        return ObligationMet.model_validate(
            self._duty(code, kind) | {"met_at": REPORTED, "on_time": True}
        )

    def _report(self, code: str, revision: int) -> dict[str, Any]:
        return {
            "ward": self.ward,
            "participant": code,
            "period": PERIOD,
            "report_id": obligation_id(self.ward, f"report/{code}"),
            "revision": revision,
        }

    def received(self, revision: int = 1, code: str = SCHOOL) -> ReportReceived:
        codes = ("a1", "a2", "a3")
        items = [ReportedItem(criterion=c, self_score=Decimal(20), narrative="Dài.") for c in codes]
        more = {"received_at": REPORTED, "late": False, "days_late": 0, "door": "http"}
        return ReportReceived.model_validate(
            self._report(code, revision) | more | {"items": tuple(items)}
        )

    def reopened(self, revision: int = 2) -> ReportReopened:
        reasons = (ReturnReason(pointer="/items/1", text="Số liệu thay đổi."),)
        return ReportReopened.model_validate(
            self._report(SCHOOL, revision)
            | {"reasons": reasons, "correct_by": LATER, "reopened_at": REPORTED}
        )

    def taken_back(self, revision: int = 1) -> ReportWithdrawn:
        return ReportWithdrawn.model_validate(
            self._report(SCHOOL, revision) | {"withdrawn_at": REPORTED}
        )

    def returned(self, revision: int = 1) -> ReportReturned:
        reasons = (ReturnReason(pointer="/items/1/narrative", text="Chưa nêu minh chứng."),)
        return ReportReturned.model_validate(
            self._report(SCHOOL, revision)
            | {"reasons": reasons, "correct_by": DUE, "returned_at": REPORTED}
        )

    def asked(self, draft: int = 7, *heads: str) -> ApprovalAsked:
        """The draft waits for these; for the one head of the school where none is named."""
        more = {"kind": "annual-report", "draft": draft, "heads": heads or (HEAD,)}
        return ApprovalAsked.model_validate(self._draft() | more | {"asked_at": REPORTED})

    def settled(self, outcome: str = "approved", draft: int = 8) -> ApprovalSettled:
        said = "Thiếu số liệu." if outcome == "sent-back" else ""
        more = {"kind": "annual-report", "draft": draft, "outcome": outcome, "said": said}
        return ApprovalSettled.model_validate(
            self._draft() | more | {"settled_at": REPORTED, "authors": (PERSON,)}
        )

    def _draft(self) -> dict[str, Any]:
        return {"ward": self.ward, "participant": SCHOOL, "period": PERIOD}

    def accepted(self, revision: int = 2) -> ReportAccepted:
        return ReportAccepted.model_validate(
            self._report(SCHOOL, revision) | {"accepted_at": REPORTED, "late": False}
        )

    def sheet(self) -> SheetAdopted:
        return SheetAdopted(
            ward=self.ward,
            period=PERIOD,
            sheet_version=1,
            document_number="12/HĐTĐKT",
            adopted_on=date(2025, 12, 1),
        )

    def scored(self, stage: str, revision: int | None = None) -> ScoreComputed:
        """`stage`: self or verified."""
        about: dict[str, Any] = {"ward": self.ward, "participant": SCHOOL, "period": PERIOD}
        about |= {"stage": stage, "revision": revision}
        return ScoreComputed.model_validate(about | {"total": Decimal("80.00"), "sheet_version": 1})

    def result(self) -> ResultFrozen:
        return ResultFrozen(
            ward=self.ward,
            participant=SCHOOL,
            period=PERIOD,
            group="a",
            block="truong-hoc",
            block_title="Khối trường học",
            total=Decimal("87.5"),
            grade="Tốt",
            rank=3,
            ranked=12,
            late=False,
            frozen_at=REPORTED,
        )

    def _about_dossier(self, code: str) -> dict[str, Any]:
        return {
            "ward": self.ward,
            "dossier": f"{PERIOD}.{code}",
            "period": PERIOD,
            "participant": code,
            "form": "giay-khen",
        }

    def dossier(self, code: str = SCHOOL) -> DossierOpened:
        return DossierOpened.model_validate(self._about_dossier(code) | {"opened_at": REPORTED})

    def concluded(self, code: str = SCHOOL, *, passed: bool) -> DossierConcluded:
        voted = {"passed": passed, "concluded_at": datetime(2025, 12, 22, tzinfo=UTC)}
        return DossierConcluded.model_validate(self._about_dossier(code) | voted)

    def _dossier(self, code: str, name: str) -> dict[str, Any]:
        return self._about_dossier(code) | {
            "name": name,
            "unit": "Trường số 1",
            "achievement": "Đã có thành tích xuất sắc trong Phong trào thi đua năm 2025",
            "form_title": "Giấy khen",
        }

    def candidate(self, code: str = SCHOOL, name: str = "Trường số 1") -> CandidatePublished:
        window = {"window_from": date(2025, 12, 10), "window_until": date(2025, 12, 20)}
        return CandidatePublished.model_validate(self._dossier(code, name) | window)

    def award(
        self, code: str = SCHOOL, name: str = "Trường số 1", number: str = "215/QĐ-UBND"
    ) -> AwardDecided:
        more = {"decision_number": number, "decided_on": date(2025, 12, 26), "ordinal": 1}
        return AwardDecided.model_validate(self._dossier(code, name) | more)


def basics(story: Story) -> Iterable[Event]:
    """What every mail to the school needs."""
    return (story.movement(), story.period(), story.school(), story.contact())


async def all_of(room: MailRoom) -> None:
    while await room.turn():
        pass


def many(count: int) -> list[Event]:
    """Facts for `count` mails to as many people."""
    story = Story()
    events: list[Event] = [story.movement(), story.period()]
    for number in range(count):
        person = f"truong-{number}.reporter"
        events += [
            story.school(f"truong-{number}", person),
            story.contact(person, f"dau-moi@truong-{number}.example"),
            story.opened(f"truong-{number}"),
        ]
    return events


async def statuses(stage: Stage) -> Counter[str]:
    return Counter(status for _, _, status, *_ in await stage.mails())
