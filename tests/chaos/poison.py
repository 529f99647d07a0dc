"""Poisoned events: a bug that concerns one event, until somebody mends it.

The rig writes `poison.json` (service -> names) into the folder that the services know by
`CHAOS_FOLDER`. A name is an event's id, its correlation id, or `<type>|<key>`.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from shared.messaging import Inbound, Permanent, Received

FILE = "poison.json"
FOLDER = "CHAOS_FOLDER"


class Poison:
    """What one service cannot digest, as the file says now."""

    def __init__(self, folder: Path, service: str) -> None:
        self._file = folder / FILE
        self._service = service
        self._seen = 0
        self._names: frozenset[str] = frozenset()

    def spoil(self, given: Sequence[Received[Any] | Inbound]) -> None:
        """Raises Permanent when one of them is poisoned."""
        names = self._read()
        if not names:
            return
        for one in given:
            if names & _names_of(one):
                raise Permanent(f"the bug that concerns {one.key}")

    def _read(self) -> frozenset[str]:
        try:
            seen = self._file.stat().st_mtime_ns
            if seen != self._seen:
                told = json.loads(self._file.read_text("utf-8"))
                self._names = frozenset(told.get(self._service, ()))
                self._seen = seen
        except FileNotFoundError:
            self._names = frozenset()
        return self._names


def _names_of(one: Received[Any] | Inbound) -> set[str]:
    if one.envelope is None:
        return set()
    return {one.envelope.id, one.envelope.correlation, f"{one.envelope.type}|{one.key}"}


class PoisonChest:
    """The rig's side of the file."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE
        self._names: dict[str, set[str]] = {}
        self._lock = Lock()

    def add(self, service: str, name: str) -> None:
        with self._lock:
            self._names.setdefault(service, set()).add(name)
            self._write()

    def mend(self, service: str, name: str) -> None:
        with self._lock:
            self._names[service].discard(name)
            self._write()

    def _write(self) -> None:
        told = {service: sorted(names) for service, names in self._names.items()}
        draft = self._file.with_suffix(".draft")
        draft.write_text(json.dumps(told), "utf-8")
        draft.replace(self._file)
