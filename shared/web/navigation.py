"""The way around: pages of all four services as one product, to whom they are open."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.roles import Role
from shared.web.access import EVERYBODY, SIGNED_IN, Open, Route
from shared.web.identity import Person


@dataclass(frozen=True, slots=True)
class Place:
    """A page that the header leads to, and who may open it: as its service's table of routes says.

    `parts` are the beginnings of further paths that belong to it.
    """

    service: str
    path: str
    label: str
    who: Open | tuple[Role, ...] = SIGNED_IN
    parts: tuple[str, ...] = ()

    @property
    def href(self) -> str:
        return f"/{self.service}{self.path}"

    def open_to(self, person: Person | None) -> bool:
        if person is None:
            return self.who == EVERYBODY
        return Route("GET", self.path, self.who).admits(person)

    def holds(self, path: str) -> bool:
        """Whether a page is this place, or one that belongs to it."""
        return path == self.href or path.startswith(self.parts)


PLACES: Final[tuple[Place, ...]] = (
    Place("notify", "/", "Việc của tôi", parts=("/notify/tasks",)),
    Place(
        "intake",
        "/",
        "Báo cáo",
        (
            "reporter",
            "head",
            "officer",
            "substitute-officer",
            "inspector",
            "council",
            "council-secretary",
            "chairman",
            "auditor",
        ),
        (
            "/intake/duties",
            "/intake/obligations/",
            "/intake/files/",
            "/intake/reports/",
            "/intake/participants/",
        ),
    ),
    Place("scoring", "/", "Chấm điểm", parts=("/scoring/assessments", "/scoring/periods")),
    Place("awards", "/", "Khen thưởng", EVERYBODY, ("/awards/dossiers", "/awards/sessions")),
    Place("notify", "/honours", "Vinh danh", EVERYBODY),
    Place("notify", "/mails", "Thư", parts=("/notify/mails/",)),
    Place(
        "intake",
        "/movements",
        "Phong trào",
        (
            "reporter",
            "head",
            "officer",
            "substitute-officer",
            "inspector",
            "council",
            "council-secretary",
            "chairman",
            "auditor",
        ),
        ("/intake/movements/", "/intake/calendar", "/intake/roster"),
    ),
    Place(
        "intake",
        "/people",
        "Danh bạ",
        ("officer", "operator", "auditor"),
        ("/intake/people/", "/intake/corrections"),
    ),
    Place(
        "intake",
        "/publishers",
        "Hệ thống gửi",
        ("operator", "auditor"),
        ("/intake/publishers/",),
    ),
)
"""What the header shows, in its order."""


def places_for(person: Person | None) -> Sequence[Place]:
    """What the header shows to somebody, or to a visitor who is not signed in."""
    return [place for place in PLACES if place.open_to(person)]
