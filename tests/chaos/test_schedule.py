"""The schedule is a pure function of seed and number, and leaves no kind out."""

from collections import Counter

import pytest

from shared.failpoints import FAILPOINTS as NAMED
from tests.chaos.faults import FAULTS
from tests.chaos.schedule import ALL_SERVICES, FAILPOINTS, KINDS, SHARE, schedule

pytestmark = pytest.mark.unit


def test_the_same_seed_gives_the_same_schedule() -> None:
    assert schedule(7, 60) == schedule(7, 60)


def test_another_seed_gives_another_schedule() -> None:
    assert schedule(7, 60) != schedule(8, 60)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("count", [60, 250, 1000])
def test_every_kind_has_its_share(seed: int, count: int) -> None:
    faults = schedule(seed, count)
    kinds = Counter(fault.kind for fault in faults)
    assert len(faults) == count
    assert set(kinds) == set(KINDS)
    assert min(kinds.values()) >= min(SHARE, count // len(KINDS))


def test_the_faults_of_a_kind_go_round_the_services() -> None:
    for kind in set(KINDS) - set(ALL_SERVICES):
        services = Counter(f.service for f in schedule(3, 1000) if f.kind == kind)
        assert set(services) == {"intake", "scoring", "awards", "notify"}
        assert max(services.values()) - min(services.values()) <= 1


def test_a_short_schedule_leaves_kinds_out_but_repeats_none() -> None:
    assert max(Counter(fault.kind for fault in schedule(3, 10)).values()) == 1


def test_every_kind_can_be_brought_about() -> None:
    assert set(FAULTS) == set(KINDS)


def test_every_failpoint_of_the_kernel_is_a_kind() -> None:
    assert set(FAILPOINTS) == set(NAMED)
