"""Rules of obligations: who owes what by when, as data of a version of the movement (plan V, VI.1).

What the rules give for a year is a pure function of them, of the roll and of the phases that have
ended; changing the rules is the difference between what they gave and what they give.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any, Literal

from services.intake.domain.form import forms_of, names_of
from shared.calendar import last_moment_before, last_moment_of, vietnamese_date, ward_day
from shared.contracts.intake import Manner, ObligationKind
from shared.refusal import Refusal

BY_DOCUMENT: frozenset[ObligationKind] = frozenset({"unit-plan", "digital-literacy-plan"})
"""Kinds that are met by a document of the unit's own, recorded by number and date of issue; the
others are met by a report.
"""

Key = tuple[str, ObligationKind, str]
"""(participant, kind, period): one duty, however often it is planned."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the movement's life. It ends when its review is recorded, not by a date."""

    number: int
    title: str
    first_year: int
    last_year: int


@dataclass(frozen=True, slots=True)
class Deadline:
    """A day of every year, or one day (`on`); neither: nobody has set it yet.

    `before`: the day itself is too late ("trước ngày 10/12" ends with the 9th) [design reading].
    """

    month: int | None = None
    day: int | None = None
    on: date | None = None
    before: bool = False

    def in_year(self, year: int) -> datetime | None:
        """The last on-time moment in a year; None where there is none."""
        if self.month and self.day:
            chosen = date(year, self.month, self.day)
        elif self.on is not None and self.on.year == year:
            chosen = self.on
        else:
            return None
        return last_moment_before(chosen) if self.before else last_moment_of(chosen)


@dataclass(frozen=True, slots=True)
class Who:
    """Whom a rule asks: of these manners, and where named of these kinds, groups and blocks."""

    manners: frozenset[Manner]
    kinds: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    blocks: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ObligationRule:
    """`years` empty: all of the movement's; `phase`: only the years that belong to it. `form`: what
    it is written on (`domain/form.py`), "" for any form of its kind.

    `offsets` empty: the movement's. `newcomer_days`: whoever registers after the deadline has so
    many days of their own; None: is not asked for what was due before [design reading].
    """

    code: str
    kind: ObligationKind
    title: str
    suffix: str
    who: Who
    due: Deadline
    due_text: str
    years: frozenset[int] = frozenset()
    phase: int | None = None
    offsets: tuple[int, ...] = ()
    newcomer_days: int | None = None
    form: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a version says of obligations. `strictness`: the manner of a kind of participant."""

    rules: tuple[ObligationRule, ...]
    phases: tuple[Phase, ...]
    strictness: Mapping[str, Manner]
    offsets: tuple[int, ...]

    def offsets_of(self, rule: str) -> tuple[int, ...]:
        found = next((one.offsets for one in self.rules if one.code == rule), ())
        return found or self.offsets


@dataclass(frozen=True, slots=True)
class Member:
    """A participant as the rules see it."""

    participant: str
    kind: str
    group: str
    block: str
    manner: Manner
    registered_at: datetime


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A rule in a year: the period that it opens."""

    rule: ObligationRule
    period: str
    title: str
    year: int
    due: datetime
    due_text: str


@dataclass(frozen=True, slots=True)
class Duty:
    """What one participant owes, or is asked for, in a period."""

    participant: str
    kind: ObligationKind
    period: str
    manner: Manner
    due: datetime
    due_text: str
    rule: str

    @property
    def key(self) -> Key:
        return (self.participant, self.kind, self.period)


def phase_of(year: int, phases: Sequence[Phase], ended: Mapping[int, date]) -> int | None:
    """The phase that a year belongs to; None outside of the movement's life.

    The year in which a phase's review was recorded is its last; while there is none it goes on
    [design reading].
    """
    if not phases or not phases[0].first_year <= year <= phases[-1].last_year:
        return None
    for phase in phases:
        end = ended.get(phase.number)
        if end is None or year <= end.year:
            return phase.number
    return None


def _holds(rule: ObligationRule, year: int, rules: Rules, ended: Mapping[int, date]) -> bool:
    if rule.years and year not in rule.years:
        return False
    if rule.phase is None:
        return bool(rule.years) or _is_of_movement(year, rules.phases)
    return phase_of(year, rules.phases, ended) == rule.phase


