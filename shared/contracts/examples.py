"""One valid example of each event: a school's year in a ward, from the launch to the certificate.

The catalogue shows them, tests of the services read them, and whoever writes a reader may begin
with them. `example_of(ReportReceived)` is the model; change a field with `model_copy`.
"""

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Final, TypeVar, cast
from uuid import UUID

from shared.contracts import awards, inbound, intake, notify, scoring
from shared.contracts.base import Event

E = TypeVar("E", bound=Event)

WARD: Final = "tu-minh"
SCHOOL: Final = "tieu-hoc-1"
PERIOD: Final = "2025-annual"
REPORT: Final = UUID("f0b7b1de-7c5a-4d0f-8f7e-3f6f5a2b2026")
DUTY: Final = UUID("5d0c1b52-6c0f-5b52-9d63-9f1f7c1d1a52")
PERSON: Final = "tieu-hoc-1.reporter"
DOSSIER: Final = "2025-annual.tieu-hoc-1.giay-khen"
_ZONE: Final = timezone(timedelta(hours=7))
_RECORD: Final = "thidua.inbound.e-office.v1/2/41"
_CAUSE: Final = "e-office-2025-000123"


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=_ZONE)


_DUE = _at("2025-12-09 23:59:59")
_BY = "trước ngày 10/12/2025"
_CRITERION = intake.Criterion(code="a1", text="Thực hiện nhiệm vụ chuyển đổi số")
_WHO = {"ward": WARD, "participant": SCHOOL}
_OF_REPORT = {**_WHO, "period": PERIOD, "report_id": REPORT, "revision": 1}
_OF_DUTY = {**_WHO, "obligation": DUTY, "kind": "annual-report", "period": PERIOD}
_ASKED = {**_OF_DUTY, "manner": "owes", "due": _DUE, "due_text": _BY}
_WHY = intake.ReturnReason(pointer="/items/0/narrative", text="Chưa nêu kết quả.")
_OF_DOSSIER = {**_WHO, "dossier": DOSSIER, "period": PERIOD, "form": "giay-khen"}
_HONOURED = {
    "name": "Trường Tiểu học số 1",
    "unit": "Trường Tiểu học số 1",
    "achievement": "Dẫn đầu khối trường học năm 2025",
    "form_title": "Giấy khen của Chủ tịch Ủy ban nhân dân phường",
}

