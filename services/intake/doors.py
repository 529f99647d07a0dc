"""Reports come in by several doors and meet one decision; a batch is decided in few statements."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from services.intake import store
from services.intake.domain.report import (
    Desk,
    OpenPeriod,
    Refused,
    Reporter,
    ReportState,
    Taken,
    decide_submission,
)
from shared.contracts.inbound import ReportSubmitted
from shared.contracts.intake import ObligationMet, ReportedItem, ReportReceived
from shared.messaging import UnitOfWork
from shared.messaging.unit_of_work import HasCause


@dataclass(frozen=True, slots=True)
class Submission:
    """A report at a door. `received_at` is business time; `by` the person or publisher."""

    data: ReportSubmitted
    received_at: datetime
    door: Literal["http", "kafka"]
    publisher: str | None
    by: str
    because_of: HasCause | None = None

    @property
    def key(self) -> store.Key:
        return (self.data.participant, self.data.period)


@dataclass(slots=True)
class _Counter:
    """One ward's desk while a batch is decided: what was known, and what has changed."""

    movement: dict[str, Any]
    participants: dict[str, Any]
    periods: dict[str, Any]
    reports: dict[store.Key, ReportState]
    owed: dict[store.Key, Any]
    rows: list[dict[str, Any]] = field(default_factory=list)
    met: list[dict[str, Any]] = field(default_factory=list)

    def desk(self, submission: Submission) -> Desk:
        return Desk(
            reporter=self._reporter(submission.data.participant),
            period=self._period(submission.data.period),
            contents=frozenset(c["number"] for c in self.movement.get("contents", ())),
            forms=frozenset(f["code"] for f in self.movement.get("forms", ())),
            current=self.reports.get(submission.key, ReportState()),
        )

    def _reporter(self, code: str) -> Reporter | None:
        row = self.participants.get(code)
        if row is None:
            return None
        criteria = frozenset(
            criterion["code"]
            for group in self.movement.get("groups", ())
            if group["code"] == row.group_code
            for criterion in group["criteria"]
            if not criterion["only_for"] or row.kind in criterion["only_for"]
        )
        return Reporter(row.participant, row.manner, criteria)

    def _period(self, code: str) -> OpenPeriod | None:
        row = self.periods.get(code)
        if row is None or row.kind != "annual-report":
            return None
        return OpenPeriod(row.period, row.due)


async def take_submissions(
    work: UnitOfWork, submissions: Sequence[Submission]
) -> list[Taken | Refused]:
    """Decide on reports in their order, store what was taken and publish it.

    The locks of the participants' keys are held. Answers come in the order of `submissions`.
    """
    outcomes: dict[int, Taken | Refused] = {}
    by_ward: dict[str, list[tuple[int, Submission]]] = {}
    for number, submission in enumerate(submissions):
        by_ward.setdefault(submission.data.ward, []).append((number, submission))
    for ward, numbered in by_ward.items():
        counter = await _open_counter(work, ward, [s for _, s in numbered])
        for number, submission in numbered:
            outcomes[number] = _take(work, counter, submission)
        await store.add(work.connection, store.report, counter.rows)
        await store.meet(work.connection, counter.met)
    return [outcomes[number] for number in range(len(submissions))]


async def _open_counter(work: UnitOfWork, ward: str, submissions: Sequence[Submission]) -> _Counter:
    connection, keys = work.connection, [s.key for s in submissions]
    newest = await store.newest_reports(connection, ward, keys)
    return _Counter(
        movement=await store.newest_movement(connection, ward) or {},
        participants=await store.participants(connection, ward, [code for code, _ in keys]),
        periods=await store.periods(connection, ward),
        reports={key: _state(report) for key, report in newest.items()},
        owed=await store.open_obligations(connection, ward, keys, "annual-report"),
    )


def _state(report: store.NewestReport) -> ReportState:
    outcome: Any = report.outcome or "received"
    return ReportState(
        outcome, report.report_id, report.revision, report.digest, report.received_at, report.late
    )


def _take(work: UnitOfWork, counter: _Counter, submission: Submission) -> Taken | Refused:
    decision = decide_submission(counter.desk(submission), submission.data, submission.received_at)
    if isinstance(decision, Refused) or decision.duplicate:
        return decision
    counter.reports[submission.key] = decision.after
    counter.rows.append(_row(submission, decision))
    work.publish(_received(submission, decision), because_of=submission.because_of)
    owed = counter.owed.pop(submission.key, None)
    if owed is not None:
        _meet(work, counter, submission, decision, owed)
    return decision


def _row(submission: Submission, decision: Taken) -> dict[str, Any]:
    data = submission.data
    return {
        "ward": data.ward,
        "participant": data.participant,
        "period": data.period,
        "revision": data.revision,
        "report_id": data.report_id,
        "body": data.model_dump(mode="json"),
        "digest": decision.after.digest,
        "received_at": submission.received_at,
        "late": decision.lateness.late,
        "days_late": decision.lateness.days,
        "door": submission.door,
        "publisher": submission.publisher,
        "submitted_by": submission.by,
    }


def _received(submission: Submission, decision: Taken) -> ReportReceived:
    data = submission.data
    return ReportReceived(
        ward=data.ward,
        participant=data.participant,
        period=data.period,
        report_id=data.report_id,
        revision=data.revision,
        received_at=submission.received_at,
        late=decision.lateness.late,
        days_late=decision.lateness.days,
        door=submission.door,
        publisher=submission.publisher,
        items=tuple(
            ReportedItem(
                criterion=item.criterion,
                self_score=item.self_score,
                not_applicable=item.not_applicable,
                narrative=item.narrative,
            )
            for item in data.items
        ),
    )


def _meet(
    work: UnitOfWork, counter: _Counter, submission: Submission, decision: Taken, owed: Any
) -> None:
    on_time = not decision.lateness.late
    counter.met.append({"which": owed.id, "at": submission.received_at, "timely": on_time})
    work.publish(
        ObligationMet(
            ward=owed.ward,
            participant=owed.participant,
            obligation=owed.id,
            kind="annual-report",
            period=owed.period,
            met_at=submission.received_at,
            on_time=on_time,
        ),
        because_of=submission.because_of,
    )
