"""What intake publishes: the movement, who owes what, reports, contacts."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.base import Code, Day, Event, Instant, Part, Points, Text

CONTACTS_TOPIC = "thidua.intake.contacts.v1"
ACCESS_TOPIC = "thidua.intake.access.v1"

ObligationKind = Literal[
    "unit-plan", "digital-literacy-plan", "annual-report", "midterm-report", "final-report"
]
"""A unit's own plan (plan V.1), its plan for digital literacy (VI.1.b), the report of a year
(VI.1.d), the reviews of 2027 and 2030 (V.1, V.2).
"""
Manner = Literal["owes", "invited", "voluntary", "proposed"]
"""How a participant stands to a duty: owes it, is invited, takes part freely, is proposed."""


class Content(Part):
    number: int
    text: Text


class Criterion(Part):
    """`only_for`: the kinds of participant it applies to; empty means all of its group."""

    code: Code
    text: Text
    only_for: tuple[Code, ...] = ()


class Group(Part):
    code: Code
    title: Text
    criteria: tuple[Criterion, ...]


class Form(Part):
    """A reward form. `decided_here`: the ward's Chairman decides it (else it is proposed)."""

    code: Code
    title: Text
    collectives: bool
    individuals: bool
    decided_here: bool
    annual: bool


class Block(Part):
    """A khối: those who are ranked together."""

    code: Code
    group: Code
    title: Text


class MovementLaunched(Event):
    """A version of the movement is in force (plan sections II, III, V)."""

    TYPE: ClassVar[str] = "vn.thidua.intake.movement-launched.v1"

    movement: Code
    version: int = Field(ge=1)
    title: Text
    place: Text
    launched_on: Day
    contents: tuple[Content, ...]
    groups: tuple[Group, ...]
    blocks: tuple[Block, ...]
    forms: tuple[Form, ...]

    @property
    def subject(self) -> str:
        return self.movement


class PeriodOpened(Event):
    """A period for reports of one kind is open; `report_by` is its last on-time moment."""

    TYPE: ClassVar[str] = "vn.thidua.intake.period-opened.v1"

    period: Code
    movement: Code
    title: Text
    year: int
    opened_on: Day
    report_by: Instant
    report_by_text: Text
    kind: ObligationKind = "annual-report"

    @property
    def subject(self) -> str:
        return self.period


class _AboutParticipant(Event):
    participant: Code

    @property
    def subject(self) -> str:
        return self.participant


class ParticipantRegistered(_AboutParticipant):
    """A participant, its group and khối, as they are from now on; whoever had left is back.

    `reporter` is the id of the person told of its duties.
    """

    TYPE: ClassVar[str] = "vn.thidua.intake.participant-registered.v1"

    name: Text
    kind: Code
    collective: bool
    group: Code
    block: Code
    manner: Manner
    proposed_by: Code | None = None
    proposed_by_name: Text = ""
    reporter: str


class ParticipantLeft(_AboutParticipant):
    """A participant takes part no more; what it did stays. `into`: the unit it was merged into.

    Whom it proposed is told by `participant-registered` under the unit that proposes them now.
    """

    TYPE: ClassVar[str] = "vn.thidua.intake.participant-left.v1"

    why: Literal["left", "merged-into"]
    into: Code | None = None
    left_on: Day


class _AboutObligation(_AboutParticipant):
    obligation: UUID
    kind: ObligationKind
    period: Code
    manner: Manner
    due: Instant
    due_text: Text


class ObligationOpened(_AboutObligation):
    """Somebody owes, or is invited to do, something by `due`."""

    TYPE: ClassVar[str] = "vn.thidua.intake.obligation-opened.v1"


class ReminderDue(_AboutObligation):
    """A planned reminder has come due; `days_left` counts to the deadline's calendar day.

    `by_hand`: the office reminds outside of the plan. Then both numbers are the true days left,
    below zero where whoever owes is late.
    """

    TYPE: ClassVar[str] = "vn.thidua.intake.reminder-due.v1"

    offset_days: int
    days_left: int
    by_hand: bool = False


class ObligationOverdue(_AboutObligation):
    """The deadline passed and the obligation is still open. Late is accepted, never refused."""

    TYPE: ClassVar[str] = "vn.thidua.intake.obligation-overdue.v1"

    days_late: int


class ObligationEscalated(_AboutObligation):
    """The ward's grace after a deadline is over: the head of the unit is told, one fact for each.

    `head` is a person's id; None: nobody is known to head the unit.
    """

    TYPE: ClassVar[str] = "vn.thidua.intake.obligation-escalated.v1"

    days_late: int
    head: str | None = None


class ObligationMet(_AboutParticipant):
    """The obligation is met; reminders of it are moot."""

    TYPE: ClassVar[str] = "vn.thidua.intake.obligation-met.v1"

    obligation: UUID
    kind: ObligationKind
    period: Code
    met_at: Instant
    on_time: bool


class ObligationMoved(_AboutObligation):
    """An open duty has another date or manner; `why` in the office's words, or the rule's."""

    TYPE: ClassVar[str] = "vn.thidua.intake.obligation-moved.v1"

    was_due: Instant
    why: Text


class ObligationWithdrawn(_AboutParticipant):
    """An open duty is not asked for any more; `reason` in words, "" where `why` says it all."""

    TYPE: ClassVar[str] = "vn.thidua.intake.obligation-withdrawn.v1"

    obligation: UUID
    kind: ObligationKind
    period: Code
    why: Literal["waived", "excused", "rule-changed", "left"]
    reason: Text = ""


