"""The benchmark's own arithmetic: what follows from events, and what is said of figures."""

from decimal import Decimal
from itertools import islice
from pathlib import Path

import pytest

from bench.backlog import REPEAT_EVERY, messages
from bench.contest import Result
from bench.events import ReportMarked, counted
from bench.latency import Latency
from bench.results import BEGIN, END, write_down
from bench.tables import Row
from bench.targets import Target, targets

pytestmark = pytest.mark.unit


def read(count: int) -> list[ReportMarked]:
    made = islice(messages("60 keys", count, 1), count)
    return [ReportMarked.model_validate_json(message.value) for message in made]


def result(seconds: float, cpu: float) -> Result:
    return Result(1000, seconds, cpu, 0.0, 0.1, 0.1, 100.0, 12, 2)


def row(name: str, backlog: int, seconds: float, cpu: float = 1.0) -> Row:
    return Row(name, "Zipf", backlog, [result(seconds, cpu)])


def test_a_backlog_comes_again_from_its_seed_and_repeats_one_in_a_thousand() -> None:
    made = list(messages("Zipf", 2 * REPEAT_EVERY, 7))
    assert made == list(messages("Zipf", 2 * REPEAT_EVERY, 7))
    assert made != list(messages("Zipf", 2 * REPEAT_EVERY, 8))
    assert len(made) == 2 * REPEAT_EVERY + 2
    assert len({str(message.headers["ce_id"]) for message in made}) == 2 * REPEAT_EVERY


def test_each_fact_has_the_sum_after_its_event() -> None:
    events = read(200)
    ends: dict[tuple[str, str], tuple[Decimal, int]] = {}
    expected = []
    for event in events:
        points, reports = ends.get((event.ward, event.participant), (Decimal(10), 3))
        ends[event.ward, event.participant] = points + event.points, reports + 1
        expected.append((event.report_id, points + event.points, reports + 1))
    facts = counted(events, ends)
    assert [(fact.report_id, fact.points, fact.reports) for fact in facts] == expected


def test_a_figure_is_rounded_against_us() -> None:
    assert Target("at most", 59.9991, 60).shown == "60"
    assert Target("at least", 1.9999, 2, least=True).shown == "1.999"
    assert not Target("at least", 1.9999, 2, least=True).met


def test_targets_are_told_of_what_was_measured_and_of_nothing_else() -> None:
    rows = [row("ours", 10_000, 1, 1.0), row("naive", 10_000, 19), row("ours", 100_000, 1, 1.2)]
    found = {t.name: t for t in targets(rows, [], [Latency(200, 9, 10, 61, 90)])}
    assert not found["events/s of ours to naive, Zipf"].met
    assert not found["CPU per event, 100,000 to 10,000, Zipf"].met
    assert not found["latency p99 at 200/s, ms"].met
    assert found["statements per event, Zipf"].met
    assert not any("Watermill" in name or "two processes" in name for name in found)


def test_only_what_is_between_the_markers_is_written(tmp_path: Path) -> None:
    file = tmp_path / "RESULTS.md"
    file.write_text(f"# Results\n\n{BEGIN}\nold\n{END}\n\n## Chaos\n", "utf-8")
    write_down(file, "new")
    assert file.read_text("utf-8") == f"# Results\n\n{BEGIN}\nnew\n{END}\n\n## Chaos\n"
