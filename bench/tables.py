"""Tables in Markdown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from bench.backlog import Shape
from bench.contest import Result


@dataclass(frozen=True, slots=True)
class Row:
    """One contestant on one backlog: its rounds, of which medians are told."""

    contestant: str
    shape: Shape
    backlog: int
    rounds: Sequence[Result]

    @property
    def events(self) -> int:
        return self.rounds[0].events

    @property
    def rate(self) -> float:
        return median(result.rate for result in self.rounds)

    @property
    def cpu(self) -> float:
        """CPU-seconds of the contestant's own processes for 1,000 events."""
        return median(r.per_thousand(r.cpu + r.cpu_beside) for r in self.rounds)

    @property
    def postgres(self) -> float:
        return median(r.per_thousand(r.cpu_postgres) for r in self.rounds)

    @property
    def kafka(self) -> float:
        return median(r.per_thousand(r.cpu_kafka) for r in self.rounds)

    @property
    def memory(self) -> float:
        return max(result.memory for result in self.rounds)

    @property
    def statements(self) -> float | None:
        counts = [r.statements / r.events for r in self.rounds if r.statements is not None]
        return median(counts) if counts else None

    @property
    def commits(self) -> float:
        """As it counts them itself, else as PostgreSQL does (a few of the set-up among them)."""
        return median(
            (r.server_commits if r.commits is None else r.commits) / r.events for r in self.rounds
        )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Text to the left, figures to the right."""
    lines = ["| " + " | ".join(head) + " |", "|---|" + "--:|" * (len(head) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


HEAD = (
    "backlog",
    "contestant",
    "drained",
    "events/s",
    "CPU-s / 1,000",
    "PostgreSQL",
    "Kafka",
    "peak MB",
    "statements / event",
    "commits / event",
    "ours ÷ it, events/s",
    "it ÷ ours, CPU",
)


def contest_table(rows: Sequence[Row]) -> str:
    """All rows of one key shape; the ratios are to `ours` on the same backlog."""
    ours = {row.backlog: row for row in rows if row.contestant == "ours"}
    return table(HEAD, [_line(row, ours.get(row.backlog)) for row in rows])


def _line(row: Row, ours: Row | None) -> tuple[str, ...]:
    drained = "all" if row.events >= row.backlog else f"{row.events:,}"
    statements = "not counted" if row.statements is None else f"{row.statements:.4f}"
    return (
        f"{row.backlog:,}",
        row.contestant,
        drained,
        f"{row.rate:,.0f}",
        f"{row.cpu:.3f}",
        f"{row.postgres:.3f}",
        f"{row.kafka:.3f}",
        f"{row.memory:.0f}",
        statements,
        f"{row.commits:.4f}",
        f"{ours.rate / row.rate:.2f}" if ours else "",
        f"{row.cpu / ours.cpu:.2f}" if ours else "",
    )
