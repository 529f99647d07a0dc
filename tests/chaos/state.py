"""Tables against topics: what each service holds is a pure function of what was said."""

from collections import defaultdict
from collections.abc import Mapping, Set
from decimal import Decimal
from typing import Any

from tests.chaos.chains import AWARDS, INTAKE, SCORING, Facts
from tests.chaos.databases import Databases
from tests.chaos.findings import Findings
from tests.chaos.records import Story

STALE_SECONDS = 10
"""An outbox row older than this at the end is one that nobody sends."""
_OUTBOX = "SELECT count(*) FROM outbox WHERE created_at < now() - make_interval(secs => $1)"
_PARKED = "SELECT key, error, message FROM parked WHERE state = 'parked' LIMIT 5"
_TOLD = {
    INTAKE: (
        "obligation-opened",
        "reminder-due",
        "obligation-overdue",
        "obligation-moved",
        "obligation-withdrawn",
        "report-received",
        "report-returned",
        "report-accepted",
    ),
    SCORING: ("result-frozen",),
    AWARDS: ("award-decided",),
}
"""Facts of which notify makes a notice."""


def check_rests(databases: Databases, service: str, findings: Findings) -> None:
    """Nothing is left behind: not in the outbox, not among the parked."""
    left = databases.value(service, _OUTBOX, STALE_SECONDS)
    if left:
        findings.add("stale outbox rows", f"{service}: {left}", left)
    parked = databases.value(service, "SELECT count(*) FROM parked WHERE state = 'parked'")
    if parked:
        some = databases.fetch(service, _PARKED)
        findings.add("parked left", f"{service}: {[tuple(row) for row in some]}", parked)


class States:
    """Compares tables of the services with what the topics say."""

    def __init__(
        self, databases: Databases, stories: Mapping[str, Story], findings: Findings
    ) -> None:
        self._databases, self._findings = databases, findings
        self._facts = Facts(stories)
        self._reports = {
            (r.told.participant, r.told.period, r.told.revision, r.told.report)
            for r in self._facts.of(INTAKE, "report-received")
        }
        self._people = {
            (r.key.partition("/")[2],) for r in self._facts.of(INTAKE, "participant-registered")
        }

    def check(self, service: str) -> None:
        {
            "intake": self._intake,
            "scoring": self._scoring,
            "awards": self._awards,
            "notify": self._notify,
        }[service]()

    def _same(self, service: str, query: str, computed: Set[tuple[Any, ...]]) -> None:
        rows = {tuple(row) for row in self._databases.fetch(service, query, seconds=120)}
        self._findings.same(f"{service} ({query})", rows, computed)

    def _intake(self) -> None:
        columns = "participant, period, revision, report_id::text"
        self._same("intake", f"SELECT {columns} FROM report", self._reports)
        self._same("intake", "SELECT participant FROM participant", self._people)
        met = {r.told for r in self._facts.of(INTAKE, "obligation-met")}
        query = "SELECT participant, period FROM obligation WHERE met_at IS NOT NULL"
        self._same("intake", query, met)

    def _scoring(self) -> None:
        columns = "participant, period, revision, report_id::text"
        self._same("scoring", f"SELECT {columns} FROM claim", self._reports)
        self._same("scoring", "SELECT participant FROM participant", self._people)
        said: defaultdict[tuple[str, str], list[Decimal]] = defaultdict(list)
        for record in self._facts.of(SCORING, "score-computed"):
            if record.told.stage == "self":
                said[record.told.participant, record.told.period].append(record.told.total)
        query = (
            "SELECT participant, period, array_agg(total ORDER BY id)"
            " FROM score WHERE stage = 'self' GROUP BY participant, period"
        )
        kept = {
            (code, period): list(totals)
            for code, period, totals in self._databases.fetch("scoring", query, seconds=120)
        }
        for place in said.keys() | kept.keys():
            if said.get(place) != kept.get(place):
                self._findings.add("state differs", f"scoring: the totals of {place}")

    def _awards(self) -> None:
        self._same("awards", "SELECT participant FROM participant", self._people)
        results = {r.told for r in self._facts.of(SCORING, "result-frozen")}
        self._same("awards", "SELECT participant, period FROM result", results)
        dossiers = {(r.told,) for r in self._facts.of(AWARDS, "dossier-opened")}
        self._same("awards", "SELECT dossier FROM dossier", dossiers)

    def _notify(self) -> None:
        self._same("notify", "SELECT participant FROM participant", self._people)
        told = {
            (record.identity,)
            for topic, names in _TOLD.items()
            for name in names
            for record in self._facts.of(topic, name)
        }
        self._same("notify", "SELECT DISTINCT event_id FROM notice WHERE kind <> 'escalated'", told)
        shown = {(r.told,) for r in self._facts.of(AWARDS, "candidate-published")}
        self._same("notify", "SELECT dossier FROM candidate", shown)
