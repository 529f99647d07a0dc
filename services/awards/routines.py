"""The press: prints the certificate of every decided award, and again what went missing."""

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from services.awards.commands.printing import Printed, enter_documents
from services.awards.documents.printing import TEMPLATE, Printer
from services.awards.domain.certificate import Commendation, certificate_of
from services.awards.settings import AwardsSettings
from services.awards.store import decisions, facts
from shared.messaging.unit_of_work import Works
from shared.routine import Routine
from shared.service import Parts

log = logging.getLogger(__name__)

BATCH = 20
LOOK_EVERY = 240
"""Turns between two looks at the folder, about a minute when there is nothing to print."""

Render = Callable[[Any, str], bytes]
"""(award as loaded, place name) -> PDF."""


def routines(parts: Parts[AwardsSettings]) -> Sequence[Routine]:
    press = press_of(parts)
    return (Routine("certificates", press.turn, press.pending),)


def press_of(parts: Parts[AwardsSettings]) -> "Press":
    return Press(parts.works, parts.settings.documents, _renderer(parts.settings))


@dataclass(slots=True)
class Press:
    """Prints into `folder`; `failed` holds dossiers that wait for the next look."""

    works: Works
    folder: Path
    render: Render
    failed: set[tuple[str, str]] = field(default_factory=set)
    _queue: list[Any] = field(default_factory=list)
    _turns: int = 0

    async def pending(self) -> int:
        """How many certificates are not on disk, as of the last look at the folder."""
        if self._turns == 0:
            return len(await self._missing())
        again = sum(row.edition is not None for row in self._queue)
        async with self.works.read() as connection:
            return again + await decisions.count_unprinted(connection)

    async def turn(self) -> int:
        """Print what is due, at most `BATCH`; returns how many."""
        if not self._queue:
            self._queue = list(await self._due())
            self._turns += 1
        batch, self._queue = self._queue[:BATCH], self._queue[BATCH:]
        printed = [one for row in batch if (one := await self._print(row)) is not None]
        fresh = [one for one, is_new in printed if is_new]
        if fresh:
            async with self.works.begin() as work:
                await enter_documents(work, fresh)
        return len(printed)

    async def _due(self) -> Sequence[Any]:
        if self._turns % LOOK_EVERY == 0:
            self.failed.clear()
            return await self._missing()
        return await self._unprinted()

    async def _missing(self) -> Sequence[Any]:
        async with self.works.read() as connection:
            rows = await decisions.awards_to_print(connection, unprinted_only=False)
        return await asyncio.to_thread(self._without_file, rows)

    def _without_file(self, rows: Sequence[Any]) -> Sequence[Any]:
        return [row for row in rows if row.path is None or not (self.folder / row.path).is_file()]

    async def _unprinted(self) -> Sequence[Any]:
        limit = BATCH + len(self.failed)
        async with self.works.read() as connection:
            rows = await decisions.awards_to_print(connection, unprinted_only=True, limit=limit)
        return [row for row in rows if (row.ward, row.dossier) not in self.failed]

    async def _print(self, row: Any) -> tuple[Printed, bool] | None:
        """What was printed, and whether it differs from the newest document; None: failed."""
        async with self.works.read() as connection:
            place = await facts.place_of(connection, row.ward, row.movement, row.movement_version)
        path = document_path(row)
        try:
            content = await asyncio.to_thread(self._write, row, place, path)
        except Exception:  # one bad certificate must not hold up the others
            log.exception("the certificate of %s/%s failed", row.ward, row.dossier)
            self.failed.add((row.ward, row.dossier))
            return None
        digest = sha256(content).hexdigest()
        edition = (row.edition or 0) + 1
        is_new = (row.path, row.sha256) != (path, digest)
        return Printed(row.ward, row.dossier, edition, path, digest), is_new

    def _write(self, row: Any, place: str, path: str) -> bytes:
        content = self.render(row, place)
        write_whole(self.folder / path, content)
        return content


def document_path(row: Any) -> str:
    """`<ward>/<year>-<number>/<ordinal>-<participant>.pdf`, relative to the folder."""
    return f"{row.ward}/{row.year}-{row.slug}/{row.ordinal:03d}-{row.participant}.pdf"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that readers, even after a crash, find all of it or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _renderer(settings: AwardsSettings) -> Render:
    printer = Printer(settings.certificate_template or TEMPLATE, settings.emblem)

    def render(row: Any, place: str) -> bytes:
        facts = Commendation(
            decider=settings.decider.format(place=place),
            name=row.name,
            unit=row.unit,
            achievement=row.achievement,
            decision_number=row.number,
            decided_on=row.decided_on,
            ordinal=row.ordinal,
            place=place,
            signer_lines=tuple(row.signer_lines),
        )
        return printer.print(certificate_of(facts))

    return render
