"""What everybody has to do: worked out from what is known, so that facts may come in any order.

A task is nowhere written down. It is there as long as the facts say so, and gone with the fact
that settles it. Who has it is one table, `RULES`; nobody is given the file of their own unit to
judge (law 10), and nobody but those who answer for a unit is shown what it owes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, NamedTuple

from services.notify.domain.letter import Duty, draft_page, duty_page
from shared.calendar import ward_day


class Kind(StrEnum):
    """What is to be done."""

    PLAN = "plan"
    LITERACY = "literacy"
    MIDTERM = "midterm"
    FINAL = "final"
    REPORT = "report"
    CORRECT = "correct"
    ENDORSE = "endorse"
    LOOK = "look"
    MARK = "mark"
    SHEET = "sheet"
    FREEZE = "freeze"
    PUBLISH = "publish"
    ANNOUNCE = "announce"
    CONVENE = "convene"
    VOTE = "vote"
    APPROVE = "approve"
    NUMBER = "number"


class Urgency(StrEnum):
    """How it stands with the last day; whoever is only invited is never late."""

    LATE = "late"
    SOON = "soon"
    OPEN = "open"


Reach = Literal["own", "headed", "others", "ward"]
"""Of whom: one's own unit and whom it proposes, or the same of a unit that one heads; all others;
no unit in particular."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Who has the tasks of a kind."""

    reach: Reach
    roles: frozenset[str]


def _rule(reach: Reach, *roles: str) -> Rule:
    return Rule(reach, frozenset(roles))


_UNIT = ("reporter", "head")
_OFFICE = ("officer", "substitute-officer")
RULES: Mapping[Kind, Rule] = MappingProxyType(
    {
        Kind.PLAN: _rule("own", *_UNIT),
        Kind.LITERACY: _rule("own", *_UNIT),
        Kind.MIDTERM: _rule("own", *_UNIT),
        Kind.FINAL: _rule("own", *_UNIT),
        Kind.REPORT: _rule("own", *_UNIT),
        Kind.CORRECT: _rule("own", *_UNIT),
        Kind.ENDORSE: _rule("headed", "head"),
        Kind.LOOK: _rule("others", *_OFFICE),
        Kind.MARK: _rule("others", "assessor"),
        Kind.SHEET: _rule("ward", "council-secretary"),
        Kind.FREEZE: _rule("ward", "council-secretary"),
        Kind.PUBLISH: _rule("ward", *_OFFICE),
        Kind.ANNOUNCE: _rule("ward", "communications-officer"),
        Kind.CONVENE: _rule("ward", "council-secretary"),
        Kind.VOTE: _rule("others", "council"),
        Kind.APPROVE: _rule("others", "chairman"),
        Kind.NUMBER: _rule("ward", "clerk"),
    }
)
SOON_DAYS = 3
OF_DOSSIERS = (
    Kind.PUBLISH,
    Kind.ANNOUNCE,
    Kind.CONVENE,
    Kind.VOTE,
    Kind.APPROVE,
    Kind.NUMBER,
)


