"""Events in: what intake tells, in whatever order it comes."""

from collections.abc import Sequence

from services.scoring import commands
from services.scoring.store import facts, tables
from shared.access import take_ended_access
from shared.contracts.intake import (
    AccessEnded,
    MovementLaunched,
    ParticipantLeft,
    ParticipantRegistered,
    PeriodOpened,
    ReportAccepted,
    ReportReceived,
    ReportReopened,
)
from shared.messaging import Consumer, Received, UnitOfWork

consumer = Consumer("scoring")
consumer.on(AccessEnded, order="none")(take_ended_access)


@consumer.on(MovementLaunched)
async def take_movements(events: Sequence[Received[MovementLaunched]], work: UnitOfWork) -> None:
    """Keep groups, criteria and the titles of khối; the newest version counts."""
    await facts.learn_movements(work.connection, [event.data for event in events])


@consumer.on(PeriodOpened)
async def take_periods(events: Sequence[Received[PeriodOpened]], work: UnitOfWork) -> None:
    """Keep the period; its sheet may be adopted from now on. A review (sơ kết, tổng kết) is not
    scored: each year has its own points [design reading].
    """
    years = [event.data for event in events if event.data.kind == "annual-report"]
    await facts.learn_periods(work.connection, years)


@consumer.on(ParticipantRegistered)
async def take_participants(
    events: Sequence[Received[ParticipantRegistered]], work: UnitOfWork
) -> None:
    """Keep group and khối; score what was claimed before they were known."""
    await commands.record_participants(work, events)


@consumer.on(ParticipantLeft)
async def take_departures(events: Sequence[Received[ParticipantLeft]], work: UnitOfWork) -> None:
    """Nothing of whoever has left is scored anew; a frozen result stays."""
    await facts.learn_departures(work.connection, [event.data for event in events])


@consumer.on(ReportReceived)
async def take_reports(events: Sequence[Received[ReportReceived]], work: UnitOfWork) -> None:
    """Keep the claim; where the period's sheet is adopted, score it at once."""
    await commands.record_claims(work, events)


@consumer.on(ReportAccepted)
async def take_accepted_reports(
    events: Sequence[Received[ReportAccepted]], work: UnitOfWork
) -> None:
    """Open the assessment of that revision."""
    await facts.add_acceptances(work.connection, [event.data for event in events])


@consumer.on(ReportReopened)
async def take_reopened_reports(
    events: Sequence[Received[ReportReopened]], work: UnitOfWork
) -> None:
    """Close the assessment until a revision is accepted again; a frozen result stays."""
    await facts.add_reopenings(work.connection, [event.data for event in events])


async def keep_participants(
    events: Sequence[Received[ParticipantRegistered]], work: UnitOfWork
) -> None:
    await facts.learn_participants(work.connection, [event.data for event in events])


consumer.projection(
    "facts",
    (
        tables.movement,
        tables.period,
        tables.participant,
        tables.claim,
        tables.acceptance,
        tables.reopening,
    ),
    {
        MovementLaunched: take_movements,
        PeriodOpened: take_periods,
        ParticipantRegistered: keep_participants,
        ParticipantLeft: take_departures,
        ReportReceived: commands.keep_claims,
        ReportAccepted: take_accepted_reports,
        ReportReopened: take_reopened_reports,
    },
)