_INTAKE: Final[tuple[Event, ...]] = (
    intake.MovementLaunched(
        ward=WARD,
        movement="cds-2025-2030",
        version=1,
        title="Phong trào thi đua đổi mới sáng tạo và chuyển đổi số",
        place="Tứ Minh",
        launched_on=date(2025, 8, 1),
        contents=(intake.Content(number=1, text="Hoàn thiện thể chế số"),),
        groups=(intake.Group(code="a", title="Phòng, ban, đơn vị", criteria=(_CRITERION,)),),
        blocks=(intake.Block(code="truong-hoc", group="a", title="Khối trường học"),),
        forms=(
            intake.Form(
                code="giay-khen",
                title="Giấy khen",
                collectives=True,
                individuals=True,
                decided_here=True,
                annual=True,
            ),
        ),
    ),
    intake.ParticipantRegistered(
        **_WHO,
        name="Trường Tiểu học số 1",
        kind="school",
        collective=True,
        group="a",
        block="truong-hoc",
        manner="owes",
        reporter=PERSON,
    ),
    intake.ParticipantLeft(
        ward=WARD,
        participant="tieu-hoc-3",
        why="merged-into",
        into=SCHOOL,
        left_on=date(2026, 7, 1),
    ),
    intake.PeriodOpened(
        ward=WARD,
        period=PERIOD,
        movement="cds-2025-2030",
        title="Báo cáo năm 2025",
        year=2025,
        opened_on=date(2025, 11, 1),
        report_by=_DUE,
        report_by_text=_BY,
    ),
    intake.ObligationOpened(**_ASKED),
    intake.ReminderDue(**_ASKED, offset_days=7, days_left=7),
    intake.ObligationOverdue(**_ASKED, days_late=1),
    intake.ObligationEscalated(**_ASKED, days_late=5, head="tieu-hoc-1.head"),
    intake.ObligationMoved(
        **{**_ASKED, "due": _at("2025-12-16 23:59:59"), "due_text": "trước ngày 17/12/2025"},
        was_due=_DUE,
        why="Mưa lũ, công văn 45/UBND",
    ),
    intake.ObligationWithdrawn(**_OF_DUTY, why="waived", reason="Trường sáp nhập"),
    intake.ObligationMet(**_OF_DUTY, met_at=_at("2025-12-05 09:30:00"), on_time=True),
    intake.PlanRecorded(
        **_WHO,
        period="2025-plan",
        number="12/KH-TH",
        issued_on=date(2025, 8, 20),
        on_time=True,
    ),
    intake.ReportReceived(
        **_OF_REPORT,
        received_at=_at("2025-12-05 09:30:00"),
        late=False,
        days_late=0,
        door="kafka",
        publisher="e-office",
        items=(
            intake.ReportedItem(
                criterion="a1", self_score=Decimal("38.5"), narrative="93% hồ sơ trực tuyến."
            ),
        ),
    ),
    intake.ReportReturned(
        **_OF_REPORT,
        reasons=(_WHY,),
        correct_by=_at("2025-12-08 17:00:00"),
        returned_at=_at("2025-12-06 10:00:00"),
    ),
    intake.ReportWithdrawn(**_OF_REPORT, withdrawn_at=_at("2025-12-06 08:00:00")),
    intake.ReportAccepted(
        **_OF_REPORT,
        accepted_at=_at("2025-12-10 15:00:00"),
        late=False,
        nominations=(
            intake.Nomination(
                subject="Tổ số hóa hồ sơ", form="giay-khen", reason="Dẫn đầu về số hóa."
            ),
        ),
    ),
    intake.ReportReopened(
        **_OF_REPORT,
        reasons=(_WHY,),
        correct_by=_at("2025-12-18 17:00:00"),
        reopened_at=_at("2025-12-15 09:00:00"),
    ),
    intake.ApprovalAsked(
        **_WHO,
        period="2025-annual",
        kind="annual-report",
        draft=1764831600,
        asked_at=_at("2025-12-04 14:00:00"),
        heads=("tieu-hoc-1.head",),
    ),
    intake.ApprovalSettled(
        **_WHO,
        period="2025-annual",
        kind="annual-report",
        draft=1764831601,
        outcome="sent-back",
        settled_at=_at("2025-12-04 16:00:00"),
        said="Bổ sung số liệu của tiêu chí a1.",
        authors=(PERSON,),
    ),
    intake.SummaryDue(
        ward=WARD,
        person="phong-vhxh.officer",
        at=_at("2025-12-05 07:30:00"),
        waiting=3,
        waiting_new=2,
        overdue=1,
        overdue_new=0,
        year=2025,
    ),
    intake.ContactRecorded(
        ward=WARD,
        person=PERSON,
        name="Đầu mối báo cáo, Trường Tiểu học số 1",
        email="tieu-hoc-1.reporter@tu-minh.example",
    ),
    intake.ContactErased(ward=WARD, person=PERSON),
    intake.AccessEnded(
        ward=WARD, person=PERSON, session=None, issued_before=_at("2025-12-20 08:00:00")
    ),
)
_INBOUND: Final[tuple[Event, ...]] = (
    inbound.ReportSubmitted(
        **_OF_REPORT,
        form_version=1,
        submitted_at=_at("2025-12-05 09:29:00"),
        contents=(inbound.ContentResult(content=1, text="Đã triển khai."),),
        items=(
            inbound.Item(
                criterion="a1",
                self_score=Decimal("38.5"),
                narrative="93% hồ sơ trực tuyến.",
                evidence=(
                    inbound.Evidence(
                        title="Báo cáo số liệu", url="https://e-office.example/vb/2025/123"
                    ),
                ),
            ),
        ),
        nominations=(
            inbound.NominationClaim(
                subject="Tổ số hóa hồ sơ", form="giay-khen", reason="Dẫn đầu về số hóa."
            ),
        ),
    ),
    inbound.ReportReceipt(
        **_OF_REPORT,
        record=_RECORD,
        cause_id=_CAUSE,
        received_at=_at("2025-12-05 09:30:00"),
        late=False,
    ),
    inbound.ReportRejected(
        **_WHO,
        record=_RECORD,
        cause_id=_CAUSE,
        rejected_at=_at("2025-12-05 09:30:00"),
        reasons=(
            inbound.Reason(
                code="revision-conflict",
                pointer="/revision",
                detail="Đã có bản số 1; bản có nội dung khác phải mang số lớn hơn 1.",
            ),
        ),
    ),
)
_SCORING: Final[tuple[Event, ...]] = (
    scoring.SheetAdopted(
        ward=WARD,
        period=PERIOD,
        sheet_version=1,
        document_number="05/QĐ-HĐTĐKT",
        adopted_on=date(2025, 11, 20),
    ),
    scoring.ScoreComputed(
        **_WHO, period=PERIOD, stage="self", total=Decimal("96.50"), sheet_version=1
    ),
    scoring.ResultFrozen(
        **_WHO,
        period=PERIOD,
        group="a",
        block="truong-hoc",
        block_title="Khối trường học",
        total=Decimal("95.00"),
        grade="Xuất sắc",
        rank=1,
        ranked=6,
        late=False,
        frozen_at=_at("2025-12-18 16:00:00"),
    ),
)
_AWARDS: Final[tuple[Event, ...]] = (
    awards.DossierOpened(**_OF_DOSSIER, opened_at=_at("2025-12-19 08:30:00")),
    awards.CandidatePublished(
        **_OF_DOSSIER,
        **_HONOURED,
        window_from=date(2025, 12, 19),
        window_until=date(2025, 12, 25),
    ),
    awards.DossierConcluded(**_OF_DOSSIER, passed=True, concluded_at=_at("2025-12-26 15:00:00")),
    awards.AwardDecided(
        **_OF_DOSSIER,
        **_HONOURED,
        decision_number="128/QĐ-UBND",
        decided_on=date(2025, 12, 29),
        ordinal=1,
    ),
)
_MAIL = {
    "ward": WARD,
    "mail": UUID("0d2f4c1b-1a52-5f4a-9b61-5a5a2f6a1234"),
    "person": PERSON,
    "kind": "reminder",
    "because_of": "8b1c1e6c-0f4b-5d63-9f1f-7c1d1a525d0c",
}
_NOTIFY: Final[tuple[Event, ...]] = (
    notify.MailSent(**_MAIL, sent_at=_at("2025-12-02 08:00:05")),
    notify.MailFailed(
        **_MAIL,
        failed_at=_at("2025-12-02 08:00:05"),
        uncertain=False,
        reason="550 không có hộp thư này",
    ),
)

EXAMPLES: Final[dict[str, Event]] = {
    event.TYPE: event for event in (*_INTAKE, *_INBOUND, *_SCORING, *_AWARDS, *_NOTIFY)
}
"""Type of event -> its example."""


def example_of(kind: type[E]) -> E:
    """Raises KeyError for a type without an example, which a contract test finds."""
    return cast(E, EXAMPLES[kind.TYPE])


def all_examples() -> tuple[Event, ...]:
    """As they could happen one after the other."""
    return tuple(EXAMPLES.values())
