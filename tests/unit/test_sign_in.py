"""Sign-in without any infrastructure: links, limits, sessions, keys, where a path may lead."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin, urlsplit
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.intake.domain.directory import Acting, Holdings
from services.intake.domain.machine import granted
from services.intake.domain.session import STANDINGS, Limits, Session, machine_claims, person_claims
from services.intake.domain.sign_in import (
    HOME,
    LINK_EVENTS,
    LINK_LIFE,
    LINK_STATES,
    Allowance,
    LinkEvent,
    LinkState,
    Moved,
    Verdict,
    local_path,
    move,
    plain_address,
)
from services.intake.domain.token_key import (
    SKEW,
    KeyTimes,
    Rotation,
    next_key_signs_from,
    signer,
    withdrawn,
)
from shared.refusal import Refusal
from shared.tokens import TOKEN_LIFE

pytestmark = pytest.mark.unit

NOW = datetime(2026, 1, 5, 8, tzinfo=UTC)
YOUNG, LATE = LINK_LIFE - timedelta(microseconds=1), LINK_LIFE
GO, UNKNOWN, ELSEWHERE, USED, EXPIRED = (
    Verdict.GO,
    Verdict.UNKNOWN,
    Verdict.ELSEWHERE,
    Verdict.USED,
    Verdict.EXPIRED,
)

# (state, event) -> (here and young, here and late, elsewhere and young, elsewhere and late)
TABLE: dict[tuple[LinkState, LinkEvent], tuple[Verdict, Verdict, Verdict, Verdict]] = {
    ("asked", "mail"): (GO, EXPIRED, GO, EXPIRED),
    ("asked", "put-off"): (UNKNOWN,) * 4,
    ("asked", "drop"): (GO,) * 4,
    ("asked", "open"): (UNKNOWN,) * 4,
    ("asked", "use"): (UNKNOWN,) * 4,
    ("mailed", "mail"): (UNKNOWN,) * 4,
    ("mailed", "put-off"): (GO, EXPIRED, GO, EXPIRED),
    ("mailed", "drop"): (UNKNOWN,) * 4,
    ("mailed", "open"): (GO, EXPIRED, ELSEWHERE, ELSEWHERE),
    ("mailed", "use"): (GO, EXPIRED, ELSEWHERE, ELSEWHERE),
    ("dropped", "mail"): (UNKNOWN,) * 4,
    ("dropped", "put-off"): (UNKNOWN,) * 4,
    ("dropped", "drop"): (UNKNOWN,) * 4,
    ("dropped", "open"): (UNKNOWN,) * 4,
    ("dropped", "use"): (UNKNOWN,) * 4,
    ("used", "mail"): (UNKNOWN,) * 4,
    ("used", "put-off"): (UNKNOWN,) * 4,
    ("used", "drop"): (UNKNOWN,) * 4,
    ("used", "open"): (USED, USED, ELSEWHERE, ELSEWHERE),
    ("used", "use"): (USED, USED, ELSEWHERE, ELSEWHERE),
}
AFTER: dict[tuple[LinkState, LinkEvent], LinkState] = {
    ("asked", "mail"): "mailed",
    ("asked", "drop"): "dropped",
    ("mailed", "put-off"): "asked",
    ("mailed", "open"): "mailed",
    ("mailed", "use"): "used",
}


def test_the_table_of_links_is_whole() -> None:
    assert set(TABLE) == set(itertools.product(LINK_STATES, LINK_EVENTS))
    assert set(AFTER) == {key for key, verdicts in TABLE.items() if GO in verdicts}


@pytest.mark.parametrize(("state", "event"), TABLE)
def test_what_each_event_does_to_a_link(state: LinkState, event: LinkEvent) -> None:
    cases = itertools.product((True, False), (YOUNG, LATE))
    for verdict, (here, age) in zip(TABLE[state, event], cases, strict=True):
        after = AFTER[state, event] if verdict is GO else state
        assert move(state, event, age=age, here=here) == Moved(verdict, after)


def test_only_one_event_in_one_state_and_one_browser_lets_in() -> None:
    lets_in = [
        (state, event, here, age)
        for state, event in TABLE
        for here in (True, False)
        for age in (YOUNG, LATE)
        if move(state, event, age=age, here=here).state == "used" != state
    ]
    assert lets_in == [("mailed", "use", True, YOUNG)]


ORIGIN = "https://thidua.tu-minh.example"


@given(st.one_of(st.text(), st.text("/\\:@?#.%ab\t\n\r \x00é", min_size=1), st.none()))
@example("//evil.example")
@example("/\\evil.example")
@example("/\t/evil.example")
@example("\\\\evil.example")
@example("https:evil.example")
@example("/%0d%0aSet-Cookie:x=y")
@example("/\r\nSet-Cookie:x=y")
@example("/a/../..//evil.example")
def test_a_path_to_go_on_to_never_leads_out(wanted: str | None) -> None:
    path = local_path(wanted)
    # Browsers drop tabs and line ends, and read a backslash as a slash.
    as_read = path.replace("\\", "/").translate({9: None, 10: None, 13: None})
    assert as_read == path
    assert path.isascii()
    assert path.isprintable()
    there = urlsplit(urljoin(ORIGIN, path))
    assert f"{there.scheme}://{there.netloc}" == ORIGIN
    assert path in {wanted, HOME}


@pytest.mark.parametrize("path", ["/intake/", "/awards/?a=1&b=%C3%A1#x", "/a//b", "/@x:1"])
def test_a_path_of_ours_is_kept(path: str) -> None:
    assert local_path(path) == path


def test_a_path_may_be_long_but_not_without_end() -> None:
    assert local_path("/" + "a" * 1999) != HOME
    assert local_path("/" + "a" * 2000) == HOME


def test_an_address_is_looked_up_however_it_was_written() -> None:
    assert plain_address("  Ten@Co-Quan.Example ") == "ten@co-quan.example"


ALLOWANCE = Allowance(3, timedelta(minutes=10))


@given(st.lists(st.integers(0, 5000), max_size=30))
def test_no_window_holds_more_than_is_allowed(arrivals: list[int]) -> None:
    taken: list[datetime] = []
    for second in sorted(arrivals):
        now = NOW + timedelta(seconds=second)
        wait = ALLOWANCE.wait(taken, now)
        assert timedelta(0) <= wait <= ALLOWANCE.window
        assert ALLOWANCE.wait(taken, now + wait) == timedelta(0)
        if not wait:
            taken.append(now)
    for start in taken:
        inside = [at for at in taken if start <= at < start + ALLOWANCE.window]
        assert len(inside) <= ALLOWANCE.times


LIMITS = Limits(idle=timedelta(hours=8), absolute=timedelta(days=7))
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("age", "idle", "ended", "standing"),
    [
        (timedelta(0), timedelta(0), False, "live"),
        (8 * HOUR, 8 * HOUR - timedelta(seconds=1), False, "live"),
        (8 * HOUR, 8 * HOUR, False, "idle"),
        (168 * HOUR - timedelta(seconds=1), timedelta(0), False, "live"),
        (168 * HOUR, timedelta(0), False, "old"),
        (timedelta(0), timedelta(0), True, "ended"),
        (200 * HOUR, 9 * HOUR, True, "ended"),
    ],
)
def test_when_a_session_is_good(
    age: timedelta, idle: timedelta, ended: bool, standing: str
) -> None:
    session = Session(UUID(int=1), "w", "p", "link", NOW - age, NOW - idle, NOW if ended else None)
    assert session.standing(NOW, LIMITS) == standing
    assert standing in STANDINGS


HELD = Holdings(
    "Đầu mối",
    "a@b.example",
    "u1",
    frozenset({"officer", "head"}),
    frozenset({"u1"}),
    frozenset(),
    frozenset({"u1"}),
)
LENT = Acting(
    1,
    "other",
    "Người ủy quyền",
    "u2",
    frozenset({"reporter"}),
    frozenset({"u2"}),
    frozenset({"s1"}),
    "12/UQ",
    NOW.date(),
    stakes=frozenset({"u2", "u3"}),
)
SESSION = Session(UUID(int=1), "w", "p", "link", NOW, NOW)


def test_a_token_says_what_the_person_holds() -> None:
    claims = person_claims(SESSION, HELD, None)
    assert (claims["roles"], claims["unit"], claims["units"]) == (["head", "officer"], "u1", ["u1"])
    assert claims["heads"] == ["u1"]
    assert (claims["act_for"], claims["act_unit"], claims["scope"]) == ("", "", "")


def test_who_acts_for_somebody_keeps_their_units_and_lays_their_roles_aside() -> None:
    claims = person_claims(SESSION, HELD, LENT)
    assert claims["roles"] == ["reporter"]
    assert (claims["unit"], claims["units"]) == ("u1", ["u1", "u2"])
    assert (claims["act_for"], claims["act_unit"]) == ("other", "u2")
    assert claims["act_units"] == ["u2", "u3"]
    assert claims["sessions"] == ["s1"]
    assert claims["heads"] == [], "heading their own unit is laid aside with the role"
    assert person_claims(SESSION, HELD, replace(LENT, heads=frozenset({"u2"})))["heads"] == ["u2"]


def test_a_machine_holds_scopes_and_no_role() -> None:
    claims = machine_claims("w.x", "w", "X", frozenset({"b:read", "a:write"}))
    assert (claims["sub"], claims["roles"], claims["scope"]) == (
        "machine:w.x",
        [],
        "a:write b:read",
    )


def test_a_machine_gets_what_it_asks_for_and_never_more_than_it_holds() -> None:
    held = ("a:read", "b:write")
    assert granted(None, held) == granted("", held) == set(held)
    assert granted("b:write", held) == {"b:write"}
    with pytest.raises(Refusal):
        granted("b:write c:read", held)


ROTATION = Rotation(timedelta(days=7), timedelta(hours=1))


@given(st.lists(st.integers(1, 14 * 24 * 60), min_size=1, max_size=60))
def test_keys_rotate_so_that_every_token_can_be_verified(pauses: list[int]) -> None:
    """The routine runs now and then, after pauses of minutes; in between, tokens are signed."""
    keys: list[KeyTimes] = []
    published: dict[str, datetime] = {}
    gone: dict[str, datetime] = {}
    now = NOW
    for number, pause in enumerate(pauses):
        now += timedelta(minutes=pause)
        for kid in withdrawn(keys, now):
            keys = [key for key in keys if key.kid != kid]
            gone[kid] = now
        signs_from = next_key_signs_from(keys, now, ROTATION)
        if signs_from is not None:
            keys.append(KeyTimes(str(number), signs_from))
            published[str(number)] = now
        signing = signer(keys, now)
        assert signing is not None
        first = min(published, key=lambda kid: published[kid])
        assert signing.kid == first or now - published[signing.kid] >= ROTATION.ahead
        later = signer(keys, now + TOKEN_LIFE + SKEW - timedelta(seconds=1))
        assert later is not None
        assert len(keys) <= 3
        assert next_key_signs_from(keys, now, ROTATION) is None
    for kid, at in gone.items():
        successors = [p for other, p in published.items() if int(other) > int(kid)]
        assert min(successors) + TOKEN_LIFE <= at


@given(st.integers(0, 20))
def test_a_key_stays_as_long_as_a_token_of_it_lives(minutes: int) -> None:
    keys = [KeyTimes("old", NOW - timedelta(days=7)), KeyTimes("new", NOW)]
    now = NOW + timedelta(minutes=minutes)
    last_token_expires = NOW + TOKEN_LIFE
    assert ("old" in withdrawn(keys, now)) is (now >= last_token_expires + SKEW)
    assert "new" not in withdrawn(keys, now)


def test_a_key_must_be_published_before_it_signs() -> None:
    for ahead in (timedelta(0), timedelta(days=7)):
        with pytest.raises(ValueError, match="published before"):
            Rotation(timedelta(days=7), ahead)
