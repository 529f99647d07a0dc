"""Which facts are told to whom, what must be known to tell them, and whether they still hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

from services.notify.domain import letter
from services.notify.domain.letter import (
    SECTIONS,
    About,
    Deadline,
    Duty,
    Letter,
    Manner,
    Obligation,
    Sender,
    duty_page,
)
from shared.contracts.awards import AwardDecided
from shared.contracts.base import Event
from shared.contracts.intake import (
    ObligationEscalated,
    ObligationMoved,
    ObligationOpened,
    ObligationOverdue,
    ObligationWithdrawn,
    ReminderDue,
    ReportAccepted,
    ReportReceived,
    ReportReopened,
    ReportReturned,
)
from shared.contracts.scoring import ResultFrozen
from shared.mailbox import Mailbox

Told = (
    ObligationOpened
    | ReminderDue
    | ObligationOverdue
    | ReportReceived
    | ReportReturned
    | ReportReopened
    | ReportAccepted
    | ResultFrozen
    | AwardDecided
    | ObligationEscalated
    | ObligationMoved
    | ObligationWithdrawn
)
KINDS: Mapping[str, type[Told]] = {
    "obligation-opened": ObligationOpened,
    "reminder": ReminderDue,
    "overdue": ObligationOverdue,
    "report-received": ReportReceived,
    "report-returned": ReportReturned,
    "report-reopened": ReportReopened,
    "report-accepted": ReportAccepted,
    "own-result": ResultFrozen,
    "award-decided": AwardDecided,
    "escalated": ObligationEscalated,
    "deadline-moved": ObligationMoved,
    "duty-withdrawn": ObligationWithdrawn,
}
"""Kind of notice -> the fact that it tells. The addressee is the participant's reporter, or the
head of the unit where the fact names one."""
KIND_WORDS: Mapping[str, str] = {
    "obligation-opened": "Thông báo nhiệm vụ",
    "reminder": "Nhắc việc",
    "overdue": "Báo quá hạn",
    "report-received": "Đã nhận báo cáo",
    "report-returned": "Trả lại để chỉnh sửa",
    "report-reopened": "Mở lại báo cáo đã tiếp nhận",
    "report-accepted": "Chấp nhận báo cáo",
    "own-result": "Kết quả thi đua",
    "award-decided": "Quyết định khen thưởng",
    "escalated": "Báo người đứng đầu",
    "deadline-moved": "Đổi hạn",
    "duty-withdrawn": "Miễn, rút nhiệm vụ",
}
_KIND_OF: Mapping[type[Event], str] = {event: kind for kind, event in KINDS.items()}
UNTIL_MET = frozenset(
    {"obligation-opened", "reminder", "overdue", "escalated", "deadline-moved", "duty-withdrawn"}
)
"""Kinds that are moot once the obligation is met."""
_AFTER = frozenset({"reminder", "overdue"})


def kind_of(event: Told) -> str:
    return _KIND_OF[type(event)]


def needs_period(event: Told) -> bool:
    """Whether the mail speaks of the period's year; a document of the unit's own has none."""
    return getattr(event, "kind", Duty.ANNUAL_REPORT) == Duty.ANNUAL_REPORT


def read(kind: str, facts: Mapping[str, Any]) -> Told:
    """A stored fact; raises pydantic's ValidationError, KeyError for an unknown kind."""
    return KINDS[kind].model_validate(facts)


@dataclass(frozen=True, slots=True)
class Participant:
    """Whom a fact concerns; `proposer` is the proposing unit's name, "" for units.

    `collective` False: one person.
    """

    code: str
    name: str
    manner: str
    proposer: str
    collective: bool = True


