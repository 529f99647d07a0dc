"""What is said of a country's night: sums of spans, growth, and the reports that come in."""

import random
from collections.abc import Mapping

import pytest

from bench.country import FIRST, codes, copies_of
from bench.night import Night, Sample, Span, reports
from bench.scale import Found, targets
from services.intake.store.tables import tables
from shared.contracts.inbound import ReportSubmitted

pytestmark = pytest.mark.unit


def sample(at: float, intake: float, notify: float, **of_intake: float) -> Sample:
    """`notify` has dealt with so many reports, two events each."""
    usual = {"cpu": 0.0, "statements": 0.0, "commits": 0.0, "memory": 100.0}
    figures: Mapping[str, Mapping[str, float]] = {
        "intake": {"handled": intake, **usual, **of_intake},
        "notify": {"handled": 2 * notify, **usual, "cpu": notify / 1000},
    }
    return Sample(at, figures, 0.0, 0.0)


def span(reports: float, cpu: float, memory: float = 100.0, *, window: bool = True) -> Span:
    costs = {"intake": cpu, "notify": 0.0, "PostgreSQL": 1.0, "Kafka": 1.0}
    done = {"intake": reports, "notify": reports}
    none = {"intake": 0.0, "notify": 0.0}
    own = {"intake": memory, "notify": 100.0}
    counts = none | {"intake": 1.0}
    return Span(done, 1.0, costs, counts, counts, own, window)


def test_each_process_is_charged_for_the_reports_that_it_has_dealt_with_itself() -> None:
    one = Span.between(sample(0, 0, 0), sample(2, 1000, 500, cpu=3.0))
    assert (one.reports, one.seconds) == (1000, 2)
    assert one.cpu["intake"] == 3.0
    assert one.each(one.cpu, "notify") == pytest.approx(0.001)
    assert one.own == pytest.approx(4.0)


def test_spans_add_up_and_memory_is_the_last_ones() -> None:
    whole = Night(1, [span(100, 1.0), span(300, 2.0, memory=120.0)], {}, {}).whole
    assert (whole.reports, whole.seconds, whole.memory["intake"]) == (400, 2.0, 120.0)
    assert whole.own == pytest.approx(7.5)


@pytest.mark.parametrize(("grown", "met"), [(1.15, True), (1.16, False), (0.5, True)])
def test_a_report_may_cost_fifteen_percent_more_and_not_a_hair_above(
    grown: float, met: bool
) -> None:
    found = Found("", made={1: 1.0, 3321: 1.0})
    later = span(1000, grown)
    found.nights = [Night(1, [span(1000, 1.0)], {}, {}), Night(3321, [later, later], {}, {})]
    [cpu] = [
        one for one in targets(found) if one.name.startswith("night, CPU of a report, largest")
    ]
    assert cpu.met is met


def test_the_dearest_window_and_the_largest_memory_are_judged() -> None:
    """What is left after the last window is not one."""
    found = Found("", made={3321: 1.0})
    spans = [span(1000, 1.0), span(1000, 1.3), span(1000, 1.0, memory=150.0)]
    spans.append(span(10, 9.0, memory=900.0, window=False))
    found.nights = [Night(3321, spans, {}, {})]
    judged = {one.name: one.measured for one in targets(found)}
    assert judged == {
        "night, CPU of a report, any window to the first, 3,321": pytest.approx(1.3),
        "night, memory, any window to the first, 3,321": pytest.approx(1.5),
    }


def test_everybody_reports_once_as_a_publisher_may() -> None:
    coming = list(reports(3, 10, random.Random(1)))
    read = [ReportSubmitted.model_validate_json(one.value) for one in coming]
    assert {(one.ward, one.participant) for one in read} == {
        (ward, f"don-vi-{number}") for ward, number in codes(3, 10)
    }
    assert [one.key for one in read] == [one.key.decode() for one in coming]
    assert len(coming) == 30
    assert coming == list(reports(3, 10, random.Random(1)))


def test_whatever_is_a_wards_is_copied() -> None:
    copied = {name: copy for name, _, copy in copies_of(tables)}
    assert {
        "participant",
        "obligation",
        "reminder",
        "role_held",
        "publisher_grant",
    } <= copied.keys()
    assert "publisher" not in copied
    assert "'phuong-' || n" in copied["obligation"]
    assert 'md5(n || one."obligation"::text)::uuid' in copied["reminder"]
    assert '"id"' not in copied["role_held"]
    assert FIRST == "phuong-1"
