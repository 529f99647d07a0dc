"""Ledgers against topics: everything that a service must apply, once each, in the key's order."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from tests.chaos.findings import Findings
from tests.chaos.records import Applied, Record, Story

INBOUND = "thidua.inbound.e-office.v1"
_INTAKE, _SCORING = "vn.thidua.intake", "vn.thidua.scoring"
_AWARDS, _NOTIFY = "vn.thidua.awards", "vn.thidua.notify"


def _types(publisher: str, *things: str) -> frozenset[str]:
    return frozenset(f"{publisher}.{thing}.v1" for thing in things)


OUT_OF_ORDER: Mapping[str, frozenset[str]] = {
    "intake": _types(_INTAKE, "access-ended", "contact-erased", "summary-due"),
    "scoring": _types(_INTAKE, "access-ended"),
    "awards": _types(_INTAKE, "access-ended"),
    "notify": _types(
        _INTAKE,
        "access-ended",
        "reminder-due",
        "obligation-overdue",
        "obligation-escalated",
        "summary-due",
    )
    | _types(_NOTIFY, "mail-sent", "mail-failed"),
}
"""Types that a fault parks alone: they pass the parked events of their key."""

READS: Mapping[str, frozenset[str]] = {
    "intake": _types(_INTAKE, "reminder-due", "obligation-overdue", "obligation-escalated")
    | OUT_OF_ORDER["intake"],
    "scoring": _types(
        _INTAKE,
        "movement-launched",
        "period-opened",
        "participant-registered",
        "participant-left",
        "report-received",
        "report-accepted",
        "report-reopened",
    )
    | OUT_OF_ORDER["scoring"],
    "awards": _types(
        _INTAKE,
        "movement-launched",
        "period-opened",
        "participant-registered",
        "participant-left",
        "report-accepted",
        "report-reopened",
    )
    | _types(_SCORING, "result-frozen")
    | OUT_OF_ORDER["awards"],
    "notify": _types(
        _INTAKE,
        "movement-launched",
        "period-opened",
        "participant-registered",
        "participant-left",
        "approval-asked",
        "approval-settled",
        "contact-recorded",
        "contact-erased",
        "obligation-opened",
        "obligation-moved",
        "obligation-withdrawn",
        "obligation-met",
        "report-received",
        "report-returned",
        "report-accepted",
        "report-reopened",
        "report-withdrawn",
    )
    | _types(_SCORING, "sheet-adopted", "score-computed", "result-frozen")
    | _types(_AWARDS, "dossier-opened", "candidate-published", "dossier-concluded", "award-decided")
    | OUT_OF_ORDER["notify"],
}
"""What each service has a handler for; `intake` gets every record of the inbound topic besides."""

Identity = tuple[str, str]


def check_applied(
    service: str,
    stories: Mapping[str, Story],
    ledger: Sequence[Applied],
    poisoned: frozenset[str],
    findings: Findings,
) -> None:
    """Adds what was lost, applied twice, or applied out of its key's order.

    `poisoned`: keys of events that failed for a while.
    """
    wanted = _wanted(service, stories)
    given = [_identity(row) for row in ledger]
    counts = Counter(given)
    for identity in wanted:
        findings.once(f"{service} applied", counts, identity)
    for identity in counts.keys() - wanted.keys():
        findings.add("twice", f"{service} applied {identity}, which is not on any topic")
    _check_order(service, zip(given, ledger, strict=True), wanted, poisoned, findings)


def _wanted(service: str, stories: Mapping[str, Story]) -> dict[Identity, Record]:
    """What the service must apply: the first of equal ids; of inbound records every one."""
    wanted: dict[Identity, Record] = {}
    for topic, story in stories.items():
        if topic == INBOUND and service == "intake":
            wanted |= {(topic, record.place): record for record in story.records}
        elif topic != INBOUND:
            for identity, record in story.first.items():
                if record.type in READS[service]:
                    wanted[topic, identity] = record
    return wanted


def _identity(row: Applied) -> Identity:
    return row.topic, row.place if row.topic == INBOUND else row.identity


def _check_order(
    service: str,
    given: Iterable[tuple[Identity, Applied]],
    wanted: Mapping[Identity, Record],
    poisoned: frozenset[str],
    findings: Findings,
) -> None:
    alone = OUT_OF_ORDER.get(service, frozenset())
    last: dict[tuple[str, str, bool], int] = {}
    for identity, row in given:
        record = wanted.get(identity)
        if record is None:
            continue
        apart = row.key in poisoned and record.type in alone
        line = (record.topic, record.key, apart)
        if record.offset < last.get(line, -1):
            findings.add("out of order", f"{service} applied {record.place} of {record.key} late")
        last[line] = max(record.offset, last.get(line, -1))
