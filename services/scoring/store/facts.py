"""What intake told: movement, periods, participants, claims, acceptances."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from services.scoring.domain.claim import Claim, ClaimedItem
from services.scoring.domain.participant import Participant, Whose
from services.scoring.store.tables import (
    acceptance,
    claim,
    movement,
    participant,
    period,
    reopening,
)
from shared.contracts.intake import (
    MovementLaunched,
    ParticipantLeft,
    ParticipantRegistered,
    PeriodOpened,
    ReportAccepted,
    ReportReopened,
)
from shared.messaging.unit_of_work import key_hash
from shared.rows import add_rows, put_rows

_SHARE = sa.text(
    "SELECT pg_advisory_xact_lock_shared(h) FROM"
    " (SELECT DISTINCT h FROM unnest(CAST(:hashes AS bigint[])) AS t(h) ORDER BY h) AS sorted"
)


def gate(ward: str, period: str) -> str:
    """The lock between what is done in a period and what closes or opens the period as a whole.

    It is taken after the keys' locks: shared by claims and marks, alone by adoption and freezing,
    so that each of these sees every claim and mark, and each claim and mark sees them.
    """
    return f"scoring-gate/{ward}/{period}"


async def pass_gates(connection: AsyncConnection, periods: Iterable[tuple[str, str]]) -> None:
    """Wait until no adoption or freezing of these (ward, period) is under way."""
    hashes = [key_hash(gate(ward, code)) for ward, code in set(periods)]
    await connection.execute(_SHARE, {"hashes": hashes})


async def learn_movements(connection: AsyncConnection, events: Sequence[MovementLaunched]) -> None:
    rows = [
        {
            "ward": event.ward,
            "movement": event.movement,
            "version": event.version,
            "groups": [group.model_dump(mode="json") for group in event.groups],
            "blocks": [block.model_dump(mode="json") for block in event.blocks],
        }
        for event in sorted(events, key=lambda event: event.version)
    ]
    await put_rows(connection, movement, rows, newer="version")


async def learn_periods(connection: AsyncConnection, events: Sequence[PeriodOpened]) -> None:
    rows = [
        {
            "ward": event.ward,
            "period": event.period,
            "movement": event.movement,
            "title": event.title,
            "opened_on": event.opened_on,
            "report_by_text": event.report_by_text,
        }
        for event in events
    ]
    await put_rows(connection, period, rows)


async def learn_participants(
    connection: AsyncConnection, events: Sequence[ParticipantRegistered]
) -> None:
    rows = [
        {
            "ward": event.ward,
            "participant": event.participant,
            "name": event.name,
            "group_code": event.group,
            "block": event.block,
            "collective": event.collective,
            "proposed_by": event.proposed_by,
            "left_on": None,
        }
        for event in events
    ]
    await put_rows(connection, participant, rows)


async def learn_departures(connection: AsyncConnection, events: Sequence[ParticipantLeft]) -> None:
    """Whoever is registered again is back."""
    for event in events:
        await connection.execute(
            sa.update(participant)
            .where(participant.c.ward == event.ward, participant.c.participant == event.participant)
            .values(left_on=event.left_on)
        )


async def add_claims(connection: AsyncConnection, said: Sequence[tuple[Whose, Claim]]) -> None:
    rows = [
        {
            **whose._asdict(),
            "report_id": one.report_id,
            "revision": one.revision,
            "received_at": one.received_at,
            "late": one.late,
            "items": [_item_to_json(item) for item in one.items],
        }
        for whose, one in said
    ]
    await add_rows(connection, claim, rows)


async def add_acceptances(connection: AsyncConnection, events: Sequence[ReportAccepted]) -> None:
    rows = [
        {
            "ward": event.ward,
            "participant": event.participant,
            "period": event.period,
            "report_id": event.report_id,
            "revision": event.revision,
            "accepted_at": event.accepted_at,
            "late": event.late,
        }
        for event in events
    ]
    await add_rows(connection, acceptance, rows)


async def add_reopenings(connection: AsyncConnection, events: Sequence[ReportReopened]) -> None:
    fields = {"ward", "participant", "period", "report_id", "revision", "reopened_at"}
    rows = [event.model_dump(include=fields) for event in events]
    await add_rows(connection, reopening, rows)


async def everyone(connection: AsyncConnection, ward: str) -> list[str]:
    """Every participant of the ward that anything is known of."""
    registered = sa.select(participant.c.participant).where(participant.c.ward == ward)
    heard = sa.select(claim.c.participant).where(claim.c.ward == ward)
    return list(await connection.scalars(registered.union(heard)))


async def keys_of_all(connection: AsyncConnection, ward: str, period: str) -> list[str]:
    """The keys of a period and of all who may be told something when it opens or closes."""
    return [f"{ward}/{code}" for code in (period, *await everyone(connection, ward))]


async def participants(
    connection: AsyncConnection, whose: Collection[Whose]
) -> dict[tuple[str, str], Participant]:
    """(ward, participant) -> who it is."""
    pairs = {(one.ward, one.participant) for one in whose}
    rows = await connection.execute(
        sa.select(participant).where(
            sa.tuple_(participant.c.ward, participant.c.participant).in_(pairs)
        )
    )
    return {(row.ward, row.participant): participant_of(row) for row in rows}


def participant_of(row: Any) -> Participant:
    return Participant(
        row.participant,
        row.name,
        row.group_code,
        row.block,
        row.collective,
        row.proposed_by,
        has_left=row.left_on is not None,
    )


async def newest_claims(
    connection: AsyncConnection,
    ward: str,
    *,
    of: Collection[str] | None = None,
    in_period: str | None = None,
) -> list[tuple[Whose, Claim]]:
    """The newest claim of each participant and period, in the order of their codes."""
    query = sa.select(claim).where(claim.c.ward == ward)
    if of is not None:
        query = query.where(claim.c.participant.in_(of))
    if in_period is not None:
        query = query.where(claim.c.period == in_period)
    rows = await connection.execute(
        query.ext(distinct_on(claim.c.participant, claim.c.period)).order_by(
            claim.c.participant,
            claim.c.period,
            claim.c.revision.desc(),
            claim.c.received_at.desc(),
            claim.c.report_id,
        )
    )
    return [(Whose(row.ward, row.participant, row.period), claim_of(row)) for row in rows]


def claim_of(row: Any) -> Claim:
    items = tuple(_item_of_json(item) for item in row.items)
    return Claim(row.report_id, row.revision, row.received_at, row.late, items)


def _item_to_json(item: ClaimedItem) -> dict[str, Any]:
    return {
        "criterion": item.criterion,
        "self_score": None if item.self_score is None else str(item.self_score),
        "not_applicable": item.not_applicable,
        "narrative": item.narrative,
    }


def _item_of_json(data: Mapping[str, Any]) -> ClaimedItem:
    score = data["self_score"]
    return ClaimedItem(
        data["criterion"],
        None if score is None else Decimal(score),
        data["not_applicable"],
        data["narrative"],
    )
