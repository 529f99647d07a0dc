"""The ward's days change while reminders wait: none is lost, none is said twice of one morning."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.intake.domain.deadline import Before, Reminder, plan_reminders, to_send
from services.intake.domain.workday import Planning, WorkCalendar
from shared.calendar import WARD_ZONE, last_moment_of, morning_of, ward_day

pytestmark = pytest.mark.unit

DEADLINE = last_moment_of(date(2025, 12, 9))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=WARD_ZONE)


def planning(days: Mapping[date, bool]) -> Planning:
    return Planning(WorkCalendar(dict(days)))


@dataclass
class Desk:
    """What a planner keeps of one duty."""

    now: datetime
    offsets: frozenset[int]
    days: dict[date, bool] = field(default_factory=dict)
    waiting: dict[int, datetime] = field(default_factory=dict)
    said: list[tuple[Reminder, datetime]] = field(default_factory=list)

    def plan(self) -> None:
        """As when the ward's days have changed: what came due and was not said yet stays, and what
        was ahead is ahead, comes due at once, or was answered by the word of that morning.
        """
        ahead = frozenset(offset for offset, at in self.waiting.items() if at > self.now)
        gone = {one.offset for one, _ in self.said}
        before = Before(ahead, frozenset(one.due_at for one, _ in self.said))
        planned = plan_reminders(
            DEADLINE, self.offsets, self.now, overdue=False, by=planning(self.days), before=before
        )
        self.check_nothing_is_lost(ahead, planned, before)
        self.waiting = {offset: at for offset, at in self.waiting.items() if offset not in ahead}
        self.waiting |= {one.offset: one.due_at for one in planned if one.offset not in gone}

    def check_nothing_is_lost(
        self, ahead: frozenset[int], planned: Sequence[Reminder], before: Before
    ) -> None:
        slots = {one.due_at: one.offset for one in planned}
        for offset in ahead:
            day = ward_day(DEADLINE) - timedelta(days=offset)
            at = morning_of(planning(self.days).calendar.on_or_before(day))
            assert at in before.said or slots[at] <= offset

    def turn(self) -> None:
        """The planner looks: of all that came due one goes out, with the days that are left."""
        due = [Reminder(offset, at) for offset, at in self.waiting.items() if at <= self.now]
        told = to_send(due, DEADLINE, self.now)
        assert len(told) == bool(due)
        self.said += [(one, self.now) for one in told]
        self.waiting = {offset: at for offset, at in self.waiting.items() if at > self.now}


acts = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(60, 3_000)),
        st.tuples(st.just("turn"), st.just(0)),
        st.tuples(st.just("off"), st.integers(0, 4)),
        st.tuples(st.just("working"), st.integers(0, 4)),
    ),
    min_size=5,
    max_size=30,
)


@settings(max_examples=300)
@given(acts, st.frozensets(st.integers(0, 12), min_size=3))
@example([("wait", 13 * 1440 + 60), ("turn", 0), ("off", 1)], frozenset({7, 1, 0}))
@example([("wait", 13 * 1440 + 60), ("off", 1)], frozenset({7, 0}))
def test_no_change_of_days_loses_a_reminder_or_doubles_a_morning(
    story: Sequence[tuple[str, int]], offsets: frozenset[int]
) -> None:
    desk = Desk(moment("2025-11-25 08:00"), offsets)
    desk.plan()
    for act, number in story:
        if act == "wait":
            desk.now = min(desk.now + timedelta(minutes=number), DEADLINE)
        elif act == "turn":
            desk.turn()
        else:
            desk.days[ward_day(desk.now) + timedelta(days=number)] = act == "working"
            desk.plan()
    while desk.now < DEADLINE:
        desk.now = min([DEADLINE, *(at for at in desk.waiting.values() if at > desk.now)])
        desk.turn()
    desk.turn()
    assert not desk.waiting
    mornings = [one.due_at for one, _ in desk.said]
    assert len(set(mornings)) == len(mornings)
    assert all(at <= DEADLINE for _, at in desk.said)


@pytest.mark.parametrize(
    ("wait", "said", "planned"),
    [
        ({0}, (), [(0, "12-08")]),
        ({0}, ("2025-12-08 07:30",), []),
        (set(), (), []),
        ({1}, (), [(0, "12-08")]),
    ],
)
def test_what_a_day_off_puts_into_this_morning_goes_out_at_once_unless_it_was_said(
    wait: set[int], said: Sequence[str], planned: list[tuple[int, str]]
) -> None:
    """Tomorrow, the last day, is off since this morning at nine."""
    before = Before(frozenset(wait), frozenset(map(moment, said)))
    off = planning({date(2025, 12, 9): False})
    found = plan_reminders(
        DEADLINE, (7, 1, 0), moment("2025-12-08 09:00"), overdue=False, by=off, before=before
    )
    assert [(one.offset, f"{one.due_at:%m-%d}") for one in found] == planned
