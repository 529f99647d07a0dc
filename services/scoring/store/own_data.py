"""What scoring holds about somebody: what they gave and decided, never what others gave."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.scoring.store.tables import adoption, freezing, mark, sheet
from shared.own_data import HeldRow, is_by


async def held_about(connection: AsyncConnection, ward: str, person: str) -> Sequence[HeldRow]:
    """Marks given by them, together for each participant, and their acts about whole periods."""
    return [
        *await _marks(connection, ward, person),
        *await _acts(connection, ward, person),
    ]


_STAGES = {"verified": "thẩm định", "council": "Hội đồng chấm"}


async def _marks(connection: AsyncConnection, ward: str, person: str) -> list[HeldRow]:
    last = sa.func.max(mark.c.given_at).label("at")
    query = (
        sa.select(mark.c.period, mark.c.participant, mark.c.stage, sa.func.count().label("n"), last)
        .where(mark.c.ward == ward, is_by(mark.c.given_by, person))
        .group_by(mark.c.period, mark.c.participant, mark.c.stage)
        .order_by(last.desc())
    )
    return [
        HeldRow(
            "Điểm đã chấm",
            f"{row.participant}, kỳ {row.period}, bước {_STAGES.get(row.stage, row.stage)}:"
            f" {row.n} tiêu chí",
            row.at,
        )
        for row in await connection.execute(query)
    ]


async def _acts(connection: AsyncConnection, ward: str, person: str) -> list[HeldRow]:
    acts = (
        ("Đề nghị bảng điểm", sheet, sheet.c.proposed_by, sheet.c.proposed_at),
        ("Ghi bảng điểm được thông qua", adoption, adoption.c.entered_by, adoption.c.entered_at),
        ("Chốt kết quả", freezing, freezing.c.frozen_by, freezing.c.frozen_at),
    )
    each = [
        sa.select(sa.literal(what).label("what"), table.c.period, at.label("at")).where(
            table.c.ward == ward, is_by(by, person)
        )
        for what, table, by, at in acts
    ]
    done = sa.union_all(*each).subquery("done")
    rows = await connection.execute(sa.select(done).order_by(done.c.at.desc()))
    return [HeldRow(row.what, f"kỳ {row.period}", row.at) for row in rows]
