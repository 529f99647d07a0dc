"""The chain of official acts shows any change of what it holds."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.records import GENESIS, Act, commit_to, first_break, link

pytestmark = pytest.mark.unit

AT = datetime(2025, 12, 15, 9, 0, tzinfo=UTC)


def chain(length: int) -> list[Act]:
    acts: list[Act] = []
    previous = GENESIS
    for number in range(1, length + 1):
        commitment = commit_to({"number": number}, b"salt")
        name, subject, actor = "award-decided", f"dossier-{number}", "chairman"
        own = link(previous, commitment, AT, name, subject, actor)
        acts.append(Act(number, AT, name, subject, actor, commitment, previous, own))
        previous = own
    return acts


def test_a_whole_chain_has_no_break() -> None:
    assert first_break([]) is None
    assert first_break(chain(5)) is None


@pytest.mark.parametrize(
    "change",
    [
        {"at": AT.replace(day=16)},
        {"name": "award-revoked"},
        {"subject": "dossier-9"},
        {"actor": "clerk"},
        {"commitment": "0" * 64},
        {"previous": "1" * 64},
        {"hash": "2" * 64},
    ],
)
@given(where=st.integers(0, 4))
def test_a_changed_act_is_found(change: dict[str, object], where: int) -> None:
    acts = chain(5)
    acts[where] = replace(acts[where], **change)  # type: ignore[arg-type]
    assert first_break(acts) == where + 1


@given(st.integers(0, 3))
def test_a_removed_act_is_found(where: int) -> None:
    acts = chain(5)
    del acts[where]
    assert first_break(acts) == where + 2


@given(st.integers(0, 3))
def test_two_acts_in_the_wrong_order_are_found(where: int) -> None:
    acts = chain(5)
    acts[where], acts[where + 1] = acts[where + 1], acts[where]
    assert first_break(acts) == where + 2


def test_an_act_that_is_put_in_breaks_the_next_one() -> None:
    acts, other = chain(3), "f" * 64
    own = link(acts[0].hash, other, AT, "award-decided", "x", "chairman")
    forged = Act(99, AT, "award-decided", "x", "chairman", other, acts[0].hash, own)
    assert first_break([acts[0], forged, *acts[1:]]) == 2


def test_moving_a_boundary_between_fields_changes_the_hash() -> None:
    assert link(GENESIS, "c", AT, "a\x1fb", "c", "d") != link(GENESIS, "c", AT, "a", "b\x1fc", "d")


def test_the_instant_counts_not_the_zone_it_is_told_in() -> None:
    hanoi = AT.astimezone(tz=None)
    assert link(GENESIS, "c", hanoi, "n", "s", "a") == link(GENESIS, "c", AT, "n", "s", "a")


def test_a_commitment_needs_its_salt_and_its_facts() -> None:
    facts = {"form": "giay-khen", "on": date(2025, 12, 15), "total": Decimal("93.5")}
    own = commit_to(facts, b"salt")
    assert own == commit_to(dict(reversed(facts.items())), b"salt")
    assert own != commit_to(facts, b"pepper")
    assert own != commit_to({**facts, "total": Decimal("93.6")}, b"salt")
