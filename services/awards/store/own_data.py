"""What awards holds about somebody: where they sat and what they did, never how they voted."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.awards.store.tables import (
    approval,
    attendance,
    closing,
    decision,
    member,
    recusal,
    roll,
    session,
    step,
    voter,
)
from shared.own_data import HeldRow, is_by


async def held_about(connection: AsyncConnection, ward: str, person: str) -> Sequence[HeldRow]:
    """Sessions they are a member of, with attendance and on how much they voted; their acts."""
    return [
        *await _sittings(connection, ward, person),
        *await _acts(connection, ward, person),
    ]


async def _sittings(connection: AsyncConnection, ward: str, person: str) -> list[HeldRow]:
    query = (
        sa.select(
            session.c.session,
            session.c.held_on,
            _manner(person).label("manner"),
            _count(voter, person).label("voted"),
            _count(recusal, person).label("recused"),
        )
        .join(member, _same_session(member))
        .where(session.c.ward == ward, member.c.person == person)
        .order_by(session.c.held_on, session.c.session)
    )
    return [
        HeldRow("Thành viên phiên họp", _sitting(row), row.held_on)
        for row in await connection.execute(query)
    ]


def _sitting(row: Any) -> str:
    came = f"điểm danh: {row.manner}" if row.manner else "chưa điểm danh"
    return (
        f"{row.session}; {came}; đã bỏ phiếu về {row.voted} hồ sơ"
        f" (không lưu lựa chọn cùng tên), không được bỏ phiếu về {row.recused} hồ sơ"
    )


def _same_session(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.ward == session.c.ward, table.c.session == session.c.session)


def _count(table: sa.Table, person: str) -> sa.ScalarSelect[int]:
    query = sa.select(sa.func.count()).where(_same_session(table), table.c.person == person)
    return query.correlate(session).scalar_subquery()


def _manner(person: str) -> sa.ScalarSelect[str]:
    """As the newest roll has it."""
    query = (
        sa.select(attendance.c.manner)
        .where(_same_session(attendance), attendance.c.person == person)
        .order_by(attendance.c.roll.desc())
        .limit(1)
    )
    return query.correlate(session).scalar_subquery()


async def _acts(connection: AsyncConnection, ward: str, person: str) -> list[HeldRow]:
    acts = (
        ("Xử lý hồ sơ", step, step.c.dossier, step.c.actor, step.c.at),
        (
            "Triệu tập phiên họp",
            session,
            session.c.session,
            session.c.convened_by,
            session.c.convened_at,
        ),
        ("Điểm danh", roll, roll.c.session, roll.c.taken_by, roll.c.taken_at),
        (
            "Kết thúc phiên họp",
            closing,
            closing.c.session,
            closing.c.closed_by,
            closing.c.closed_at,
        ),
        ("Phê duyệt", approval, approval.c.session, approval.c.approved_by, approval.c.approved_at),
        (
            "Ghi số quyết định",
            decision,
            decision.c.session,
            decision.c.entered_by,
            decision.c.entered_at,
        ),
    )
    each = [
        sa.select(sa.literal(what).label("what"), whom.label("whom"), at.label("at")).where(
            table.c.ward == ward, is_by(by, person)
        )
        for what, table, whom, by, at in acts
    ]
    done = sa.union_all(*each).subquery("done")
    rows = await connection.execute(sa.select(done).order_by(done.c.at.desc()))
    return [HeldRow(row.what, row.whom, row.at) for row in rows]
