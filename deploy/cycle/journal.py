"""Which steps are behind us: kept beside the state, so that a start from it replays nothing."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class Journal:
    file: Path

    def done(self) -> list[str]:
        if not self.file.exists():
            return []
        names: list[str] = json.loads(self.file.read_text("utf-8"))
        return names

    def add(self, name: str) -> None:
        waiting = self.file.with_suffix(".tmp")
        waiting.write_text(json.dumps([*self.done(), name]), "utf-8")
        waiting.replace(self.file)
