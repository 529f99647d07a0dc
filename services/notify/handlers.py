"""The post that comes in: what each fact means to whom. Whoever is told is decided when a mail is
addressed, and whose task it is when somebody looks, once all that it needs is known; here facts
are only noted, in any order."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.notify import commands
from services.notify.domain.delivery import State
from services.notify.store import facts, mails, tables
from shared.access import take_ended_access
from shared.contracts.awards import (
    AwardDecided,
    CandidatePublished,
    DossierConcluded,
    DossierOpened,
)
from shared.contracts.intake import (
    AccessEnded,
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
    ReportReceived,
    ReportReopened,
    ReportReturned,
    ReportWithdrawn,
    SummaryDue,
)
from shared.contracts.notify import MailFailed, MailSent
from shared.contracts.scoring import ResultFrozen, ScoreComputed, SheetAdopted
from shared.messaging import Consumer, Received, UnitOfWork
from shared.rows import add_rows, put_rows

consumer = Consumer("notify")
consumer.on(AccessEnded, order="none")(take_ended_access)


@consumer.on(MovementLaunched)
async def take_movements(events: Sequence[Received[MovementLaunched]], work: UnitOfWork) -> None:
    fields = {"ward", "movement", "version", "title", "place", "launched_on"}
    rows = [event.data.model_dump(include=fields) for event in events]
    await put_rows(work.connection, tables.movement, rows)


@consumer.on(PeriodOpened)
async def take_periods(events: Sequence[Received[PeriodOpened]], work: UnitOfWork) -> None:
    fields = {"ward", "period", "title", "year", "report_by", "report_by_text", "kind"}
    rows = [event.data.model_dump(include=fields) for event in events]
    await put_rows(work.connection, tables.period, rows)


@consumer.on(ParticipantRegistered)
async def take_participants(
    events: Sequence[Received[ParticipantRegistered]], work: UnitOfWork
) -> None:
    fields = {"ward", "participant", "name", "manner", "reporter", "proposed_by", "collective"}
    rows = [
        event.data.model_dump(include=fields)
        | {"proposer": event.data.proposed_by_name, "left_on": None}
        for event in events
    ]
    await put_rows(work.connection, tables.participant, rows)


@consumer.on(ParticipantLeft)
async def take_departures(events: Sequence[Received[ParticipantLeft]], work: UnitOfWork) -> None:
    """Whoever has left is asked for nothing more, until they are registered again."""
    for event in events:
        left = event.data
        await facts.leave(work.connection, left.ward, left.participant, left.left_on)


@consumer.on(ContactRecorded)
async def take_contacts(events: Sequence[Received[ContactRecorded]], work: UnitOfWork) -> None:
    rows = [event.data.model_dump() for event in events]
    await put_rows(work.connection, tables.contact, rows)


@consumer.on(ContactErased)
async def forget_contacts(events: Sequence[Received[ContactErased]], work: UnitOfWork) -> None:
    """The row stays, empty, so that mails which still come for the person are dropped."""
    rows = [event.data.model_dump() | {"name": None, "email": None} for event in events]
    await put_rows(work.connection, tables.contact, rows)


_ASKED = {"ward", "obligation", "participant", "kind", "period", "manner", "due", "due_text"}


async def keep_obligations(events: Sequence[Received[ObligationOpened]], work: UnitOfWork) -> None:
    """What is asked for, also again after it was not."""
    rows = [event.data.model_dump(include=_ASKED) | {"withdrawn": None} for event in events]
    await put_rows(work.connection, tables.obligation, rows)


async def keep_moved(events: Sequence[Received[ObligationMoved]], work: UnitOfWork) -> None:
    rows = [event.data.model_dump(include=_ASKED) | {"withdrawn": None} for event in events]
    await put_rows(work.connection, tables.obligation, rows)


async def keep_withdrawn(events: Sequence[Received[ObligationWithdrawn]], work: UnitOfWork) -> None:
    why = {event.data.obligation: event.data.why for event in events}
    await facts.withdraw(work.connection, why)


@consumer.on(ObligationOpened)
async def tell_opened(events: Sequence[Received[ObligationOpened]], work: UnitOfWork) -> None:
    await keep_obligations(events, work)
    await commands.note(work, events)


@consumer.on(ReminderDue, order="none")
async def tell_reminders(events: Sequence[Received[ReminderDue]], work: UnitOfWork) -> None:
    await commands.note(work, events)


@consumer.on(ObligationOverdue, order="none")
async def tell_overdue(events: Sequence[Received[ObligationOverdue]], work: UnitOfWork) -> None:
    await commands.note(work, events)


@consumer.on(ObligationEscalated, order="none")
async def tell_heads(events: Sequence[Received[ObligationEscalated]], work: UnitOfWork) -> None:
    await commands.note(work, [event for event in events if event.data.head is not None])


@consumer.on(SummaryDue, order="none")
async def tell_office(events: Sequence[Received[SummaryDue]], work: UnitOfWork) -> None:
    await commands.note(work, events)


@consumer.on(ObligationMoved)
async def tell_moved(events: Sequence[Received[ObligationMoved]], work: UnitOfWork) -> None:
    await keep_moved(events, work)
    await commands.note_to_all(work, events)


@consumer.on(ObligationWithdrawn)
async def tell_withdrawn(events: Sequence[Received[ObligationWithdrawn]], work: UnitOfWork) -> None:
    await keep_withdrawn(events, work)
    await commands.note_to_all(work, events)


@consumer.on(ObligationMet)
async def take_met(events: Sequence[Received[ObligationMet]], work: UnitOfWork) -> None:
    rows = [event.data.model_dump(include={"obligation", "met_at"}) for event in events]
    await add_rows(work.connection, tables.met, rows)


async def keep_received(events: Sequence[Received[ReportReceived]], work: UnitOfWork) -> None:
    """Where a report stands; of a key the last that was said holds."""
    rows = [_stands(event.data, "received", event.data.received_at) for event in events]
    await put_rows(work.connection, tables.report, rows)


async def keep_returned(events: Sequence[Received[ReportReturned]], work: UnitOfWork) -> None:
    rows = [
        _stands(event.data, "returned", event.data.returned_at, event.data.correct_by)
        for event in events
    ]
    await put_rows(work.connection, tables.report, rows)


async def keep_accepted(events: Sequence[Received[ReportAccepted]], work: UnitOfWork) -> None:
    rows = [_stands(event.data, "accepted", event.data.accepted_at) for event in events]
    await put_rows(work.connection, tables.report, rows)


async def keep_reopened(events: Sequence[Received[ReportReopened]], work: UnitOfWork) -> None:
    """To be corrected, like one that was sent back."""
    rows = [
        _stands(event.data, "returned", event.data.reopened_at, event.data.correct_by)
        for event in events
    ]
    await put_rows(work.connection, tables.report, rows)


@consumer.on(ReportWithdrawn)
async def keep_taken_back(events: Sequence[Received[ReportWithdrawn]], work: UnitOfWork) -> None:
    """Nobody has to look at it any more."""
    rows = [_stands(event.data, "withdrawn", event.data.withdrawn_at) for event in events]
    await put_rows(work.connection, tables.report, rows)


def _stands(
    report: ReportReceived | ReportReturned | ReportAccepted | ReportReopened | ReportWithdrawn,
    state: str,
    at: datetime,
    due: datetime | None = None,
) -> dict[str, Any]:
    fields = {"ward", "participant", "period", "revision"}
    return report.model_dump(include=fields) | {"state": state, "at": at, "due": due}


@consumer.on(ReportReceived)
async def tell_received(events: Sequence[Received[ReportReceived]], work: UnitOfWork) -> None:
    await keep_received(events, work)
    await commands.note(work, events)


@consumer.on(ReportReturned)
async def tell_returned(events: Sequence[Received[ReportReturned]], work: UnitOfWork) -> None:
    await keep_returned(events, work)
    await commands.note(work, events)


@consumer.on(ReportAccepted)
async def tell_accepted(events: Sequence[Received[ReportAccepted]], work: UnitOfWork) -> None:
    await keep_accepted(events, work)
    await commands.note(work, events)


@consumer.on(ReportReopened)
async def tell_reopened(events: Sequence[Received[ReportReopened]], work: UnitOfWork) -> None:
    await keep_reopened(events, work)
    await commands.note(work, events)


async def keep_asked(events: Sequence[Received[ApprovalAsked]], work: UnitOfWork) -> None:
    """What waits for a head; of a draft the last that was said holds."""
    rows = [_approval(event.data, event.data.asked_at) for event in events]
    await put_rows(work.connection, tables.approval, rows)


async def keep_settled(events: Sequence[Received[ApprovalSettled]], work: UnitOfWork) -> None:
    rows = [_approval(event.data, None) for event in events]
    await put_rows(work.connection, tables.approval, rows)


def _approval(fact: ApprovalAsked | ApprovalSettled, since: datetime | None) -> dict[str, Any]:
    fields = {"ward", "participant", "period", "kind", "draft"}
    return fact.model_dump(include=fields) | {"waits_since": since}


@consumer.on(ApprovalAsked)
async def tell_asked(events: Sequence[Received[ApprovalAsked]], work: UnitOfWork) -> None:
    await keep_asked(events, work)
    await commands.note_to_those_named(work, events)


@consumer.on(ApprovalSettled)
async def tell_settled(events: Sequence[Received[ApprovalSettled]], work: UnitOfWork) -> None:
    await keep_settled(events, work)
    await commands.note_to_those_named(work, events)


@consumer.on(SheetAdopted)
async def take_sheets(events: Sequence[Received[SheetAdopted]], work: UnitOfWork) -> None:
    rows = [event.data.model_dump(include={"ward", "period"}) for event in events]
    await add_rows(work.connection, tables.sheet, rows)


_OF_REPORT = {"ward", "participant", "period"}


@consumer.on(ScoreComputed)
async def take_scores(events: Sequence[Received[ScoreComputed]], work: UnitOfWork) -> None:
    """Only that all marks are given is kept; the points are not notify's matter."""
    verified = [event.data for event in events if event.data.stage == "verified"]
    rows = [
        data.model_dump(include=_OF_REPORT)
        | {"revision": tables.OF_ANY if data.revision is None else data.revision}
        for data in verified
    ]
    await put_rows(work.connection, tables.marked, rows, newer="revision")


