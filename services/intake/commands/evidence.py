"""Files of evidence: taken in, named by reports, taken away, swept.

The bytes are stored first and the row after, so a row never says what is not there. Whoever enters
a row, and whoever takes bytes away, holds the participant's lock: bytes are not swept from under a
row that is just being entered.
"""

import asyncio
import logging
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any, BinaryIO

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid6 import uuid7

from services.intake.commands.desk import check_is_theirs
from services.intake.domain.evidence import (
    Kind,
    check_may_be_removed,
    check_room,
    check_size,
    safe_name,
)
from services.intake.filetype import PIECE, kind_of
from services.intake.shelf import NotThere, Shelf, ShelfAway
from services.intake.store import desk
from services.intake.store import evidence as store
from services.intake.store.evidence_tables import evidence
from shared.messaging import UnitOfWork, Works
from shared.rows import insert_rows
from shared.web.identity import Person
from shared.web.problems import not_found

log = logging.getLogger(__name__)

YOUNG = timedelta(days=1)
"""Bytes without a row are left alone so long: their row may be on its way."""
BATCH = 200


@dataclass(frozen=True, slots=True)
class Looked:
    """A file that may be taken, and what of it is kept in its row."""

    name: str
    kind: Kind
    size: int
    sha256: str
    criterion: str = ""


def name_of(row: Any) -> str:
    """Under which name the bytes of a row stand on the shelf."""
    return f"{row.ward}/{row.participant}/{row.period}/{row.id}"


async def look_at(file: BinaryIO, given: str, criterion: str, most: int) -> Looked:
    """What a file is. Raises Refusal on one that is not taken."""
    return await asyncio.to_thread(_look_at, file, given, criterion, most)


def _look_at(file: BinaryIO, given: str, criterion: str, most: int) -> Looked:
    size = file.seek(0, 2)
    check_size(size, most)
    kind = kind_of(file)
    digest = sha256()
    file.seek(0)
    while piece := file.read(PIECE):
        digest.update(piece)
    return Looked(safe_name(given, kind), kind, size, digest.hexdigest(), criterion)


async def check_may_bring(connection: AsyncConnection, key: desk.Key, person: Person) -> None:
    """Whether somebody may bring files for this participant and period.

    Raises Refusal, or Problem (404) where there is no such thing.
    """
    code, period = key
    row = (await desk.participants(connection, person.ward, [code])).get(code)
    check_is_theirs(person, code, row)
    if row is None:
        raise not_found(f"đơn vị, cá nhân mang mã {code}")
    if period not in await desk.periods(connection, person.ward):
        raise not_found(f"kỳ mang mã {period}")


@dataclass(frozen=True, slots=True)
class Delivery:
    """Bytes that stand on the shelf and have no row yet."""

    id: uuid.UUID
    ward: str
    participant: str
    period: str
    looked: Looked

    @property
    def lock(self) -> str:
        return f"{self.ward}/{self.participant}"


async def deliver(
    shelf: Shelf, file: BinaryIO, looked: Looked, key: desk.Key, ward: str
) -> Delivery:
    """Put the bytes on the shelf. Raises ShelfAway."""
    delivery = Delivery(uuid.UUID(int=uuid7().int), ward, *key, looked)
    try:
        await shelf.put(name_of(delivery), file)
    except NotThere as error:
        raise ShelfAway("there is no such bucket") from error
    return delivery


async def enter(
    work: UnitOfWork, shelf: Shelf, delivery: Delivery, person: Person, most: int
) -> Any:
    """The row of a delivered file; of one that holds the same, where there is one already.

    The participant's lock is held. Raises Refusal, Problem, ShelfAway.
    """
    key = (delivery.participant, delivery.period)
    await check_may_bring(work.connection, key, person)
    held = await store.held(work.connection, delivery.ward, key)
    if known := held.get(delivery.looked.sha256):
        return known
    check_room(len(held), most)
    try:
        await shelf.size(name_of(delivery))
    except NotThere as error:
        raise ShelfAway("the bytes were swept before their row was entered") from error
    looked = delivery.looked
    row = {
        "id": delivery.id,
        "ward": delivery.ward,
        "participant": delivery.participant,
        "period": delivery.period,
        "criterion": looked.criterion,
        "name": looked.name,
        "kind": looked.kind,
        "size": looked.size,
        "sha256": looked.sha256,
        "uploaded_at": work.business.now(),
        "uploaded_by": person.id,
        "acting_for": person.acting_for,
    }
    await insert_rows(work.connection, evidence, [row])
    return (await store.held(work.connection, delivery.ward, key))[looked.sha256]


