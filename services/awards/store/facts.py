"""What other services told us: movement, periods, participants, proposals, results."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.awards.domain.law import OfferedForm
from services.awards.store.tables import (
    movement,
    offered_form,
    participant,
    period,
    proposal,
    result,
)
from shared.rows import add_rows, insert_rows, put_rows

Values = dict[str, Any]


async def add_movements(
    connection: AsyncConnection, versions: Sequence[Values], forms: Sequence[Values]
) -> None:
    """Versions are kept for ever; a version that is known stays as it is."""
    await add_rows(connection, movement, versions)
    await add_rows(connection, offered_form, forms)


async def put_periods(connection: AsyncConnection, rows: Sequence[Values]) -> None:
    await put_rows(connection, period, rows)


async def put_participants(connection: AsyncConnection, rows: Sequence[Values]) -> None:
    await put_rows(connection, participant, rows)


async def put_departures(connection: AsyncConnection, rows: Sequence[Values]) -> None:
    """`ward`, `participant`, `left_on`; whoever is registered again is back."""
    for row in rows:
        await connection.execute(
            sa.update(participant)
            .where(
                participant.c.ward == row["ward"],
                participant.c.participant == row["participant"],
            )
            .values(left_on=row["left_on"])
        )


async def put_results(connection: AsyncConnection, rows: Sequence[Values]) -> None:
    await put_rows(connection, result, rows)


async def replace_proposals(
    connection: AsyncConnection, owners: Sequence[tuple[str, str, str]], rows: Sequence[Values]
) -> None:
    """`owners`: the (ward, period, proposer) whose proposals are now these rows and no others."""
    theirs = sa.tuple_(proposal.c.ward, proposal.c.period, proposal.c.proposer)
    await connection.execute(sa.delete(proposal).where(theirs.in_(owners)))
    await insert_rows(connection, proposal, rows)


@dataclass(frozen=True, slots=True)
class Menu:
    """The newest version of a period's movement, and the forms that it offers."""

    movement: str
    version: int
    title: str
    place: str
    period_title: str
    forms: dict[str, OfferedForm]


async def menu_of(connection: AsyncConnection, ward: str, code: str) -> Menu | None:
    """None until the period is open and its movement launched."""
    newest = (
        sa.select(movement, period.c.title.label("period_title"))
        .join(
            period,
            sa.and_(period.c.ward == movement.c.ward, period.c.movement == movement.c.movement),
        )
        .where(period.c.ward == ward, period.c.period == code)
        .order_by(movement.c.version.desc())
        .limit(1)
    )
    found = (await connection.execute(newest)).one_or_none()
    if found is None:
        return None
    offered = sa.select(offered_form).where(
        offered_form.c.ward == ward,
        offered_form.c.movement == found.movement,
        offered_form.c.version == found.version,
    )
    forms = {
        row.code: OfferedForm(
            row.code, row.title, row.collectives, row.individuals, row.decided_here, row.annual
        )
        for row in await connection.execute(offered)
    }
    return Menu(found.movement, found.version, found.title, found.place, found.period_title, forms)


async def place_of(connection: AsyncConnection, ward: str, code: str, version: int) -> str:
    """The place name of a version of a movement, as printed before a date."""
    place: str = (
        await connection.execute(
            sa.select(movement.c.place).where(
                movement.c.ward == ward,
                movement.c.movement == code,
                movement.c.version == version,
            )
        )
    ).scalar_one()
    return place


async def find_participant(connection: AsyncConnection, ward: str, code: str) -> sa.Row[Any] | None:
    query = sa.select(participant).where(
        participant.c.ward == ward, participant.c.participant == code
    )
    return (await connection.execute(query)).one_or_none()


async def results_of(
    connection: AsyncConnection, ward: str, code: str, who: Sequence[str]
) -> dict[str, sa.Row[Any]]:
    """Participant -> its frozen result in a period."""
    query = sa.select(result).where(
        result.c.ward == ward, result.c.period == code, result.c.participant.in_(who)
    )
    return {row.participant: row for row in await connection.execute(query)}


async def standings(connection: AsyncConnection, ward: str, code: str) -> Sequence[sa.Row[Any]]:
    """Every participant with its result in a period, if any; by khối and rank."""
    joined = participant.outerjoin(
        result,
        sa.and_(
            result.c.ward == participant.c.ward,
            result.c.participant == participant.c.participant,
            result.c.period == code,
        ),
    )
    query = (
        sa.select(
            participant,
            *(result.c[n] for n in ("block_title", "total", "grade", "rank", "ranked", "late")),
        )
        .select_from(joined)
        .where(participant.c.ward == ward)
        .order_by(participant.c.block, result.c.rank, participant.c.participant)
    )
    return (await connection.execute(query)).all()


async def proposals_of(connection: AsyncConnection, ward: str, code: str) -> Sequence[sa.Row[Any]]:
    query = (
        sa.select(proposal)
        .where(proposal.c.ward == ward, proposal.c.period == code)
        .order_by(proposal.c.proposer, proposal.c.place)
    )
    return (await connection.execute(query)).all()
