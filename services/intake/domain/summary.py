"""What the office is told on a working morning: how much waits for it, once something new does."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.intake.domain.office import Subject
from services.intake.domain.workday import WorkCalendar
from shared.calendar import morning_of, ward_day


@dataclass(frozen=True, slots=True)
class Judge:
    """Who may judge; `units`: all that are theirs in some way. Not an officer: a substitute."""

    person: str
    units: frozenset[str]
    is_officer: bool

    def may_judge(self, subject: Subject) -> bool:
        return not subject.is_own_file_of({self.person}, self.units)


@dataclass(frozen=True, slots=True)
class Received:
    """A report of a year that nobody has judged, and when it came in; a document, when it was
    entered.
    """

    subject: Subject
    at: datetime
    year: int


@dataclass(frozen=True, slots=True)
class Overdue:
    """A duty of a year that is late; `at`: its deadline."""

    at: datetime
    year: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What waits for one person; `…_new`: how much of it came since the summary before.

    `year`: of the newest of what is new.
    """

    person: str
    waiting: int
    waiting_new: int
    overdue: int
    overdue_new: int
    year: int


def summaries(
    judges: Sequence[Judge],
    received: Collection[Received],
    overdue: Collection[Overdue],
    since: datetime,
) -> list[Summary]:
    """Who is told how much, in the order of `judges`; nobody who has heard of all of it.

    `since`: up to when was counted before. Substitutes are told of what no officer may judge; of
    all, where there is no officer.
    """
    officers = [one for one in judges if one.is_officer]
    left = [one for one in received if not any(o.may_judge(one.subject) for o in officers)]
    found: list[Summary] = []
    for judge in judges:
        of_all = judge.is_officer or not officers
        waiting = [one for one in (received if of_all else left) if judge.may_judge(one.subject)]
        late = overdue if of_all else ()
        came = [one for one in waiting if one.at >= since]
        passed = [one for one in late if one.at >= since]
        news = [(one.at, one.year) for one in came] + [(one.at, one.year) for one in passed]
        if news:
            numbers = (len(waiting), len(came), len(late), len(passed))
            found.append(Summary(judge.person, *numbers, max(news)[1]))
    return found


def last_morning(calendar: WorkCalendar, now: datetime) -> datetime:
    """The newest 07:30 of a working day that is not ahead."""
    day = ward_day(now)
    if morning_of(day) > now:
        day -= timedelta(days=1)
    return morning_of(calendar.on_or_before(day))


def next_morning(calendar: WorkCalendar, now: datetime) -> datetime:
    """The first 07:30 of a working day after a moment."""
    return morning_of(calendar.after(ward_day(last_morning(calendar, now)), 1))
