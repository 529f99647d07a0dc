"""Reports come in by several doors and meet one decision; a batch is decided in few statements."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from services.intake.domain.deadline import BY_THEIR_OWN_DATE
from services.intake.domain.difference import SentBack
from services.intake.domain.evidence import Filed, named_files
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
from services.intake.domain.rule import BY_DOCUMENT
from services.intake.store import desk as store
from services.intake.store.counter import Known, known_in_wards
from services.intake.store.drafts import recall
from services.intake.store.evidence import filed
from shared.contracts.inbound import ReportSubmitted
from shared.contracts.intake import (
    ObligationMet,
    PaperDocument,
    ReportedItem,
    ReportReceived,
)
from shared.messaging import UnitOfWork
from shared.messaging.unit_of_work import HasCause


@dataclass(frozen=True, slots=True)
class Submission:
    """A report at a door. `received_at` is business time; `by` the person or publisher, who may
    act for somebody else; `paper` the document that the office entered it from.
    """

    data: ReportSubmitted
    received_at: datetime
    door: Literal["http", "page", "paper", "kafka"]
    publisher: str | None
    by: str
    because_of: HasCause | None = None
    acting_for: str = ""
    paper: PaperDocument | None = None

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
    dues: dict[store.Key, datetime]
    sent_back: dict[store.Key, SentBack]
    files: dict[UUID, Filed]
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
            period=self._period(submission.key, movement),
            contents=frozenset(c["number"] for c in movement.get("contents", ())),
            forms=frozenset(f["code"] for f in movement.get("forms", ())),
            current=self.reports.get(submission.key, ReportState()),
            sent_back=self.sent_back.get(submission.key),
            files=self.files,
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

    def _period(self, key: store.Key, movement: dict[str, Any]) -> OpenPeriod | None:
        """The period by whose date this participant is judged: its own duty's, where it has one."""
        row = self.periods.get(key[1])
        if row is None or row.kind in BY_DOCUMENT:
            return None
        corrections = movement.get("corrections", BY_THEIR_OWN_DATE)
        due = self.dues.get(key, row.due)
        return OpenPeriod(row.period, due, corrections, row.kind, row.form)


async def take_submissions(
    work: UnitOfWork,
    submissions: Sequence[Submission],
    check_sender: Callable[[str, Any], None] = lambda code, row: None,
) -> list[Taken | Refused]:
    """Decide on reports in their order, store what was taken and publish it.

    The locks of the participants' keys are held. Answers come in the order of `submissions`.
    `check_sender` raises Refusal: it gets each participant's code and row, None without one.
    """
    by_ward: dict[str, list[Submission]] = {}
    for submission in submissions:
        by_ward.setdefault(submission.data.ward, []).append(submission)
    keys = {ward: [one.key for one in those] for ward, those in by_ward.items()}
    known = await known_in_wards(work.connection, keys)
    counters = {
        ward: await _open_counter(work, ward, those, known[ward]) for ward, those in by_ward.items()
    }
    for one in submissions:
        code = one.data.participant
        check_sender(code, counters[one.data.ward].participants.get(code))
    outcomes = [_take(work, counters[one.data.ward], one) for one in submissions]
    rows = [row for counter in counters.values() for row in counter.rows]
    met = [row for counter in counters.values() for row in counter.met]
    await store.take_in(work.connection, rows, met)
    return outcomes


async def _open_counter(
    work: UnitOfWork, ward: str, submissions: Sequence[Submission], known: Known
) -> _Counter:
    recalled = await recall(work.connection, ward, known.reports)
    named = [file for one in submissions for _, file, _ in named_files(one.data)]
    return _Counter(
        movements=known.movements,
        participants=known.participants,
        periods=known.periods,
        reports={key: one.state for key, one in recalled.items()},
        owed=known.owed,
        dues=known.dues,
        sent_back={key: one.sent_back for key, one in recalled.items() if one.sent_back},
        files=await filed(work.connection, ward, named),
    )


def _take(work: UnitOfWork, counter: _Counter, submission: Submission) -> Taken | Refused:
    decision = decide_submission(counter.desk(submission), submission.data, submission.received_at)
    if isinstance(decision, Refused) or decision.duplicate:
        return decision
    counter.reports[submission.key] = decision.after
    row = _row(submission, decision, counter.movement(submission))
    entered = work.business.now() if submission.paper else submission.received_at
    counter.rows.append(row | {"taken_at": entered})
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
        door="kafka" if submission.door == "kafka" else "http",
        publisher=submission.publisher,
        items=tuple(
            ReportedItem(
                criterion=item.criterion,
                self_score=item.self_score,
                not_applicable=item.not_applicable or item.nothing_arose,
                narrative=item.narrative or item.reason,
            )
            for item in data.items
        ),
        paper=submission.paper,
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
            kind=owed.kind,
            period=owed.period,
            met_at=submission.received_at,
            on_time=on_time,
        ),
        because_of=submission.because_of,
    )
