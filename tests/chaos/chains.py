"""Causes and consequences on the topics: every input has its answer, every fact what follows it."""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from tests.chaos.applied import INBOUND
from tests.chaos.findings import Findings
from tests.chaos.journal import Expected, Journal
from tests.chaos.records import Record, Story, Teller

INTAKE, SCORING, AWARDS = "thidua.intake.v1", "thidua.scoring.v1", "thidua.awards.v1"
NOTIFY, OUTBOUND = "thidua.notify.v1", "thidua.outbound.e-office.v1"
OURS = (INTAKE, "thidua.intake.contacts.v1", SCORING, AWARDS, NOTIFY, OUTBOUND)


class Report(NamedTuple):
    participant: str
    period: str
    revision: int
    report: str
    door: str
    points: Decimal


class Score(NamedTuple):
    participant: str
    period: str
    stage: str
    total: Decimal


class Answer(NamedTuple):
    """`code` is "" for a receipt."""

    record: str
    cause: str
    code: str
    repeated: bool
    revision: int


def _report(body: Mapping[str, Any]) -> Report:
    points = sum((Decimal(item["self_score"]) for item in body["items"]), Decimal(0))
    return Report(
        body["participant"],
        body["period"],
        body["revision"],
        body["report_id"],
        body["door"],
        points.quantize(Decimal("0.01")),
    )


def _score(body: Mapping[str, Any]) -> Score:
    total = Decimal(body["total"])
    return Score(body["participant"], body["period"], body["stage"], total)


def _receipt(body: Mapping[str, Any]) -> Answer:
    return Answer(body["record"], body["cause_id"], "", body["duplicate"], body["revision"])


def _rejection(body: Mapping[str, Any]) -> Answer:
    codes = [reason["code"] for reason in body["reasons"]]
    return Answer(body["record"], body["cause_id"], codes[0], False, 0)


def _about_period(body: Mapping[str, Any]) -> tuple[str, str]:
    return body["participant"], body["period"]


def _inbound(body: Mapping[str, Any]) -> tuple[str, str, int]:
    period, revision = body.get("period", ""), body.get("revision")
    return body.get("participant", ""), period, revision if isinstance(revision, int) else 0


TELLERS: Mapping[str, Teller] = {
    "vn.thidua.inbound.report-submitted.v1": _inbound,
    "vn.thidua.intake.report-received.v1": _report,
    "vn.thidua.intake.report-accepted.v1": lambda b: (*_about_period(b), b["revision"]),
    "vn.thidua.intake.obligation-opened.v1": _about_period,
    "vn.thidua.intake.obligation-met.v1": _about_period,
    "vn.thidua.intake.period-opened.v1": lambda body: body["period"],
    "vn.thidua.scoring.score-computed.v1": _score,
    "vn.thidua.scoring.result-frozen.v1": _about_period,
    "vn.thidua.awards.dossier-opened.v1": lambda body: body["dossier"],
    "vn.thidua.awards.candidate-published.v1": lambda body: body["dossier"],
    "vn.thidua.notify.mail-sent.v1": lambda body: (body["mail"], body["because_of"]),
    "vn.thidua.notify.mail-failed.v1": lambda body: (body["mail"], body["because_of"]),
    "vn.thidua.outbound.report-received.v1": _receipt,
    "vn.thidua.outbound.report-rejected.v1": _rejection,
}


class Facts:
    """Distinct facts of the topics, by type; what a topic holds twice under one id counts once."""

    def __init__(self, stories: Mapping[str, Story]) -> None:
        self._by_type: defaultdict[tuple[str, str], list[Record]] = defaultdict(list)
        for topic, story in stories.items():
            for record in story.first.values():
                self._by_type[topic, record.name].append(record)

    def of(self, topic: str, name: str) -> list[Record]:
        return self._by_type[topic, name]


def check_ids(stories: Mapping[str, Story], findings: Findings) -> None:
    """One id, one content, for ever."""
    for topic in OURS:
        first = stories[topic].first
        for record in stories[topic].records:
            if first[record.identity].digest != record.digest:
                findings.add("ids reused", f"{record.place}: {record.identity} with other data")


def check_chains(
    stories: Mapping[str, Story],
    journal: Journal,
    live: Iterable[str],
    services: Container[str],
    findings: Findings,
) -> None:
    """Adds inputs without their one answer, and facts without what must follow from them."""
    facts = Facts(stories)
    received = facts.of(INTAKE, "report-received")
    _check_revisions(received, findings)
    _check_inbound(stories[INBOUND], facts, journal, findings)
    _check_http(received, facts, journal, findings)
    _check_duties(facts, journal, findings)
    if "scoring" in services:
        _check_scores(received, facts, findings)
    if "notify" in services:
        _check_mails(received, facts, set(live), findings)


def _check_revisions(received: Iterable[Record], findings: Findings) -> None:
    """Two writers of a key: the topic tells their story in the order of their commits."""
    last: dict[tuple[str, str], int] = {}
    for record in received:
        report: Report = record.told
        story = (report.participant, report.period)
        if report.revision <= last.get(story, 0):
            findings.add("out of order", f"{record.place}: {report} after {last[story]}")
        last[story] = max(report.revision, last.get(story, 0))