async def enter_by_itself(
    works: Works, shelf: Shelf, delivery: Delivery, person: Person, most: int
) -> Any:
    """`enter` in a unit of work of its own; bytes that got no row are taken away again."""
    entered = None
    try:
        async with works.begin(delivery.lock) as work:
            row = await enter(work, shelf, delivery, person, most)
        entered = row.id
        return row
    finally:
        if entered != delivery.id:
            await drop_unless_entered(works, shelf, delivery)


async def drop_unless_entered(works: Works, shelf: Shelf, delivery: Delivery) -> None:
    """Take the bytes away again where no row says that they are here; the sweep would, later."""
    try:
        async with works.begin(delivery.lock) as work:
            if delivery.id not in await store.here(work.connection, [delivery.id]):
                await shelf.remove(name_of(delivery))
    except Exception as error:  # whatever went wrong before is what the caller is to hear of
        log.warning("bytes without a row are left to the sweep: %s", type(error).__name__)


async def remove(work: UnitOfWork, identity: uuid.UUID, person: Person) -> Any:
    """Take a file out of its report's evidence; returns the row, whose bytes may go after the
    commit. The participant's lock is taken here. Raises Refusal, Problem (404).
    """
    row = await store.find(work.connection, person, identity)
    if row is None:
        raise not_found("tệp này, hoặc tệp này không thuộc về bạn")
    await work.lock(f"{row.ward}/{row.participant}")
    row = await store.find(work.connection, person, identity)
    if row is None:
        raise not_found("tệp này, hoặc tệp này không thuộc về bạn")
    check_is_theirs(person, row.participant, row)
    check_may_be_removed(used=row.sent)
    await store.mark_removed(work.connection, [identity], work.business.now(), person.actor)
    return row


async def take_away(shelf: Shelf, rows: Iterable[Any]) -> None:
    """Remove the bytes of rows that were marked removed; what fails is left to the sweep."""
    for row in rows:
        try:
            await shelf.remove(name_of(row))
        except ShelfAway:
            return


async def sweep_unused(works: Works, shelf: Shelf, days: int) -> int:
    """Remove files that nothing has named for so long; returns how many."""
    long_ago = works.business.now() - timedelta(days=days)
    async with works.engine.connect() as connection:
        found = await store.unused_since(connection, long_ago, BATCH)
    if not found:
        return 0
    async with works.begin(*{f"{row.ward}/{row.participant}" for row in found}) as work:
        still = await store.unused_since(work.connection, long_ago, BATCH)
        known = {row.id for row in found}
        gone = [row for row in still if row.id in known]
        await store.mark_removed(work.connection, [row.id for row in gone], work.business.now())
    await take_away(shelf, gone)
    return len(gone)


async def sweep_bytes(works: Works, shelf: Shelf) -> int:
    """Remove bytes that have stood for a day and that no row speaks of; returns how many."""
    old = works.system.now() - YOUNG
    swept, batch = 0, dict[uuid.UUID, str]()
    async for one in shelf.everything():
        identity = _identity(one.name)
        if identity is not None and one.at < old:
            batch[identity] = one.name
        if len(batch) >= BATCH:
            swept += await _sweep(works, shelf, batch)
            batch = {}
    return swept + await _sweep(works, shelf, batch)


async def _sweep(works: Works, shelf: Shelf, batch: dict[uuid.UUID, str]) -> int:
    async with works.engine.connect() as connection:
        here = await store.here(connection, batch)
    swept = 0
    for identity in batch.keys() - here:
        ward, participant = batch[identity].split("/")[:2]
        async with works.begin(f"{ward}/{participant}") as work:
            if identity not in await store.here(work.connection, [identity]):
                await shelf.remove(batch[identity])
                swept += 1
    return swept


def _identity(name: str) -> uuid.UUID | None:
    """Of our own bytes; whatever else stands in the bucket is left alone."""
    parts = name.split("/")
    try:
        return uuid.UUID(parts[3]) if len(parts) == 4 else None
    except ValueError:
        return None
