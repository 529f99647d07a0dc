"""What awards publishes. Ballots never leave the service."""

from typing import ClassVar

from shared.contracts.base import Code, Day, Event, Instant, Text


class _AboutDossier(Event):
    dossier: str
    period: Code
    participant: Code
    form: Code

    @property
    def subject(self) -> str:
        return self.dossier


class DossierOpened(_AboutDossier):
    """An officer opened a dossier with a reason."""

    TYPE: ClassVar[str] = "vn.thidua.awards.dossier-opened.v1"

    opened_at: Instant


class CandidatePublished(_AboutDossier):
    """A candidate is shown to the public for opinion during the window."""

    TYPE: ClassVar[str] = "vn.thidua.awards.candidate-published.v1"

    name: Text
    unit: Text
    achievement: Text
    form_title: Text
    window_from: Day
    window_until: Day


class DossierConcluded(_AboutDossier):
    """The council voted; only the outcome leaves the service."""

    TYPE: ClassVar[str] = "vn.thidua.awards.dossier-concluded.v1"

    passed: bool
    concluded_at: Instant


class AwardDecided(_AboutDossier):
    """The Chairman decided; number and date are entered by văn thư."""

    TYPE: ClassVar[str] = "vn.thidua.awards.award-decided.v1"

    name: Text
    unit: Text
    achievement: Text
    form_title: Text
    decision_number: Text
    decided_on: Day
    ordinal: int