async def keep_frozen(events: Sequence[Received[ResultFrozen]], work: UnitOfWork) -> None:
    rows = [event.data.model_dump(include=_OF_REPORT) for event in events]
    await add_rows(work.connection, tables.frozen, rows)


@consumer.on(ResultFrozen)
async def tell_results(events: Sequence[Received[ResultFrozen]], work: UnitOfWork) -> None:
    await keep_frozen(events, work)
    await commands.note(work, events)


@consumer.on(MailSent, order="none")
async def recall_sent(events: Sequence[Received[MailSent]], work: UnitOfWork) -> None:
    """Our own word; news only to a database that was restored from an older copy."""
    rows = [
        {"mail": e.data.mail, "person": e.data.person, "sent_at": e.data.sent_at} for e in events
    ]
    ended = {"status": State.SENT, "reason": ""}
    await mails.hear_of(work.connection, [row | ended for row in rows])


@consumer.on(MailFailed, order="none")
async def recall_failed(events: Sequence[Received[MailFailed]], work: UnitOfWork) -> None:
    fields = {"mail", "person", "reason"}
    rows = [
        event.data.model_dump(include=fields)
        | {"status": State.UNCERTAIN if event.data.uncertain else State.REFUSED, "sent_at": None}
        for event in events
    ]
    await mails.hear_of(work.connection, rows)