def _check_inbound(inbound: Story, facts: Facts, journal: Journal, findings: Findings) -> None:
    answers: defaultdict[str, list[Answer]] = defaultdict(list)
    for name in ("report-received", "report-rejected"):
        for record in facts.of(OUTBOUND, name):
            answers[record.told.record].append(record.told)
    counts: Counter[Any] = Counter({place: len(found) for place, found in answers.items()})
    first = inbound.first
    received = facts.of(INTAKE, "report-received")
    taken = Counter[Any](r.cause for r in received if r.told.door == "kafka")
    highest = _highest(received)
    for record in inbound.records:
        findings.once("answer to", counts, record.place)
        original = first[record.identity]
        for answer in answers[record.place][:1]:
            right = _right(record, original, answer, journal, taken, highest)
            if not right:
                findings.add("wrong answers", f"{record.place} {record.identity}: {answer}")
    for identity in journal.inbound.keys() - first.keys():
        findings.add("lost", f"acknowledged by the broker, and not on the topic: {identity}")
    for cause in taken.keys() - first.keys():
        findings.add("twice", f"a report was taken that nobody sent: {cause}")


def _highest(received: Iterable[Record]) -> dict[tuple[str, str], int]:
    highest: dict[tuple[str, str], int] = {}
    for record in received:
        place = (record.told.participant, record.told.period)
        highest[place] = max(record.told.revision, highest.get(place, 0))
    return highest


def _right(
    record: Record,
    original: Record,
    answer: Answer,
    journal: Journal,
    taken: Mapping[Any, int],
    highest: Mapping[tuple[str, str], int],
) -> bool:
    """Whether an answer is what the record, the first of its id and the taken reports ask for."""
    if record.digest != original.digest:
        return answer.code == "same-id-other-bytes"
    expected: Expected = journal.inbound[record.identity]
    if expected != "report":
        return answer.code == expected
    times = taken.get(record.identity, 0)
    if answer.code == "":
        return times == 1 and answer.repeated == (record is not original)
    participant, period, revision = record.told
    newer = highest.get((participant, period), 0) > revision
    return answer.code == "revision-conflict" and times == 0 and newer


def _check_http(
    received: Iterable[Record], facts: Facts, journal: Journal, findings: Findings
) -> None:
    taken = Counter[Any](r.told.report for r in received if r.told.door == "http")
    for report, was_taken in journal.reports.items():
        if was_taken:
            findings.once("report by HTTP", taken, report)
        elif taken.get(report):
            findings.add("wrong answers", f"{report} was refused, and taken")
    for report in taken.keys() - journal.reports.keys():
        findings.add("twice", f"a report was taken that nobody sent: {report}")
    acts = Counter[Any](
        (name, _about(record))
        for topic, name in (
            (INTAKE, "report-accepted"),
            (AWARDS, "dossier-opened"),
            (AWARDS, "candidate-published"),
        )
        for record in facts.of(topic, name)
    )
    for act in journal.acts:
        findings.once("act", acts, act)


def _about(record: Record) -> str:
    told = record.told
    return told if isinstance(told, str) else "/".join(str(part) for part in told)


def _check_duties(facts: Facts, journal: Journal, findings: Findings) -> None:
    """Each participant is registered once, owes each period once, and meets it once."""
    people = Counter[Any](
        r.key.partition("/")[2] for r in facts.of(INTAKE, "participant-registered")
    )
    for code in journal.participants:
        findings.once("registration", people, code)
    periods = [record.told for record in facts.of(INTAKE, "period-opened")]
    opened = Counter[Any](r.told for r in facts.of(INTAKE, "obligation-opened"))
    for code in journal.participants:
        for period in periods:
            findings.once("duty", opened, (code, period))
    met = Counter[Any](r.told for r in facts.of(INTAKE, "obligation-met"))
    reported = {(r.told.participant, r.told.period) for r in facts.of(INTAKE, "report-received")}
    for place in reported:
        findings.once("duty met", met, place)


def _check_scores(received: Iterable[Record], facts: Facts, findings: Findings) -> None:
    """One self total for each report, the sum of its points, in the order of the reports."""
    scores = [r for r in facts.of(SCORING, "score-computed") if r.told.stage == "self"]
    counts = Counter[Any](record.cause for record in scores)
    causes: dict[str, Record] = {}
    for record in received:
        causes[record.identity] = record
        findings.once("score of report", counts, record.identity)
    last: dict[str, int] = {}
    for record in scores:
        cause = causes.get(record.cause)
        if cause is None:
            findings.add("twice", f"{record.place}: a score without a report ({record.cause})")
            continue
        if record.told.total != cause.told.points:
            findings.add("state differs", f"{record.place}: {record.told} for {cause.told}")
        if cause.offset < last.get(record.key, -1):
            findings.add(
                "out of order", f"{record.place}: a score of {record.key} after a later one"
            )
        last[record.key] = max(cause.offset, last.get(record.key, -1))


def _check_mails(
    received: Iterable[Record], facts: Facts, live: set[str], findings: Findings
) -> None:
    """One mail, sent or given up, for each report of those who get mails; no mail ends twice."""
    ended = facts.of(NOTIFY, "mail-sent") + facts.of(NOTIFY, "mail-failed")
    mails = Counter(record.told[0] for record in ended)
    for mail, count in mails.items():
        if count > 1:
            findings.add("twice", f"mail {mail} ended {count} times", count - 1)
    because = Counter[Any](record.told[1] for record in ended)
    for record in received:
        if record.told.participant in live:
            findings.once("mail about", because, record.identity)
