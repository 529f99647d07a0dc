"""Marks and scores: rows that are only added."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from services.scoring.domain.claim import Claim
from services.scoring.domain.marks import Kind, Mark, Marks, NewMark, Slot, Stage
from services.scoring.domain.participant import Whose
from services.scoring.domain.result import Score, ScoreStage
from services.scoring.store.tables import mark, score
from shared.rows import insert_rows


async def in_force(
    connection: AsyncConnection, ward: str, period: str, of: Collection[str] | None = None
) -> dict[tuple[str, Any, int], dict[Slot, Mark]]:
    """(participant, report id, revision) -> the marks that no newer row replaces."""
    newer = mark.alias("newer")
    replaced = sa.exists().where(newer.c.replaces == mark.c.id)
    query = sa.select(mark).where(mark.c.ward == ward, mark.c.period == period, ~replaced)
    if of is not None:
        query = query.where(mark.c.participant.in_(of))
    found: dict[tuple[str, Any, int], dict[Slot, Mark]] = {}
    for row in await connection.execute(query):
        slot = Slot(Stage(row.stage), Kind(row.kind), row.criterion)
        marks = found.setdefault((row.participant, row.report_id, row.revision), {})
        marks[slot] = Mark(slot, row.points, row.reason, row.id)
    return found


async def add_marks(
    connection: AsyncConnection,
    whose: Whose,
    claim: Claim,
    new: Sequence[NewMark],
    *,
    by: str,
    at: datetime,
) -> None:
    rows = [
        {
            **whose._asdict(),
            "report_id": claim.report_id,
            "revision": claim.revision,
            "stage": one.slot.stage,
            "kind": one.slot.kind,
            "criterion": one.slot.criterion,
            "points": one.points,
            "reason": one.reason,
            "given_by": by,
            "given_at": at,
            "replaces": one.replaces,
        }
        for one in new
    ]
    await insert_rows(connection, mark, rows)


async def newest_scores(
    connection: AsyncConnection, whose: Collection[Whose], stage: ScoreStage
) -> dict[Whose, Score]:
    """What was told last of each participant and period."""
    columns = (score.c.ward, score.c.participant, score.c.period)
    rows = await connection.execute(
        sa.select(score)
        .where(sa.tuple_(*columns).in_({tuple(one) for one in whose}), score.c.stage == stage)
        .ext(distinct_on(*columns))
        .order_by(*columns, score.c.id.desc())
    )
    return {
        Whose(row.ward, row.participant, row.period): Score(
            row.stage, row.report_id, row.revision, row.sheet_version, row.total
        )
        for row in rows
    }


async def add_scores(
    connection: AsyncConnection, new: Sequence[tuple[Whose, Score]], at: datetime
) -> None:
    rows = [
        {
            **whose._asdict(),
            "stage": one.stage,
            "report_id": one.report_id,
            "revision": one.revision,
            "sheet_version": one.sheet_version,
            "total": one.total,
            "computed_at": at,
        }
        for whose, one in new
    ]
    await insert_rows(connection, score, rows)


def marks_of(
    found: dict[tuple[str, Any, int], dict[Slot, Mark]], participant: str, claim: Claim | None
) -> Marks:
    """The marks given to this revision; those of other revisions do not count."""
    if claim is None:
        return {}
    return found.get((participant, claim.report_id, claim.revision), {})