@consumer.on(DossierOpened)
async def take_dossiers(events: Sequence[Received[DossierOpened]], work: UnitOfWork) -> None:
    fields = {"ward", "dossier", "period", "participant"}
    rows = [event.data.model_dump(include=fields) for event in events]
    await add_rows(work.connection, tables.dossier, rows)


_SHOWN = {"ward", "dossier", "period", "name", "unit", "achievement", "form_title"}


@consumer.on(CandidatePublished)
async def show_candidates(events: Sequence[Received[CandidatePublished]], work: UnitOfWork) -> None:
    fields = _SHOWN | {"window_from", "window_until"}
    rows = [event.data.model_dump(include=fields) for event in events]
    await put_rows(work.connection, tables.candidate, rows)


@consumer.on(DossierConcluded)
async def hide_the_unsuccessful(
    events: Sequence[Received[DossierConcluded]], work: UnitOfWork
) -> None:
    rows = [event.data.model_dump(include={"ward", "dossier", "passed"}) for event in events]
    await put_rows(work.connection, tables.conclusion, rows)


async def keep_honours(events: Sequence[Received[AwardDecided]], work: UnitOfWork) -> None:
    fields = _SHOWN | {"decision_number", "decided_on", "ordinal"}
    rows = [event.data.model_dump(include=fields) for event in events]
    await put_rows(work.connection, tables.honour, rows)


@consumer.on(AwardDecided)
async def honour(events: Sequence[Received[AwardDecided]], work: UnitOfWork) -> None:
    await keep_honours(events, work)
    await commands.note(work, events)


consumer.projection(
    "register",
    (tables.movement, tables.period, tables.participant),
    {
        MovementLaunched: take_movements,
        PeriodOpened: take_periods,
        ParticipantRegistered: take_participants,
        ParticipantLeft: take_departures,
    },
)
consumer.projection(
    "contacts",
    (tables.contact,),
    {ContactRecorded: take_contacts, ContactErased: forget_contacts},
)
consumer.projection(
    "duties",
    (tables.obligation, tables.met),
    {
        ObligationOpened: keep_obligations,
        ObligationMoved: keep_moved,
        ObligationWithdrawn: keep_withdrawn,
        ObligationMet: take_met,
    },
)
consumer.projection(
    "public",
    (tables.candidate, tables.conclusion, tables.honour),
    {
        CandidatePublished: show_candidates,
        DossierConcluded: hide_the_unsuccessful,
        AwardDecided: keep_honours,
    },
)
consumer.projection(
    "tasks",
    (
        tables.report,
        tables.approval,
        tables.marked,
        tables.frozen,
        tables.sheet,
        tables.dossier,
    ),
    {
        ReportReceived: keep_received,
        ReportReturned: keep_returned,
        ReportAccepted: keep_accepted,
        ReportReopened: keep_reopened,
        ReportWithdrawn: keep_taken_back,
        ApprovalAsked: keep_asked,
        ApprovalSettled: keep_settled,
        ScoreComputed: take_scores,
        ResultFrozen: keep_frozen,
        SheetAdopted: take_sheets,
        DossierOpened: take_dossiers,
    },
)