class Whose(NamedTuple):
    """A participant: `proposed_by` is "" for units, `reporter` the person who answers for it."""

    participant: str
    name: str
    proposed_by: str
    reporter: str

    def is_of(self, units: frozenset[str]) -> bool:
        """One of these units, or proposed by one."""
        return self.participant in units or (self.proposed_by != "" and self.proposed_by in units)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who looks: `people` are they and in whose place they act, `answers_for` the units they are
    reporter or head of, `of` all that are theirs in some way, `heads` those that they head."""

    people: frozenset[str]
    roles: frozenset[str]
    answers_for: frozenset[str]
    of: frozenset[str]
    heads: frozenset[str] = frozenset()

    def has(self, kind: Kind) -> bool:
        return not RULES[kind].roles.isdisjoint(self.roles)

    def sees(self, kind: Kind, whose: Whose | None) -> bool:
        """Whether a task of this kind about this participant (None: nobody's) is theirs."""
        if not self.has(kind):
            return False
        reach = RULES[kind].reach
        if reach == "ward" or whose is None:
            return True
        if reach == "others":
            return whose.reporter not in self.people and not whose.is_of(self.of)
        return whose.is_of(self.heads if reach == "headed" else self.answers_for)


class Owed(NamedTuple):
    """An obligation that is not met."""

    obligation: str
    whose: Whose
    duty: Duty
    owes: bool
    period: str
    due: datetime


ReportState = Literal["received", "returned", "accepted"]


class Report(NamedTuple):
    """The last that was said of a report that is not marked yet.

    `due`: correct it until then. `obligation` "": nobody asked for it. `adopted`, of one that is
    accepted: the period has a score sheet, without which nobody can mark.
    """

    whose: Whose
    period: str
    state: ReportState
    at: datetime
    due: datetime | None = None
    obligation: str = ""
    adopted: bool = False


class Waiting(NamedTuple):
    """A draft that waits for its head; `due`: the last day of the report, where there is one."""

    whose: Whose
    period: str
    since: datetime
    due: datetime | None = None
    owes: bool = True


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a period is: reports that wait for the office, for marks, for the result."""

    period: str
    adopted: bool
    report_by: datetime
    received: int = 0
    accepted: int = 0
    marked: int = 0


class Dossier(NamedTuple):
    """`shown_until` None: not published. `passed` None: the council has not voted."""

    whose: Whose
    period: str
    shown_until: date | None = None
    passed: bool | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What a list of tasks is worked out from; nothing in it is settled for good."""

    owed: tuple[Owed, ...] = ()
    reports: tuple[Report, ...] = ()
    periods: tuple[Progress, ...] = ()
    dossiers: tuple[Dossier, ...] = ()
    drafts: tuple[Waiting, ...] = ()


_URGENCIES = MappingProxyType({one: place for place, one in enumerate(Urgency)})
_KINDS = MappingProxyType({one: place for place, one in enumerate(Kind)})


class Task(NamedTuple):
    """One thing to do. `about` is the participant's name, "" for a whole period's matters.

    `files`: how many it is about. `due`: the last day, where there is one. `path`: the page
    where it is done.
    """

    id: str
    kind: Kind
    period: str
    about: str
    participant: str
    files: int
    since: datetime | None
    due: date | None
    urgency: Urgency
    invited: bool
    path: str

    @property
    def place(self) -> tuple[int, date, int, float, str]:
        """Its place in a list: what is late first, then by the last day; what waits longest first.

        JSON can say it and brings it back unchanged, so that a cursor can hold it.
        """
        rank, kind = _URGENCIES[self.urgency], _KINDS[self.kind]
        since = self.since.timestamp() if self.since else 0.0
        return rank, self.due or date.max, kind, since, self.id


def tasks(known: Known, asker: Asker, today: date) -> list[Task]:
    """All that somebody has to do today (ward's zone), what presses most first."""
    of_one = [
        *(_of_owed(owed, asker, today) for owed in known.owed),
        *(_of_draft(draft, asker, today) for draft in known.drafts),
        *(_of_report(report, asker, today) for report in known.reports),
    ]
    found = [
        *(task for task in of_one if task is not None),
        *(task for period in known.periods for task in _of_period(period, asker, today)),
        *_of_dossiers(known.dossiers, asker, today),
    ]
    return sorted(found, key=lambda task: task.place)


_OWED: Mapping[Duty, Kind] = MappingProxyType(
    {
        Duty.UNIT_PLAN: Kind.PLAN,
        Duty.LITERACY_PLAN: Kind.LITERACY,
        Duty.ANNUAL_REPORT: Kind.REPORT,
        Duty.MIDTERM_REPORT: Kind.MIDTERM,
        Duty.FINAL_REPORT: Kind.FINAL,
    }
)


def _of_owed(owed: Owed, asker: Asker, today: date) -> Task | None:
    kind, whose = _OWED[owed.duty], owed.whose
    if not asker.sees(kind, whose):
        return None
    due = ward_day(owed.due)
    return Task(
        f"{kind}:{owed.obligation}",
        kind,
        owed.period,
        whose.name,
        whose.participant,
        1,
        None,
        due,
        urgency(due, today, owes=owed.owes),
        not owed.owes,
        duty_page(owed.obligation, whose.participant, owed.period),
    )


def _of_draft(draft: Waiting, asker: Asker, today: date) -> Task | None:
    whose = draft.whose
    if not asker.sees(Kind.ENDORSE, whose):
        return None
    due = ward_day(draft.due) if draft.due else None
    return Task(
        f"{Kind.ENDORSE}:{draft.period}:{whose.participant}",
        Kind.ENDORSE,
        draft.period,
        whose.name,
        whose.participant,
        1,
        draft.since,
        due,
        urgency(due, today, owes=draft.owes),
        invited=False,
        path=draft_page(whose.participant, draft.period),
    )


_NEXT: Mapping[ReportState, Kind] = MappingProxyType(
    {"received": Kind.LOOK, "returned": Kind.CORRECT, "accepted": Kind.MARK}
)


def _of_report(report: Report, asker: Asker, today: date) -> Task | None:
    kind, whose = _NEXT[report.state], report.whose
    if not asker.sees(kind, whose) or (kind is Kind.MARK and not report.adopted):
        return None
    due = ward_day(report.due) if report.due else None
    of, when = whose.participant, report.period
    return Task(
        f"{kind}:{when}:{of}",
        kind,
        when,
        whose.name,
        of,
        1,
        report.at,
        due,
        urgency(due, today),
        invited=False,
        path=f"/scoring/assessments/{when}/{of}"
        if kind is Kind.MARK
        else duty_page(report.obligation, of, when),
    )


def _of_period(period: Progress, asker: Asker, today: date) -> Iterable[Task]:
    """Results can be frozen once the deadline is over and nothing waits to be judged or marked."""
    over = today > ward_day(period.report_by)
    nothing_waits = not period.received and period.marked == period.accepted
    if not period.adopted and asker.sees(Kind.SHEET, None):
        yield _of_all(Kind.SHEET, period.period, 1, None, today)
    ready = period.adopted and over and nothing_waits and period.accepted
    if ready and asker.sees(Kind.FREEZE, None):
        yield _of_all(Kind.FREEZE, period.period, period.accepted, None, today)


def _of_dossiers(dossiers: Iterable[Dossier], asker: Asker, today: date) -> Iterable[Task]:
    """One task for all dossiers of a period that wait for the same."""
    waiting: dict[tuple[str, Kind], list[Dossier]] = {}
    for dossier in dossiers:
        for kind in _waits_for(dossier, today):
            if asker.sees(kind, dossier.whose):
                waiting.setdefault((dossier.period, kind), []).append(dossier)
    for (period, kind), files in waiting.items():
        ends = [file.shown_until for file in files if file.shown_until]
        due = min(ends) if kind is Kind.ANNOUNCE else None
        yield _of_all(kind, period, len(files), due, today)


def _waits_for(dossier: Dossier, today: date) -> Iterable[Kind]:
    """Kinds of `OF_DOSSIERS`. Sessions and approvals are not published: the clerk is told together
    with the Chairman, and the council once the public can give no opinion any more."""
    if dossier.passed is False:
        return ()
    if dossier.passed:
        return (Kind.APPROVE, Kind.NUMBER)
    if dossier.shown_until is None:
        return (Kind.PUBLISH,)
    if today <= dossier.shown_until:
        return (Kind.ANNOUNCE, Kind.CONVENE)
    return (Kind.CONVENE, Kind.VOTE)


def _of_all(kind: Kind, period: str, count: int, due: date | None, today: date) -> Task:
    path = "/awards/" if kind in OF_DOSSIERS else f"/scoring/?period={period}"
    if kind is Kind.FREEZE:
        path = f"/scoring/periods/{period}/freeze"
    how = urgency(due, today)
    return Task(
        f"{kind}:{period}", kind, period, "", "", count, None, due, how, invited=False, path=path
    )


def urgency(due: date | None, today: date, *, owes: bool = True) -> Urgency:
    """How a last day stands to today."""
    if due is None or not owes:
        return Urgency.OPEN
    left = (due - today).days
    if left < 0:
        return Urgency.LATE
    return Urgency.SOON if left <= SOON_DAYS else Urgency.OPEN


_TITLES: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.PLAN: "Ban hành kế hoạch triển khai Phong trào thi đua",
        Kind.LITERACY: "Ban hành kế hoạch Bình dân học vụ số",
        Kind.MIDTERM: "Gửi báo cáo sơ kết Phong trào thi đua",
        Kind.FINAL: "Gửi báo cáo tổng kết Phong trào thi đua",
        Kind.REPORT: "Gửi báo cáo thi đua {when}",
        Kind.CORRECT: "Bổ sung, gửi lại báo cáo thi đua {when}",
        Kind.ENDORSE: "Duyệt báo cáo thi đua {when} trước khi gửi",
        Kind.LOOK: "Xem xét báo cáo thi đua {when}",
        Kind.MARK: "Thẩm định, chấm điểm báo cáo thi đua {when}",
        Kind.SHEET: "Trình Hội đồng thông qua bảng điểm {when}",
        Kind.FREEZE: "Chốt kết quả thi đua {when}: {count} báo cáo đã thẩm định xong",
        Kind.PUBLISH: "Công khai lấy ý kiến {count} hồ sơ khen thưởng {when}",
        Kind.ANNOUNCE: "Đưa tin {count} hồ sơ khen thưởng {when} đang lấy ý kiến công khai",
        Kind.CONVENE: "Triệu tập và kết luận phiên họp Hội đồng: {count} hồ sơ {when}",
        Kind.VOTE: "Biểu quyết tại phiên họp Hội đồng: {count} hồ sơ {when}",
        Kind.APPROVE: "Duyệt khen thưởng {when}: {count} hồ sơ Hội đồng đã đồng ý",
        Kind.NUMBER: "Vào số, ngày quyết định khi Chủ tịch đã duyệt: {count} hồ sơ {when}",
    }
)


def title(task: Task, when: str) -> str:
    """The task in words; `when` is its period's, such as "năm 2025"."""
    words = _TITLES[task.kind].format(when=when, count=task.files)
    return f"Mời {words[:1].lower()}{words[1:]}" if task.invited else words
