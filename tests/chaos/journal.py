"""What went in, as the rig itself knows it: the checker's only source besides topics and tables."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Literal

Expected = Literal[
    "report",
    "unreadable",
    "invalid-field",
    "unknown-participant",
    "wrong-period",
    "key-mismatch",
    "unknown-type",
    "not-granted",
]
"""`report`: a good one, which is taken unless a newer version of it has come in before."""


@dataclass
class Journal:
    """Also written to `file`, a JSON object a line, for whoever looks into a failed run.

    `inbound`: id -> what is expected of its first record; `other_bytes` counts records under an
    id that was used before. `reports`: report id -> whether HTTP took it. `acts`: fact and what
    it is about. `poisoned`: keys of events that failed for a while.
    """

    file: Path
    inbound: dict[str, Expected] = field(default_factory=dict)
    records: int = 0
    reports: dict[str, bool] = field(default_factory=dict)
    participants: set[str] = field(default_factory=set)
    acts: set[tuple[str, str]] = field(default_factory=set)
    poisoned: set[str] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def record(self, identity: str, key: str, expected: Expected | None) -> None:
        """A record for the inbound topic; None where the id was used before."""
        with self._lock:
            self.records += 1
            if expected is not None:
                self.inbound[identity] = expected
            self._write({"inbound": identity, "key": key, "expected": expected})

    def report(self, body: Mapping[str, Any], *, taken: bool) -> None:
        """What HTTP answered to a report."""
        with self._lock:
            self.reports[body["report_id"]] = taken
            names = ("participant", "period", "revision", "report_id")
            self._write({"report": {name: body[name] for name in names}, "taken": taken})

    def participant(self, code: str) -> None:
        with self._lock:
            self.participants.add(code)
            self._write({"participant": code})

    def act(self, fact: str, about: str) -> None:
        with self._lock:
            self.acts.add((fact, about))
            self._write({"act": fact, "about": about})

    def poison(self, service: str, key: str) -> None:
        with self._lock:
            self.poisoned.add(key)
            self._write({"poisoned": key, "service": service})

    def _write(self, entry: Mapping[str, Any]) -> None:
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
