"""Which facts are told to whom, what must be known to tell them, and whether they still hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    draft_page,
    duty_page,
)
from services.notify.domain.report_parts import part_of_report
from shared.contracts.awards import AwardDecided
from shared.contracts.base import Event
from shared.contracts.intake import (
    ApprovalAsked,
    ApprovalSettled,
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
    SummaryDue,
)
from shared.contracts.scoring import ResultFrozen

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
    | ApprovalAsked
    | ApprovalSettled
    | SummaryDue
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
    "approval-asked": ApprovalAsked,
    "approval-settled": ApprovalSettled,
    "office-summary": SummaryDue,
}
"""Kind of notice -> the fact that it tells. The addressee is the participant's reporter, or whom
the fact itself names: heads of the unit, authors of a draft."""
_KIND_OF: Mapping[type[Event], str] = {event: kind for kind, event in KINDS.items()}
UNTIL_MET = frozenset(
    {"obligation-opened", "reminder", "overdue", "escalated", "deadline-moved", "duty-withdrawn"}
)
"""Kinds that are moot once the obligation is met."""
ASKING = UNTIL_MET - {"duty-withdrawn"} | {
    "report-returned",
    "report-reopened",
    "approval-asked",
    "approval-settled",
}
"""Kinds that ask something of a participant: moot once it takes part no more."""
_AFTER = frozenset({"reminder", "overdue", "office-summary"})


def kind_of(event: Told) -> str:
    return _KIND_OF[type(event)]


def needs_period(event: Told) -> bool:
    """Whether the mail speaks of the period's year; a document of the unit's own has none."""
    if isinstance(event, SummaryDue):
        return False
    return getattr(event, "kind", Duty.ANNUAL_REPORT) == Duty.ANNUAL_REPORT


def named_in(event: ApprovalAsked | ApprovalSettled) -> tuple[str, ...]:
    """Whom the fact itself names to be told of it: what an author did, no author is told."""
    if isinstance(event, ApprovalAsked):
        return event.heads
    return event.authors if event.outcome in {"approved", "sent-back"} else ()


def read(kind: str, facts: Mapping[str, Any]) -> Told:
    """A stored fact; raises pydantic's ValidationError, KeyError for an unknown kind."""
    return KINDS[kind].model_validate(facts)


@dataclass(frozen=True, slots=True)
class Participant:
    """Whom a fact concerns; `proposer` is the proposing unit's name, "" for units.

    `collective` False: one person. `has_left`: takes part no more.
    """

    code: str
    name: str
    manner: str
    proposer: str
    collective: bool = True
    has_left: bool = False


@dataclass(frozen=True, slots=True)
class Period:
    year: int
    report_by: datetime
    report_by_text: str
    kind: str = Duty.ANNUAL_REPORT


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
    `criteria`: the codes of the items of the report in question, in their order. `draft`: the
    version of the draft of which a head's approval was spoken last. `names`: of people in the
    fact, by id.
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
    draft: int = 0
    names: Mapping[str, str] = field(default_factory=dict)


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
    if isinstance(event, _OfDraft):
        return _about_draft(case, event)
    if isinstance(event, ResultFrozen):
        return _own_result(case, event)
    return _summary(event) if isinstance(event, SummaryDue) else _award(case, event, decided_by)


def _moot(case: Case, today: date) -> Moot | None:
    event = case.event
    if case.participant.has_left and kind_of(event) in ASKING:
        return Moot("participant-left")
    return _moot_draft(case, event) if isinstance(event, _OfDraft) else _no_more_true(case, today)


def _no_more_true(case: Case, today: date) -> Moot | None:
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


def _moot_draft(case: Case, event: ApprovalAsked | ApprovalSettled) -> Moot | None:
    """Something else has been said of the draft since."""
    return Moot("draft-changed") if event.draft < case.draft else None


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
    about, asked = _about(case, event.period), _asked(case, event.period)
    path = duty_page(asked.obligation, event.participant, event.period)
    duty = Duty(case.period.kind) if case.period else Duty.ANNUAL_REPORT
    obligation = _obligation(duty, asked.manner, asked.due, asked.due_text)
    if isinstance(event, ReportReceived):
        return letter.ReportReceived(
            about,
            path,
            obligation,
            event.revision,
            event.received_at,
            event.late,
            _on_paper(case, event),
        )
    if isinstance(event, ReportAccepted):
        return letter.ReportAccepted(about, path, obligation, event.revision, event.accepted_at)
    reasons = tuple(
        letter.Reason(part_of_report(reason.pointer, case.criteria), reason.text)
        for reason in event.reasons
    )
    made = letter.ReportReturned if isinstance(event, ReportReturned) else letter.ReportReopened
    return made(about, path, obligation, event.revision, reasons, event.correct_by)


def _on_paper(case: Case, event: ReportReceived) -> letter.OnPaper | None:
    paper = event.paper
    if paper is None:
        return None
    return letter.OnPaper(
        paper.number,
        paper.dated,
        paper.received_on,
        paper.came_by == "mail",
        case.names.get(paper.recorded_by, ""),
        case.names.get(paper.acting_for, ""),
        paper.recorded_at,
    )


def _asked(case: Case, period: str) -> Asked:
    if case.asked is not None:
        return case.asked
    if case.period is None:
        raise LookupError(f"period {period} is not known")
    return Asked(case.participant.manner, case.period.report_by, case.period.report_by_text)


_OfDraft = ApprovalAsked | ApprovalSettled


def _about_draft(case: Case, event: _OfDraft) -> Letter:
    about, asked = _about(case, event.period), _asked(case, event.period)
    obligation = _obligation(Duty(event.kind), asked.manner, asked.due, asked.due_text)
    path = draft_page(event.participant, event.period)
    if isinstance(event, ApprovalAsked):
        unit = case.participant.proposer or case.participant.name
        return letter.ApprovalAsked(about, path, obligation, unit, event.asked_at)
    approved = event.outcome == "approved"
    return letter.ApprovalSettled(about, path, obligation, approved, event.said, event.settled_at)


def _summary(event: SummaryDue) -> Letter:
    """About nobody in particular; all that one person gets form a thread."""
    about = About(event.person, "", "", "")
    counted = event.model_dump(include={"at", "waiting", "waiting_new", "overdue", "overdue_new"})
    return letter.OfficeSummary(about, f"/intake/duties?year={event.year}", **counted)


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
