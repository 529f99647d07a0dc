"""Reports come in by several doors and meet one decision; a batch is decided in few statements."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from services.intake.domain.deadline import BY_THEIR_OWN_DATE
from services.intake.domain.obligation import state_of, transition
from services.intake.domain.report import (
    Desk,
    OpenPeriod,
    Refused,
    Reporter,
    ReportState,
    Taken,
    decide_submission,
)
from services.intake.store import desk as store
from services.intake.store import tables
from shared.contracts.inbound import ReportSubmitted
from shared.contracts.intake import ObligationMet, ReportedItem, ReportReceived
from shared.messaging import UnitOfWork
from shared.messaging.unit_of_work import HasCause
from shared.rows import insert_rows


@dataclass(frozen=True, slots=True)
class Submission:
    """A report at a door. `received_at` is business time; `by` the person or publisher, who may
    act for somebody else.
    """

    data: ReportSubmitted
    received_at: datetime
    door: Literal["http", "kafka"]
    publisher: str | None
    by: str
    because_of: HasCause | None = None
    acting_for: str = ""

    @property
    def key(self) -> store.Key:
        return (self.data.participant, self.data.period)


@dataclass(slots=True)
class _Counter:
    """One ward's desk while a batch is decided: what was known, and what has changed."""

    movements: dict[str, dict[str, Any]]
    participants: dict[str, Any]
    periods: dict[str, Any]
    reports: dict[store.Key, ReportState]
    owed: dict[store.Key, Any]
    rows: list[dict[str, Any]] = field(default_factory=list)
    met: list[dict[str, Any]] = field(default_factory=list)

    def movement(self, submission: Submission) -> dict[str, Any]:
        """The movement's version by whose rules a period's reports are judged now."""
        period = self.periods.get(submission.data.period)
        return self.movements.get(period.movement, {}) if period else {}

    def desk(self, submission: Submission) -> Desk:
        movement = self.movement(submission)
        return Desk(
            reporter=self._reporter(submission.data.participant, movement),
            period=self._period(submission.data.period, movement),
            contents=frozenset(c["number"] for c in movement.get("contents", ())),
            forms=frozenset(f["code"] for f in movement.get("forms", ())),
            current=self.reports.get(submission.key, ReportState()),
        )

    def _reporter(self, code: str, movement: dict[str, Any]) -> Reporter | None:
        row = self.participants.get(code)
        if row is None:
            return None
        criteria = frozenset(
            criterion["code"]
            for group in movement.get("groups", ())
            if group["code"] == row.group_code
            for criterion in group["criteria"]
            if not criterion["only_for"] or row.kind in criterion["only_for"]
        )
        return Reporter(row.participant, criteria)

    def _period(self, code: str, movement: dict[str, Any]) -> OpenPeriod | None:
        row = self.periods.get(code)
        if row is None or row.kind != "annual-report":
            return None
        return OpenPeriod(row.period, row.due, movement.get("corrections", BY_THEIR_OWN_DATE))


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
        await insert_rows(work.connection, tables.report, counter.rows)
        await store.meet(work.connection, counter.met)
    return [outcomes[number] for number in range(len(submissions))]


async def _open_counter(work: UnitOfWork, ward: str, submissions: Sequence[Submission]) -> _Counter:
    connection, keys = work.connection, [s.key for s in submissions]
    return _Counter(
        movements=await store.movements(connection, ward),
        participants=await store.participants(connection, ward, [code for code, _ in keys]),
        periods=await store.periods(connection, ward),
        reports=await store.report_states(connection, ward, keys),
        owed=await store.open_obligations(connection, ward, keys, "annual-report"),
    )


def _take(work: UnitOfWork, counter: _Counter, submission: Submission) -> Taken | Refused:
    decision = decide_submission(counter.desk(submission), submission.data, submission.received_at)
    if isinstance(decision, Refused) or decision.duplicate:
        return decision
    counter.reports[submission.key] = decision.after
    counter.rows.append(_row(submission, decision, counter.movement(submission)))
    work.publish(_received(submission, decision), because_of=submission.because_of)
    owed = counter.owed.pop(submission.key, None)
    if owed is not None:
        _meet(work, counter, submission, decision, owed)
    return decision


def _row(submission: Submission, decision: Taken, movement: dict[str, Any]) -> dict[str, Any]:
    data = submission.data
    return {
        "ward": data.ward,
        "participant": data.participant,
        "period": data.period,
        "revision": data.revision,
        "report_id": data.report_id,
        "body": data.model_dump(mode="json"),
        "digest": decision.version.digest,
        "received_at": submission.received_at,
        "late": decision.version.lateness.late,
        "days_late": decision.version.lateness.days,
        "door": submission.door,
        "publisher": submission.publisher,
        "submitted_by": submission.by,
        "acting_for": submission.acting_for,
        "movement": movement["movement"],
        "movement_version": movement["version"],
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
        late=decision.version.lateness.late,
        days_late=decision.version.lateness.days,
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
    transition(state_of(owed.met_at), "meet", owed.manner)
    on_time = not decision.version.lateness.late
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