class PlanRecorded(_AboutParticipant):
    """A unit's own plan, judged by its date of issue (plan V.1: August 2025)."""

    TYPE: ClassVar[str] = "vn.thidua.intake.plan-recorded.v1"

    period: Code
    number: Text
    issued_on: Day
    on_time: bool


class ReportedItem(Part):
    """What a unit says of one criterion; `self_score` None when not applicable, and in a review."""

    criterion: Code
    self_score: Points | None
    not_applicable: bool = False
    narrative: Text = ""


class Nomination(Part):
    subject: Text
    form: Code
    reason: Text


class PaperDocument(Part):
    """The document from which the office entered a report on a unit's behalf; `recorded_by` and,
    "" for nobody, `acting_for` are ids of people.
    """

    number: Text
    dated: Day
    received_on: Day
    came_by: Literal["paper", "mail"]
    recorded_by: str
    acting_for: str = ""
    recorded_at: Instant


class ReportReceived(_AboutParticipant):
    """A door took a report. `late` is judged by `received_at` (HTTP commit, append time, or the
    day on which the office received the `paper`).
    """

    TYPE: ClassVar[str] = "vn.thidua.intake.report-received.v1"

    period: Code
    report_id: UUID
    revision: int
    received_at: Instant
    late: bool
    days_late: int
    door: Literal["http", "kafka"]
    publisher: Code | None = None
    items: tuple[ReportedItem, ...]
    paper: PaperDocument | None = None


class ReturnReason(Part):
    pointer: str
    text: Text


class ReportReturned(_AboutParticipant):
    """The office sent a report back to be corrected, with a reason per place."""

    TYPE: ClassVar[str] = "vn.thidua.intake.report-returned.v1"

    period: Code
    report_id: UUID
    revision: int
    reasons: tuple[ReturnReason, ...]
    correct_by: Instant
    returned_at: Instant


class ReportAccepted(_AboutParticipant):
    """The office (never the unit itself) accepted a report; its nominations now count."""

    TYPE: ClassVar[str] = "vn.thidua.intake.report-accepted.v1"

    period: Code
    report_id: UUID
    revision: int
    accepted_at: Instant
    late: bool
    nominations: tuple[Nomination, ...] = ()


class ReportReopened(_AboutParticipant):
    """The office asks for a new version of a report that it had accepted: what rested on the
    acceptance of this revision rests on it no more, but for what is final.
    """

    TYPE: ClassVar[str] = "vn.thidua.intake.report-reopened.v1"

    period: Code
    report_id: UUID
    revision: int
    reasons: tuple[ReturnReason, ...]
    correct_by: Instant
    reopened_at: Instant


class ReportWithdrawn(_AboutParticipant):
    """A unit took back a version that nobody had judged; there is nothing to judge any more."""

    TYPE: ClassVar[str] = "vn.thidua.intake.report-withdrawn.v1"

    period: Code
    report_id: UUID
    revision: int
    withdrawn_at: Instant


class ApprovalAsked(_AboutParticipant):
    """A draft of a report waits for the head of its unit, without whom it is not sent.

    `draft`: the draft's version, which grows; `heads`: ids of those who head the unit and have not
    asked themselves, none where nobody is known to.
    """

    TYPE: ClassVar[str] = "vn.thidua.intake.approval-asked.v1"

    period: Code
    kind: ObligationKind
    draft: int
    asked_at: Instant
    heads: tuple[str, ...] = ()


class ApprovalSettled(_AboutParticipant):
    """A draft does not wait for its head any more, or was approved and holds so no more.

    `said`: a head's words when sending back. `authors`: ids of those who wrote it and have not
    settled it themselves.
    """

    TYPE: ClassVar[str] = "vn.thidua.intake.approval-settled.v1"

    period: Code
    kind: ObligationKind
    draft: int
    outcome: Literal["approved", "sent-back", "taken-back", "sent"]
    settled_at: Instant
    said: Text = ""
    authors: tuple[str, ...] = ()


class SummaryDue(Event):
    """On a working morning one of those who judge is told what waits for them, once something new
    does.

    `waiting` reports that nobody has judged, of those that the person may judge; `overdue` duties;
    `…_new` of each since the summary before, the newest of `year`. `at`: 07:30 of the morning, up
    to which is counted.
    """

    TYPE: ClassVar[str] = "vn.thidua.intake.summary-due.v1"

    person: str
    at: Instant
    waiting: int = Field(ge=0)
    waiting_new: int = Field(ge=0)
    overdue: int = Field(ge=0)
    overdue_new: int = Field(ge=0)
    year: int

    @property
    def subject(self) -> str:
        return self.person


class ContactRecorded(Event):
    """A person's name and address: the one place where personal data travels (law 9)."""

    TYPE: ClassVar[str] = "vn.thidua.intake.contact-recorded.v1"
    TOPIC: ClassVar[str] = CONTACTS_TOPIC

    person: str
    name: Text
    email: str

    @property
    def subject(self) -> str:
        return self.person


class ContactErased(Event):
    """A tombstone on the contacts topic: every copy forgets the person."""

    TYPE: ClassVar[str] = "vn.thidua.intake.contact-erased.v1"
    TOPIC: ClassVar[str] = CONTACTS_TOPIC
    ERASES: ClassVar[bool] = True

    person: str

    @property
    def subject(self) -> str:
        return self.person


class AccessEnded(Event):
    """Tokens of a person that were issued before a moment are not believed any more.

    `session` None: of all their sessions. The topic is kept for days only: no token lives longer.
    """

    TYPE: ClassVar[str] = "vn.thidua.intake.access-ended.v1"
    TOPIC: ClassVar[str] = ACCESS_TOPIC

    person: str
    session: UUID | None
    issued_before: Instant

    @property
    def subject(self) -> str:
        return self.person
