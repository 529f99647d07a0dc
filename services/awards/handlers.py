"""What other services tell awards. Each handler only records what it learned.

A dossier needs a period, a participant, a form and a result; the officer's request looks whether
all are there, so the facts may come in any order.
"""

from collections.abc import Sequence

from services.awards.store import facts, tables
from shared.access import take_ended_access
from shared.contracts.intake import (
    AccessEnded,
    MovementLaunched,
    ParticipantLeft,
    ParticipantRegistered,
    PeriodOpened,
    ReportAccepted,
    ReportReopened,
)
from shared.contracts.scoring import ResultFrozen
from shared.messaging import Consumer, Received, UnitOfWork

consumer = Consumer("awards")
consumer.on(AccessEnded, order="none")(take_ended_access)


@consumer.on(MovementLaunched)
async def take_movements(events: Sequence[Received[MovementLaunched]], work: UnitOfWork) -> None:
    """The forms that the movement offers, and the place printed on certificates."""
    versions, forms = [], []
    for event in events:
        data = event.data
        key = {"ward": data.ward, "movement": data.movement, "version": data.version}
        versions.append({**key, "title": data.title, "place": data.place})
        forms += [{**key, **form.model_dump()} for form in data.forms]
    await facts.add_movements(work.connection, versions, forms)


@consumer.on(PeriodOpened)
async def take_periods(events: Sequence[Received[PeriodOpened]], work: UnitOfWork) -> None:
    names = {"ward", "period", "movement", "title", "year"}
    rows = [event.data.model_dump(include=names) for event in events]
    await facts.put_periods(work.connection, rows)


@consumer.on(ParticipantRegistered)
async def take_participants(
    events: Sequence[Received[ParticipantRegistered]], work: UnitOfWork
) -> None:
    names = {
        "ward",
        "participant",
        "name",
        "kind",
        "collective",
        "block",
        "proposed_by",
        "proposed_by_name",
    }
    rows = [
        {
            **event.data.model_dump(include=names),
            "group_code": event.data.group,
            "left_on": None,
        }
        for event in events
    ]
    await facts.put_participants(work.connection, rows)


@consumer.on(ParticipantLeft)
async def take_departures(events: Sequence[Received[ParticipantLeft]], work: UnitOfWork) -> None:
    """No dossier is opened for whoever has left; those that are open go their own way."""
    rows = [event.data.model_dump(include={"ward", "participant", "left_on"}) for event in events]
    await facts.put_departures(work.connection, rows)


@consumer.on(ReportAccepted)
async def take_accepted_reports(
    events: Sequence[Received[ReportAccepted]], work: UnitOfWork
) -> None:
    """A report's nominations are proposals; those of a newer report replace them."""
    newest = {(e.data.ward, e.data.period, e.data.participant): e.data for e in events}
    rows = [
        {
            "ward": ward,
            "period": period,
            "proposer": proposer,
            "place": place,
            **nomination.model_dump(),
        }
        for (ward, period, proposer), report in newest.items()
        for place, nomination in enumerate(report.nominations, 1)
    ]
    await facts.replace_proposals(work.connection, list(newest), rows)


@consumer.on(ReportReopened)
async def drop_reopened_proposals(
    events: Sequence[Received[ReportReopened]], work: UnitOfWork
) -> None:
    """What a report proposed is proposed no more until it is accepted again; dossiers that are open
    go their own way.
    """
    owners = {(e.data.ward, e.data.period, e.data.participant) for e in events}
    await facts.replace_proposals(work.connection, sorted(owners), [])


@consumer.on(ResultFrozen)
async def take_results(events: Sequence[Received[ResultFrozen]], work: UnitOfWork) -> None:
    """Results advise; opening a dossier asks only that there is one."""
    rows = [event.data.model_dump(exclude={"group"}) for event in events]
    await facts.put_results(work.connection, rows)


consumer.projection(
    "facts",
    (
        tables.movement,
        tables.offered_form,
        tables.period,
        tables.participant,
        tables.proposal,
        tables.result,
    ),
    {
        MovementLaunched: take_movements,
        PeriodOpened: take_periods,
        ParticipantRegistered: take_participants,
        ParticipantLeft: take_departures,
        ReportAccepted: take_accepted_reports,
        ReportReopened: drop_reopened_proposals,
        ResultFrozen: take_results,
    },
)
