"""The ward that is put under load: made through HTTP, as its people would."""

import random
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from deploy.cycle.bodies import movement_body, sheet_body
from deploy.cycle.story import OFFICER, SECRETARY
from deploy.cycle.year import Year
from deploy.local.tokens import WARD
from deploy.wards.loader import load_ward
from tests.chaos.door import Door
from tests.chaos.journal import Journal

ASSESSOR = "ban-xay-dung-dang.assessor"
FORM = "giay-khen"
FROZEN_YEARS = (2021, 2022, 2023, 2024, 2025)
EACH_FROZEN = 60
"""How many candidates a frozen period has at most."""
NAMES = uuid.UUID("6f2d3f0e-8d0a-5c3b-9a41-2f6f3c6f0d11")


@dataclass(frozen=True)
class World:
    """Who there is: `flood` gets the mass of reports, `live` also get mails.

    `candidates`: (period, participant) with a frozen result, for dossiers.
    """

    ward: str
    movement: str
    flood: tuple[str, ...]
    live: tuple[str, ...]
    periods: tuple[str, ...]
    candidates: tuple[tuple[str, str], ...]
    criteria: tuple[tuple[str, Decimal], ...]

    @classmethod
    def of_size(cls, faults: int, events: int, *, candidates: bool = True) -> "World":
        year = Year(load_ward(WARD))
        wide = events > 100_000
        flood = tuple(f"don-vi-{number:03}" for number in range(160 if wide else 60))
        reports = events // 4
        periods = max(1, reports // (len(flood) * 40) + 1)
        years = FROZEN_YEARS[-max(1, min(len(FROZEN_YEARS), faults // 100)) :]
        each = min(EACH_FROZEN, max(24, faults // 2)) if candidates else 0
        return cls(
            ward=WARD.name,
            movement=year.ward.movement.code,
            flood=flood,
            live=("co-thu-1", "co-thu-2", "co-thu-3"),
            periods=tuple(f"ky-{number:03}" for number in range(1, periods + 1)),
            candidates=tuple(
                (f"{one}-annual", f"ung-vien-{number:02}")
                for one in years
                for number in range(each)
            ),
            criteria=tuple(year.criteria(year.participants["tdp-01"])),
        )

    def participant(self, code: str) -> dict[str, Any]:
        """A registration; those of the flood share a person whose contact is erased."""
        person = "im-lang.reporter" if code in self.flood else "co-thu.reporter"
        return {
            "code": code,
            "name": f"Đơn vị {code}",
            "kind": "neighbourhood-group",
            "collective": True,
            "group": "a",
            "block": "to-dan-pho",
            "manner": "voluntary",
            "proposed_by": None,
            "reporter": {"person": person, "name": "Đầu mối", "email": f"{person}@tu-minh.example"},
        }

    @property
    def erased(self) -> str:
        """The key of the contact whose mails are dropped."""
        return f"{self.ward}/im-lang.reporter"

    def report(
        self, code: str, period: str, revision: int, name: str, chance: random.Random
    ) -> dict[str, Any]:
        """A complete report; `name` makes its report id."""
        return {
            "ward": self.ward,
            "participant": code,
            "period": period,
            "report_id": str(uuid.uuid5(NAMES, name)),
            "revision": revision,
            "form_version": 1,
            "submitted_at": "2026-11-01T08:00:00+07:00",
            "items": [
                {
                    "criterion": criterion,
                    "self_score": str(most * chance.randint(50, 100) / 100),
                    "narrative": "Đã hoàn thành.",
                }
                for criterion, most in self.criteria
            ],
        }


class Maker:
    """Makes the world; everything in it may be asked for again."""

    def __init__(self, world: World, door: Door, journal: Journal) -> None:
        self._world, self._door, self._journal = world, door, journal
        self._chance = random.Random("world")

    def make(self) -> None:
        """Movement, participants, periods with adopted sheets, and frozen results."""
        world, door = self._world, self._door
        ward = load_ward(WARD)
        door.post(OFFICER, "/intake/movements", movement_body(ward, "2025-08-01"))
        candidates = sorted({code for _, code in world.candidates})
        codes = [*world.flood, *world.live, *candidates]
        people = [world.participant(code) for code in codes]
        door.post(OFFICER, "/intake/participants", {"participants": people})
        for code in codes:
            self._journal.participant(code)
        frozen = sorted({period for period, _ in world.candidates})
        for period in (*frozen, *world.periods):
            door.post(OFFICER, "/intake/periods", self._period(period))
            door.post(OFFICER, "/scoring/sheets", sheet_body(ward, period))

    def adopt(self) -> None:
        """Once scoring knows the periods."""
        version = load_ward(WARD).sheet.version
        frozen = sorted({period for period, _ in self._world.candidates})
        for number, period in enumerate((*frozen, *self._world.periods), 1):
            body = {
                "sheet_version": version,
                "document_number": f"{number:02}/NQ-HĐTĐKT",
                "adopted_on": "2026-11-01",
            }
            self._door.post(SECRETARY, f"/scoring/sheets/{period}/adoption", body)

    def report(self) -> None:
        """The candidates' reports, accepted."""
        self._each(self._report_and_accept, self._world.candidates)

    def freeze(self) -> None:
        """Once scoring knows the acceptances."""
        self._each(self._mark, self._world.candidates)
        for period in sorted({period for period, _ in self._world.candidates}):
            self._door.post(SECRETARY, f"/scoring/periods/{period}/freeze", {})

    def _each(self, work: Any, places: Sequence[tuple[str, str]]) -> None:
        with ThreadPoolExecutor(4) as pool:
            for _ in pool.map(lambda place: work(*place), places):
                pass

    def _period(self, code: str) -> dict[str, Any]:
        return {
            "period": code,
            "movement": self._world.movement,
            "kind": "annual-report",
            "title": f"Kỳ {code}",
            "year": 2026,
            "due": "2030-12-10T17:00:00+07:00",
            "due_text": "trước ngày 10/12/2030",
        }

    def _report_and_accept(self, period: str, code: str) -> None:
        body = self._world.report(code, period, 1, f"{period}/{code}", self._chance)
        self._door.post(OFFICER, "/intake/reports", body)
        self._journal.report(body, taken=True)
        accept(self._door, self._journal, code, period, 1)

    def _mark(self, period: str, code: str) -> None:
        marks = [
            {"criterion": criterion, "points": str(most * 3 / 4), "reason": "Đã đối chiếu."}
            for criterion, most in self._world.criteria
        ]
        body = {"period": period, "participant": code, "revision": 1, "stage": "verified"}
        self._door.post(ASSESSOR, "/scoring/marks", {**body, "marks": marks})


def accept(door: Door, journal: Journal, code: str, period: str, revision: int) -> None:
    body = {"participant": code, "period": period, "revision": revision}
    door.post(OFFICER, "/intake/reports/acceptances", body)
    journal.act("report-accepted", f"{code}/{period}/{revision}")
