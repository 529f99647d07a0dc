"""Deadlines, reminders and lateness: the plan's dates, then properties over all dates."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.intake.domain.deadline import (
    BY_THEIR_OWN_DATE,
    ESCALATED,
    OVERDUE,
    Lateness,
    Reminder,
    Return,
    check_correction_date,
    check_new_date,
    lateness,
    lateness_of_version,
    latest_due,
    plan_on_time,
    plan_reminders,
    to_send,
)
from services.intake.domain.workday import Planning, WorkCalendar
from shared.calendar import WARD_ZONE, last_moment_before, ward_day
from shared.refusal import Refusal

pytestmark = pytest.mark.unit

DEADLINE = last_moment_before(date(2025, 12, 10))
OFFSETS = (30, 14, 7, 3, 1, 0)
ON_TIME = Lateness(False, 0)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=WARD_ZONE)


deadlines = st.dates(date(2025, 2, 1), date(2030, 12, 31)).map(last_moment_before)
offsets = st.lists(st.integers(0, 90), min_size=1, max_size=8)


@st.composite
def deadline_and_now(draw: st.DrawFn) -> tuple[datetime, datetime]:
    """A deadline and a moment up to a hundred days around it."""
    deadline = draw(deadlines)
    return deadline, deadline + timedelta(minutes=draw(st.integers(-144_000, 144_000)))


def test_the_plans_reminders_lead_to_the_ninth_of_december() -> None:
    """The thirtieth day before is a Sunday and the third a Saturday: the Fridays before them."""
    planned = plan_reminders(DEADLINE, OFFSETS, moment("2025-08-01 08:00"), overdue=True)
    assert [(r.offset, r.due_at.isoformat()) for r in planned] == [
        (30, "2025-11-07T07:30:00+07:00"),
        (14, "2025-11-25T07:30:00+07:00"),
        (7, "2025-12-02T07:30:00+07:00"),
        (3, "2025-12-05T07:30:00+07:00"),
        (1, "2025-12-08T07:30:00+07:00"),
        (0, "2025-12-09T07:30:00+07:00"),
        (OVERDUE, "2025-12-10T07:30:00+07:00"),
        (ESCALATED, "2025-12-15T07:30:00+07:00"),
    ]


def test_whoever_is_invited_is_not_planned_to_be_overdue() -> None:
    planned = plan_reminders(DEADLINE, OFFSETS, moment("2025-08-01 08:00"), overdue=False)
    assert [r.offset for r in planned] == list(OFFSETS)


def test_a_deadline_before_the_offices_open_has_no_reminder_on_its_day() -> None:
    early = moment("2025-12-09 06:00")
    by = Planning(grace=None)
    planned = plan_reminders(early, (1, 0), moment("2025-12-01 08:00"), overdue=True, by=by)
    assert [r.offset for r in planned] == [1, OVERDUE]


def test_over_tet_one_mail_goes_out_before_it_and_none_in_it() -> None:
    """Tết 2027 is off from 04/02 to 10/02; a deadline inside it is announced on 03/02, once."""
    deadline = moment("2027-02-09 23:59:59")
    planned = plan_reminders(deadline, OFFSETS, moment("2026-12-01 08:00"), overdue=True)
    days = [(r.offset, ward_day(r.due_at).isoformat()) for r in planned]
    assert days == [
        (30, "2027-01-08"),
        (14, "2027-01-26"),
        (7, "2027-02-02"),
        (0, "2027-02-03"),
        (OVERDUE, "2027-02-11"),
        (ESCALATED, "2027-02-16"),
    ]


calendars = st.builds(
    WorkCalendar,
    st.dictionaries(st.dates(date(2025, 1, 1), date(2031, 1, 31)), st.booleans(), max_size=60),
)
plannings = st.builds(Planning, calendars, st.none() | st.integers(0, 10))


@given(deadline_and_now(), offsets, st.booleans(), plannings, st.integers(0, 200_000))
def test_planned_reminders_are_ahead_and_before_the_deadline(
    when: tuple[datetime, datetime],
    wanted: Sequence[int],
    overdue: bool,
    by: Planning,
    minutes: int,
) -> None:
    """Planned again, also what should have gone out after the deadline since it was laid."""
    deadline, now = when
    laid_at = now - timedelta(minutes=minutes)
    planned = plan_reminders(deadline, wanted, now, overdue=overdue, by=by)
    late = {OVERDUE, ESCALATED}
    assert all(r.due_at > now for r in planned)
    again = plan_reminders(deadline, wanted, now, overdue=overdue, by=by, laid_at=laid_at)
    assert set(planned) <= set(again)
    assert all(r.offset in late and r.due_at > laid_at for r in again if r.due_at <= now)
    if overdue and laid_at <= deadline:
        assert OVERDUE in {r.offset for r in again}
        assert (ESCALATED in {r.offset for r in again}) == (by.grace is not None)
    assert all(r.due_at <= deadline for r in planned if r.offset not in late)
    assert all(r.due_at > deadline for r in planned if r.offset in late)
    assert all(by.calendar.is_working(ward_day(r.due_at)) for r in planned)
    assert len({r.offset for r in planned}) == len(planned)
    assert [r.due_at for r in planned] == sorted(r.due_at for r in planned)
    assert {r.offset for r in planned} <= {*wanted, *late}
    assert overdue or late.isdisjoint(r.offset for r in planned)


@given(deadline_and_now(), offsets, plannings)
def test_at_most_one_in_a_slot_and_none_earlier_than_it_must(
    when: tuple[datetime, datetime], wanted: Sequence[int], by: Planning
) -> None:
    deadline, now = when
    planned = plan_reminders(deadline, wanted, now, overdue=True, by=by)
    to_participant = [r.due_at for r in planned if r.offset != ESCALATED]
    assert len(set(to_participant)) == len(to_participant)
    for one in (r for r in planned if r.offset >= 0):
        day = ward_day(deadline) - timedelta(days=one.offset)
        between = (day - ward_day(one.due_at)).days
        assert not any(by.calendar.is_working(day - timedelta(days=n)) for n in range(between))


@given(deadline_and_now(), offsets, plannings)
def test_nothing_that_lies_ahead_is_left_out(
    when: tuple[datetime, datetime], wanted: Sequence[int], by: Planning
) -> None:
    """Each offset whose morning is ahead goes out on that morning, by itself or by a nearer one."""
    deadline, now = when
    planned = plan_reminders(deadline, wanted, now, overdue=True, by=by)
    mornings = {r.due_at: r.offset for r in planned if r.offset >= 0}
    for offset in wanted:
        day = by.calendar.on_or_before(ward_day(deadline) - timedelta(days=offset))
        morning = moment(f"{day} 07:30")
        assert (morning in mornings) == (morning > now)
        if morning > now:
            assert mornings[morning] <= offset
    after = moment(f"{by.calendar.after(ward_day(deadline), 1)} 07:30")
    assert (OVERDUE in {r.offset for r in planned}) == (after > now)


@given(deadline_and_now(), offsets, st.integers(0, 144_000), plannings)
def test_at_most_the_latest_goes_out_and_only_while_it_is_true(
    when: tuple[datetime, datetime], wanted: Sequence[int], minutes: int, by: Planning
) -> None:
    deadline, planned_at = when
    planned = plan_reminders(deadline, wanted, planned_at, overdue=True, by=by)
    now = planned_at + timedelta(minutes=minutes)
    found = latest_due(planned, deadline, now)
    due = [r for r in planned if r.due_at <= now and r.offset != ESCALATED]
    if now > deadline + timedelta(seconds=1):
        assert found == next((r for r in due if r.offset == OVERDUE), None)
    else:
        assert found == max(due, key=lambda r: r.due_at, default=None)
    sent = to_send(planned, deadline, now)
    assert [r for r in sent if r.offset != ESCALATED] == [r for r in [found] if r]
    head = [r for r in planned if r.offset == ESCALATED and r.due_at <= now]
    assert [r for r in sent if r.offset == ESCALATED] == head


def test_after_an_outage_over_the_deadline_an_invited_unit_hears_nothing() -> None:
    planned = plan_reminders(DEADLINE, OFFSETS, moment("2025-08-01 08:00"), overdue=False)
    assert latest_due(planned, DEADLINE, moment("2025-12-10 06:00")) is None


def test_the_head_is_told_beside_the_reporter_and_not_instead() -> None:
    """After an outage over both mornings each hears once."""
    planned = plan_reminders(DEADLINE, OFFSETS, moment("2025-08-01 08:00"), overdue=True)
    sent = to_send(planned, DEADLINE, moment("2026-01-05 09:00"))
    assert [r.offset for r in sent] == [OVERDUE, ESCALATED]


@pytest.mark.parametrize(
    ("grace", "day"), [(0, "2025-12-10"), (1, "2025-12-11"), (3, "2025-12-15"), (8, "2025-12-22")]
)
def test_the_grace_counts_working_days(grace: int, day: str) -> None:
    now = moment("2025-12-01 08:00")
    planned = plan_reminders(DEADLINE, (0,), now, overdue=True, by=Planning(grace=grace))
    [told] = [r for r in planned if r.offset == ESCALATED]
    assert ward_day(told.due_at).isoformat() == day


def test_a_deadline_is_moved_to_another_moment_ahead() -> None:
    now = moment("2025-12-01 09:00")
    check_new_date(DEADLINE + timedelta(days=1), DEADLINE, now)
    for due, name in ((DEADLINE, "same-date"), (now, "date-passed")):
        with pytest.raises(Refusal) as caught:
            check_new_date(due, DEADLINE, now)
        assert (caught.value.name, caught.value.pointer) == (name, "/last_day")


def test_between_deadline_and_morning_nobody_is_told_anything() -> None:
    planned = [Reminder(0, moment("2025-12-09 07:30")), Reminder(-1, moment("2025-12-10 07:30"))]
    assert latest_due(planned, DEADLINE, moment("2025-12-10 00:00")) is None
    assert latest_due(planned, DEADLINE, moment("2025-12-10 07:30")) == planned[1]


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        ("2025-12-09 23:59:59", ON_TIME),
        ("2025-12-09 23:59:59.999000", ON_TIME),
        ("2025-12-09 23:59:59.999999", ON_TIME),
        ("2025-12-10 00:00:00", Lateness(True, 1)),
        ("2025-12-10 23:59:59", Lateness(True, 1)),
        ("2025-12-11 00:00:00", Lateness(True, 2)),
        ("2026-01-09 08:00:00", Lateness(True, 31)),
    ],
)
def test_before_the_tenth_means_until_the_ninths_last_moment(
    received: str, expected: Lateness
) -> None:
    assert lateness(DEADLINE, moment(received)) == expected


def test_the_wards_day_counts_wherever_the_clock_stands() -> None:
    assert lateness(DEADLINE, datetime.fromisoformat("2025-12-09T16:59:59+00:00")) == ON_TIME
    assert lateness(DEADLINE, datetime.fromisoformat("2025-12-09T17:00:00+00:00")).days == 1


@given(deadline_and_now())
def test_late_reports_are_late_by_days_and_others_by_none(
    when: tuple[datetime, datetime],
) -> None:
    deadline, received = when
    found = lateness(deadline, received)
    assert found.late == (ward_day(received) > ward_day(deadline))
    assert found.days == max(0, (ward_day(received) - ward_day(deadline)).days)


class TestCorrections:
    """Domain reading: the office's own time makes nobody late, and a return launders nothing."""

    BY = moment("2025-12-20 17:00")

    def of(self, received: str, before: Lateness = ON_TIME) -> Lateness:
        returned = Return(self.BY, before)
        return lateness_of_version(DEADLINE, returned, BY_THEIR_OWN_DATE, moment(received))

    def test_sent_by_the_offices_date_it_stays_on_time(self) -> None:
        assert self.of("2025-12-20 17:00:00") == ON_TIME

    def test_sent_after_that_date_it_is_late_by_the_days_after_it(self) -> None:
        assert self.of("2025-12-20 17:00:01") == Lateness(True, 0)
        assert self.of("2025-12-22 08:00") == Lateness(True, 2)

    def test_what_was_late_stays_as_late_as_it_was(self) -> None:
        assert self.of("2025-12-19 08:00", Lateness(True, 3)) == Lateness(True, 3)

    def test_own_delays_add_up(self) -> None:
        assert self.of("2025-12-22 08:00", Lateness(True, 3)) == Lateness(True, 5)

    def test_an_early_date_of_the_offices_takes_nothing_from_the_period(self) -> None:
        returned = Return(moment("2025-11-20 17:00"), ON_TIME)
        received = moment("2025-12-09 20:00")
        found = lateness_of_version(DEADLINE, returned, BY_THEIR_OWN_DATE, received)
        assert found == ON_TIME

    def test_a_ward_may_judge_corrections_by_the_deadline(self) -> None:
        returned = Return(self.BY, ON_TIME)
        received = moment("2025-12-19 08:00")
        found = lateness_of_version(DEADLINE, returned, "by-the-deadline", received)
        assert found == Lateness(True, 10)

    @given(deadline_and_now(), st.integers(0, 60), st.integers(0, 90_000))
    def test_a_return_never_makes_later_or_earlier_than_the_units_own_delay(
        self, when: tuple[datetime, datetime], grace: int, minutes: int
    ) -> None:
        deadline, first = when
        before = lateness(deadline, first)
        correct_by = first + timedelta(days=grace)
        received = first + timedelta(minutes=minutes)
        assume(received > first)
        found = lateness_of_version(
            deadline, Return(correct_by, before), BY_THEIR_OWN_DATE, received
        )
        assert found.days >= before.days
        assert found.late >= before.late
        assert found.days <= max(lateness(deadline, received).days, before.days)
        if received <= correct_by:
            assert found == before


def test_a_correction_date_lies_ahead() -> None:
    now = moment("2025-12-01 09:00")
    check_correction_date(now + timedelta(seconds=1), now)
    for passed in (now, now - timedelta(days=1)):
        with pytest.raises(Refusal) as caught:
            check_correction_date(passed, now)
        assert (caught.value.name, caught.value.pointer) == ("date-passed", "/correct_by")


@pytest.mark.parametrize(
    ("issued", "on_time"),
    [("2025-07-31", True), ("2025-08-31", True), ("2025-09-01", False)],
)
def test_a_plan_is_judged_by_its_date_of_issue(issued: str, on_time: bool) -> None:
    due = moment("2025-08-31 23:59:59")
    assert plan_on_time(due, date.fromisoformat(issued), date(2025, 9, 5)) is on_time


def test_a_plan_cannot_be_issued_tomorrow() -> None:
    today = date(2025, 8, 20)
    due = moment("2025-08-31 23:59:59")
    assert plan_on_time(due, today, today)
    with pytest.raises(Refusal) as caught:
        plan_on_time(due, today + timedelta(days=1), today)
    assert (caught.value.name, caught.value.pointer) == ("not-issued-yet", "/issued_on")