@dataclass(frozen=True, slots=True)
class Period:
    year: int
    report_by: datetime
    report_by_text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The obligation to report as it was opened."""

    manner: str
    due: datetime
    due_text: str
    obligation: str = ""


@dataclass(frozen=True, slots=True)
class Stands:
    """How the obligation of a notice stands now; `withdrawn` "" while it is asked for."""

    manner: str
    due: datetime
    due_text: str
    withdrawn: str = ""


@dataclass(frozen=True, slots=True)
class BeforeIt:
    """The last that its addressee was told of the same obligation: the kind, and the date.

    `due` None: only of a withdrawal, where its date is not known any more.
    """

    kind: str
    due: datetime | None


@dataclass(frozen=True, slots=True)
class Case:
    """All that is known when a mail is written.

    `met`: the obligation is met. `superseded`: a later reminder of it has come in. `stands`: how
    it is now, None where the notice is about none. `told`: what its addressee last heard of it.
    `criteria`: the codes of the items of the report in question, in their order.
    """

    event: Told
    participant: Participant
    period: Period | None
    asked: Asked | None
    met: bool = False
    superseded: bool = False
    stands: Stands | None = None
    told: BeforeIt | None = None
    criteria: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Moot:
    """Why a notice is not told any more; a stable code."""

    reason: str


ERASED = Moot("contact-erased")
OfDuty = (
    ObligationOpened
    | ReminderDue
    | ObligationOverdue
    | ObligationEscalated
    | ObligationMoved
    | ObligationWithdrawn
)


def write(case: Case, decided_by: str, today: date) -> Letter | Moot:
    """The letter that is true on `today` (ward's zone), or why none is needed.

    A planned reminder after the deadline is moot for those who owe: that it is overdue is a fact
    of its own. What the office sends by hand, nothing planned supersedes. Raises LookupError when
    the period's year is needed and not known.
    """
    event = case.event
    moot = _moot(case, today)
    if moot is not None:
        return moot
    if isinstance(event, OfDuty):
        return _about_duty(case, event, today)
    if isinstance(event, _OfReport):
        return _about_report(case, event)
    if isinstance(event, ResultFrozen):
        return _own_result(case, event)
    return _award(case, event, decided_by)


def _moot(case: Case, today: date) -> Moot | None:
    event = case.event
    if case.met and kind_of(event) in UNTIL_MET:
        return Moot("obligation-met")
    changed = _overtaken(case, event) if isinstance(event, OfDuty) else None
    if changed is not None:
        return changed
    if _is_by_hand(event):
        return None
    if case.superseded and kind_of(event) in _AFTER:
        return Moot("superseded")
    if isinstance(event, ReminderDue) and Manner(event.manner) is Manner.OWES:
        last_day = Deadline(event.due, event.due_text)
        return Moot("deadline-passed") if last_day.days_left(today) < 0 else None
    return None


def _overtaken(case: Case, event: OfDuty) -> Moot | None:
    """Why a notice of a duty does not fit how the duty stands now, or tells nobody any news."""
    stands = case.stands
    if isinstance(event, ObligationWithdrawn):
        if stands is not None and not stands.withdrawn:
            return Moot("asked-again")
        return _no_news(case)
    if stands is not None and stands.withdrawn:
        return Moot("obligation-withdrawn")
    if isinstance(event, ObligationOpened):
        return Moot("told-before") if _has_heard(case.told, (stands or event).due) else None
    changed = _differs(stands, event) if stands is not None else None
    return changed or (_no_news(case) if isinstance(event, ObligationMoved) else None)


def _has_heard(told: BeforeIt | None, due: datetime) -> bool:
    """Whether somebody knows that the duty is asked for, and until when."""
    return told is not None and told.kind != "duty-withdrawn" and told.due == due


def _differs(
    stands: Stands, event: ReminderDue | ObligationOverdue | ObligationEscalated | ObligationMoved
) -> Moot | None:
    """Why a notice by another date is not told, nor that somebody is late who is only invited."""
    if stands.due != event.due:
        return Moot("deadline-moved")
    late = isinstance(event, ObligationOverdue | ObligationEscalated)
    return Moot("not-owed") if late and Manner(stands.manner) is not Manner.OWES else None


def _no_news(case: Case) -> Moot | None:
    """A change is told to those who had been told otherwise, and to nobody else."""
    event, told = case.event, case.told
    if told is None:
        return Moot("nobody-told")
    moved = isinstance(event, ObligationMoved)
    known = told.due == getattr(event, "due", None) if moved else told.kind == "duty-withdrawn"
    return Moot("told-before") if known else None


def _about_duty(case: Case, event: OfDuty, today: date) -> Letter:
    """By the date that holds now: whoever was not told the old one never hears of it."""
    about = _about(case, event.period)
    path = duty_page(str(event.obligation), event.participant, event.period)
    stands = _as_it_stands(case, event)
    obligation = _obligation(Duty(event.kind), stands.manner, stands.due, stands.due_text)
    if isinstance(event, ObligationOpened):
        return letter.ObligationOpened(about, path, obligation)
    if isinstance(event, ObligationMoved):
        was = (case.told and case.told.due) or event.was_due
        return letter.DeadlineMoved(about, path, obligation, was, event.why)
    if isinstance(event, ObligationWithdrawn):
        return letter.DutyWithdrawn(about, path, obligation, event.why, event.reason)
    if isinstance(event, ObligationEscalated):
        late = -obligation.deadline.days_left(today)
        return letter.Escalated(about, path, obligation, late)
    return letter.remind(about, path, obligation, today, by_hand=_is_by_hand(event))


def _as_it_stands(case: Case, event: OfDuty) -> Stands:
    """Raises LookupError for a fact that does not say itself how the obligation stands."""
    if case.stands is not None and isinstance(event, ObligationOpened | ObligationWithdrawn):
        return case.stands
    if not isinstance(event, ObligationWithdrawn):
        return Stands(event.manner, event.due, event.due_text)
    raise LookupError(f"obligation {event.obligation} is not known")


def _is_by_hand(event: Told) -> bool:
    return isinstance(event, ReminderDue) and event.by_hand


def _about(case: Case, period: str, *, unit: str = "") -> About:
    if case.period is None and needs_period(case.event):
        raise LookupError(f"period {period} is not known")
    title = f"năm {case.period.year}" if case.period else ""
    name = unit or case.participant.name
    collective = bool(unit) or case.participant.collective
    return About(case.participant.code, name, period, title, collective)


def _obligation(duty: Duty, manner: str, due: datetime, wording: str) -> Obligation:
    return Obligation(duty, Manner(manner), Deadline(due, wording), SECTIONS[duty])


_OfReport = ReportReceived | ReportReturned | ReportReopened | ReportAccepted


def _about_report(case: Case, event: _OfReport) -> Letter:
    """Whoever was not asked (a proposed individual) is written to by the period's date."""
    about, asked = _about(case, event.period), case.asked
    if asked is None and case.period is not None:
        period = case.period
        asked = Asked(case.participant.manner, period.report_by, period.report_by_text)
    if asked is None:
        raise LookupError(f"period {event.period} is not known")
    path = duty_page(asked.obligation, event.participant, event.period)
    duty = Duty.ANNUAL_REPORT
    obligation = _obligation(duty, asked.manner, asked.due, asked.due_text)
    if isinstance(event, ReportReceived):
        return letter.ReportReceived(
            about, path, obligation, event.revision, event.received_at, event.late
        )
    if isinstance(event, ReportAccepted):
        return letter.ReportAccepted(about, path, obligation, event.revision, event.accepted_at)
    reasons = tuple(
        letter.Reason(part_of_report(reason.pointer, case.criteria), reason.text)
        for reason in event.reasons
    )
    made = letter.ReportReturned if isinstance(event, ReportReturned) else letter.ReportReopened
    return made(about, path, obligation, event.revision, reasons, event.correct_by)


def _own_result(case: Case, event: ResultFrozen) -> Letter:
    return letter.OwnResult(
        _about(case, event.period),
        f"/scoring/?period={event.period}",
        event.total,
        event.grade,
        event.rank,
        event.ranked,
        event.block_title,
    )


def _award(case: Case, event: AwardDecided, decided_by: str) -> Letter:
    return letter.AwardDecided(
        _about(case, event.period, unit=case.participant.proposer),
        f"/awards/dossiers/{quote(event.dossier, safe='')}",
        event.name,
        event.form_title,
        event.achievement,
        event.decision_number,
        event.decided_on,
        decided_by,
    )


_PARTS = {
    "contents": "Nội dung",
    "items": "Tiêu chí",
    "indicators": "Chỉ tiêu",
    "role_models": "Gương điển hình",
    "nominations": "Đề nghị khen thưởng",
    "difficulties": "Khó khăn, vướng mắc",
    "situation": "Tình hình triển khai",
    "digital_literacy": "Bình dân học vụ số",
}


def part_of_report(pointer: str, criteria: Sequence[str]) -> str:
    """The part that a JSON pointer into a report names, in words: "Tiêu chí a1".

    `criteria` are the codes of the report's items in their order.
    """
    names = pointer.strip("/").split("/")
    words = _PARTS.get(names[0])
    if words is None:
        return "Báo cáo"
    if len(names) == 1:
        return words
    place = names[1]
    if not (place.isascii() and place.isdigit()):
        return f"{words} {place}"
    number = int(place)
    if names[0] == "items" and number < len(criteria):
        return f"{words} {criteria[number]}"
    return f"{words} thứ {number + 1}"


@dataclass(frozen=True, slots=True)
class House:
    """Who writes, as the settings say; empty texts are filled in from the movement's place."""

    mailbox: Mailbox
    reply_to: Mailbox
    origin: str
    decided_by: str = ""

    def sender(self, place: str, title: str) -> Sender:
        """The sender of a ward's mails; `place` and `title` are those of its movement."""
        return Sender(
            self.mailbox,
            self.reply_to,
            self.mailbox.address.rpartition("@")[2],
            self.origin,
            ward_name(place),
            plan_name(title),
        )

    def chairman(self, place: str) -> str:
        return self.decided_by or f"Chủ tịch Ủy ban nhân dân {ward_name(place)}"


def ward_name(place: str) -> str:
    """ "phường Tứ Minh", whether or not the place already says what it is."""
    known = place.lower().startswith(("phường ", "xã ", "đặc khu "))
    return place if known else f"phường {place}"


def plan_name(title: str) -> str:
    """The plan by its movement's title: "Kế hoạch phát động Phong trào thi đua …"."""
    if title.startswith("Kế hoạch"):
        return title
    if title.startswith("Phát động"):
        return f"Kế hoạch p{title[1:]}"
    return f"Kế hoạch phát động {title}"