def _is_of_movement(year: int, phases: Sequence[Phase]) -> bool:
    return not phases or phases[0].first_year <= year <= phases[-1].last_year


def occurrences(rules: Rules, year: int, ended: Mapping[int, date]) -> list[Occurrence]:
    """The periods that a year has by the rules, in their order."""
    found = []
    for rule in rules.rules:
        due = rule.due.in_year(year)
        if due is not None and _holds(rule, year, rules, ended):
            words = rule.due_text
            text = words if str(year) in words else f"{words}/{year}"
            title = f"{rule.title} {year}"
            found.append(Occurrence(rule, f"{year}-{rule.suffix}", title, year, due, text))
    return found


def manner_of(member: Member, strictness: Mapping[str, Manner]) -> Manner:
    """How firmly somebody is asked. Whoever is proposed by a unit never owes by themselves."""
    if member.manner == "proposed":
        return member.manner
    return strictness.get(member.kind, member.manner)


def duty_of(rules: Rules, occurrence: Occurrence, member: Member) -> Duty | None:
    """What a rule asks of somebody in a year; None: nothing, and nothing from before they came."""
    who, manner = occurrence.rule.who, manner_of(member, rules.strictness)
    if manner not in who.manners:
        return None
    asked = ((who.kinds, member.kind), (who.groups, member.group), (who.blocks, member.block))
    if any(named and value not in named for named, value in asked):
        return None
    due, text = occurrence.due, occurrence.due_text
    if due < member.registered_at:
        if occurrence.rule.newcomer_days is None:
            return None
        days = timedelta(days=occurrence.rule.newcomer_days)
        due = last_moment_of(ward_day(member.registered_at) + days)
        text = f"đến hết ngày {vietnamese_date(ward_day(due))}"
    return Duty(
        member.participant,
        occurrence.rule.kind,
        occurrence.period,
        manner,
        due,
        text,
        occurrence.rule.code,
    )


def duties(
    rules: Rules, years: AbstractSet[int], ended: Mapping[int, date], members: Iterable[Member]
) -> dict[Key, Duty]:
    """All that the rules ask of the roll in these years."""
    everybody = tuple(members)
    return {
        duty.key: duty
        for year in sorted(years)
        for occurrence in occurrences(rules, year, ended)
        for member in everybody
        if (duty := duty_of(rules, occurrence, member)) is not None
    }


Standing = Literal["open", "met", "withdrawn", "released"]
"""Of a duty that was laid. Withdrawn by a rule it can come back; released by the office (waived,
excused, left) no rule lays it again.
"""


@dataclass(frozen=True, slots=True)
class Laid:
    """A duty as it stands. `by_hand`: the office has set its date for this one alone."""

    participant: str
    kind: ObligationKind
    period: str
    manner: Manner
    due: datetime
    due_text: str
    standing: Standing
    by_hand: bool = False

    @property
    def key(self) -> Key:
        return (self.participant, self.kind, self.period)


@dataclass(frozen=True, slots=True)
class Replan:
    """What a change of rules does: `moved` has before and after; `kept` are dates set by hand."""

    new: tuple[Duty, ...] = ()
    moved: tuple[tuple[Laid, Duty], ...] = ()
    withdrawn: tuple[Laid, ...] = ()
    kept: tuple[Laid, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.new or self.moved or self.withdrawn)

    def digest(self) -> str:
        """The same for the same change: what was shown is what is done."""
        told = [
            [asdict(duty) for duty in self.new],
            [[asdict(before), asdict(after)] for before, after in self.moved],
            [asdict(laid) for laid in self.withdrawn],
        ]
        text = json.dumps(told, sort_keys=True, default=_instant)
        return sha256(text.encode()).hexdigest()[:32]


def _instant(value: object) -> str:
    """Instants by what they say, not by how their zone is written."""
    return str(value.timestamp()) if isinstance(value, datetime) else str(value)


def is_settled(was: datetime | None, becomes: datetime | None, now: datetime) -> bool:
    """Whether a period is past, before a change of its date and after it (None: there is none).

    Rules leave it as it is: what has passed stays under the rule that it was under.
    """
    if was is None:
        return False
    return was < now and (becomes is None or becomes < now)


