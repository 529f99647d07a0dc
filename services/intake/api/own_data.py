"""What intake holds about whoever asks."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.store import own_data
from shared.own_data import HeldRow
from shared.web.identity import Person
from shared.web.own_data import own_data_router


async def _collect(connection: AsyncConnection, person: Person) -> Sequence[HeldRow]:
    return await own_data.held_about(connection, person.ward, person.id)


router = own_data_router("intake", _collect)
