"""What notify holds about somebody."""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain.kind_words import KIND_WORDS
from services.notify.store.mails import of_participant
from services.notify.store.tables import contact, mail, notice, participant
from shared.own_data import HeldRow


async def held_about(connection: AsyncConnection, ward: str, person: str) -> Sequence[HeldRow]:
    """Name and address, what they answer for, and the mails to them, the newest first."""
    known = await connection.execute(
        sa.select(contact).where(contact.c.ward == ward, contact.c.person == person)
    )
    answers_for = await connection.scalars(
        sa.select(participant.c.name)
        .where(participant.c.ward == ward, participant.c.reporter == person)
        .order_by(participant.c.name)
    )
    name = sa.func.coalesce(participant.c.name, notice.c.participant).label("name")
    to_them = await connection.execute(
        sa.select(notice.c.kind, name, mail.c.sent_at, notice.c.taken_at)
        .join(notice, notice.c.id == mail.c.id)
        .outerjoin(participant, of_participant)
        .where(notice.c.ward == ward, mail.c.person == person)
        .order_by(mail.c.seq.desc())
    )
    return [
        *(held for row in known for held in _contact(row)),
        *(HeldRow("Đầu mối của", name) for name in answers_for),
        *(_mail(row) for row in to_them),
    ]


def _contact(row: Any) -> Iterator[HeldRow]:
    if row.name is not None:
        yield HeldRow("Tên", row.name)
        yield HeldRow("Địa chỉ thư điện tử", row.email)


def _mail(row: Any) -> HeldRow:
    words = f"{KIND_WORDS[row.kind]}: {row.name}"
    if row.sent_at is None:
        return HeldRow("Thư không gửi", words, row.taken_at)
    return HeldRow("Thư đã gửi", words, row.sent_at)
