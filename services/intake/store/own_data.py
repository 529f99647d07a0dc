"""What intake holds about somebody, for themselves."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.store import people
from services.intake.store.draft_tables import draft, reopening
from services.intake.store.evidence_tables import evidence
from services.intake.store.reminding import hand_reminder
from services.intake.store.sign_in_tables import sign_in_session
from services.intake.store.tables import (
    judgement,
    movement,
    obligation_change,
    phase_review,
    plan,
    report,
    role_held,
)
from shared.calendar import vietnamese_date
from shared.own_data import HeldRow, is_by

NEWEST = 20
"""How many of their acts, and of their sessions, people are shown."""


async def held_about(connection: AsyncConnection, ward: str, person: str) -> list[HeldRow]:
    """What intake holds about somebody, for themselves."""
    row = await people.find(connection, ward, person)
    if row is None or row.erased_on is not None:
        return []
    found = [
        HeldRow("Tên", row.name),
        HeldRow("Địa chỉ thư", row.email),
        HeldRow("Mã trong danh bạ", row.person),
        HeldRow("Thuộc đơn vị", row.unit or "không thuộc đơn vị nào"),
    ]
    found += [_role_words(one) for one in await people.roles_of(connection, ward, [person])]
    found += [
        _lent_words(one, person) for one in await people.delegations_with(connection, ward, person)
    ]
    for one in await people.corrections(connection, ward, person=person):
        words = f"{one.text} – {one.reason or 'chưa trả lời'}"
        found.append(HeldRow("Đề nghị sửa thông tin", words, one.asked_at))
    found += await _sessions(connection, ward, person)
    return found + await _done_by(connection, ward, person)


def _role_words(row: Any) -> HeldRow:
    whose = {"unit": f" của đơn vị {row.scope_of}", "session": f" của phiên họp {row.scope_of}"}
    until = f" đến hết ngày {vietnamese_date(row.until)}" if row.until else ""
    ended = f", đã thôi từ ngày {vietnamese_date(row.ended_on)}" if row.ended_on else ""
    text = f"{row.role}{whose.get(row.scope, '')}{until}{ended}; do {row.granted_by} giao"
    return HeldRow("Vai trò, từ ngày", text, row.since)


def _lent_words(row: Any, person: str) -> HeldRow:
    until = vietnamese_date(row.ended_on or row.until)
    text = f"{', '.join(row.roles)}; văn bản {row.document}, đến ngày {until}"
    if row.delegate == person:
        return HeldRow("Được ủy quyền, từ ngày", f"làm thay {row.principal}: {text}", row.since)
    return HeldRow("Ủy quyền, từ ngày", f"cho {row.delegate}: {text}", row.since)


async def _sessions(connection: AsyncConnection, ward: str, person: str) -> list[HeldRow]:
    c = sign_in_session.c
    query = (
        sa.select(sign_in_session)
        .where(c.ward == ward, c.person == person)
        .order_by(c.begun_at.desc())
        .limit(NEWEST)
    )
    return [
        HeldRow("Đăng nhập", "đã thoát" if row.ended_at else "còn hiệu lực", row.begun_at)
        for row in await connection.execute(query)
    ]


async def _done_by(connection: AsyncConnection, ward: str, person: str) -> list[HeldRow]:
    """The newest acts of somebody at the desk and in the directory."""
    acts = (
        ("Gửi báo cáo", report, report.c.submitted_by, report.c.received_at, report.c.participant),
        (
            "Tải minh chứng lên",
            evidence,
            evidence.c.uploaded_by,
            evidence.c.uploaded_at,
            evidence.c.participant,
        ),
        (
            "Ban hành phiên bản phong trào",
            movement,
            movement.c.adopted_by,
            movement.c.launched_at,
            movement.c.movement,
        ),
        (
            "Ghi sơ kết, tổng kết",
            phase_review,
            phase_review.c.recorded_by,
            phase_review.c.recorded_at,
            phase_review.c.movement,
        ),
        ("Ghi kế hoạch", plan, plan.c.recorded_by, plan.c.recorded_at, plan.c.participant),
        ("Lưu bản soạn", draft, draft.c.saved_by, draft.c.saved_at, draft.c.participant),
        (
            "Mở lại báo cáo",
            reopening,
            reopening.c.reopened_by,
            reopening.c.reopened_at,
            reopening.c.participant,
        ),
        (
            "Xét báo cáo",
            judgement,
            judgement.c.judged_by,
            judgement.c.judged_at,
            judgement.c.participant,
        ),
        (
            "Nhắc việc",
            hand_reminder,
            hand_reminder.c.reminded_by,
            hand_reminder.c.sent_at,
            hand_reminder.c.participant,
        ),
        (
            "Quyết định về hạn",
            obligation_change,
            obligation_change.c.done_by,
            obligation_change.c.done_at,
            obligation_change.c.participant,
        ),
        (
            "Giao vai trò",
            role_held,
            role_held.c.granted_by,
            role_held.c.granted_at,
            role_held.c.person,
        ),
    )
    each = [
        sa.select(sa.literal(what).label("what"), whom.label("whom"), at.label("at")).where(
            table.c.ward == ward, is_by(by, person)
        )
        for what, table, by, at, whom in acts
    ]
    done = sa.union_all(*each).subquery("done")
    query = sa.select(done).order_by(done.c.at.desc()).limit(NEWEST)
    return [HeldRow(row.what, row.whom, row.at) for row in await connection.execute(query)]