def replan(
    laid: Mapping[Key, Laid],
    wanted: Mapping[Key, Duty],
    now: datetime,
    sent: AbstractSet[tuple[str, str]] = frozenset(),
) -> Replan:
    """The difference. What is met or was released never changes, and nothing is laid anew whose
    date has passed: the office's own act makes nobody late. Nor is what was `sent` (participant,
    period) already: nothing would ever meet it.

    Raises Refusal when an open duty would get a date that has passed.
    """
    new: list[Duty] = []
    moved: list[tuple[Laid, Duty]] = []
    kept: list[Laid] = []
    for key in sorted(wanted):
        duty, before = wanted[key], laid.get(key)
        if before is None or before.standing == "withdrawn":
            is_in = (duty.participant, duty.period) in sent
            new += [duty] if duty.due >= now and not is_in else []
        elif before.standing == "open" and _differs(before, duty):
            if before.by_hand:
                kept.append(before)
            else:
                _check_ahead(before, duty, now)
                moved.append((before, duty))
    gone = (laid[key] for key in sorted(laid.keys() - wanted.keys()))
    withdrawn = tuple(one for one in gone if one.standing == "open")
    return Replan(tuple(new), tuple(moved), withdrawn, tuple(kept))


def _differs(before: Laid, duty: Duty) -> bool:
    now, then = (duty.due, duty.due_text, duty.manner), (before.due, before.due_text, before.manner)
    return now != then


def _check_ahead(before: Laid, duty: Duty, now: datetime) -> None:
    if duty.due != before.due and duty.due < now:
        detail = (
            f"Hạn mới của kỳ {duty.period} ({duty.due_text}) đã qua; không đổi hạn về trước"
            " thời điểm ban hành."
        )
        raise Refusal("date-passed", detail)


def check_rules(
    rules: Rules, groups: AbstractSet[str], blocks: AbstractSet[str]
) -> Iterator[Refusal]:
    """What does not hold together, with pointers into the version."""
    numbers = [phase.number for phase in rules.phases]
    if numbers != list(range(1, len(numbers) + 1)):
        yield Refusal("phases-numbered", "Giai đoạn đánh số liên tục từ 1.", "/phases")
    codes: set[str] = set()
    suffixes: set[str] = set()
    for number, rule in enumerate(rules.rules):
        place = f"/rules/{number}"
        if rule.code in codes:
            yield Refusal("code-repeated", f"Mã {rule.code} đã có ở trên.", f"{place}/code")
        if rule.suffix in suffixes:
            detail = f"Đuôi mã kỳ {rule.suffix} đã có ở trên."
            yield Refusal("code-repeated", detail, f"{place}/suffix")
        if rule.phase is not None and rule.phase not in numbers:
            detail = f"Không có giai đoạn {rule.phase}."
            yield Refusal("unknown-phase", detail, f"{place}/phase")
        yield from wrong_form(rule.kind, rule.form, place)
        for name, said, known in (
            ("groups", rule.who.groups, groups),
            ("blocks", rule.who.blocks, blocks),
        ):
            if said - known:
                detail = f"Không có mã {min(said - known)} trong phiên bản này."
                yield Refusal("unknown-code", detail, f"{place}/{name}")
        codes.add(rule.code)
        suffixes.add(rule.suffix)


def wrong_form(kind: ObligationKind, form: str, place: str) -> Iterator[Refusal]:
    """A form that is named for a duty of a kind and is none of it; `place`: a pointer."""
    if not forms_of(kind, form):
        known = ", ".join(names_of(kind))
        detail = f"Việc này không có mẫu {form}; ghi một trong: {known}; hoặc để trống."
        yield Refusal("unknown-form", detail, f"{place}/form")


def offsets_in(data: Mapping[str, Any], rule: str) -> Sequence[int]:
    """Days before a deadline on which a rule ("": none) reminds, of a version as entered."""
    found = next((r["offsets"] for r in data.get("rules", ()) if r["code"] == rule), ())
    offsets: Sequence[int] = found or data["reminder_offsets"]
    return offsets
