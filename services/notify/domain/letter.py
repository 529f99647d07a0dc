"""What a mail says, apart from how it is laid out and sent.

Each kind of letter is a class. Facts come in typed; text is Vietnamese, NFC. Whoever does not owe
a duty (the Fatherland Front, enterprises; plan VI.4 and II) is invited and never dunned.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar
from uuid import UUID, uuid5

from shared.calendar import vietnamese_date, ward_day
from shared.mailbox import Mailbox

_LETTERS = UUID("7b0c9d0e-53c4-5d0c-9a56-2f6c1d5f7a11")
_PATH = re.compile(r"/(?!/)[A-Za-z0-9._~%!$&'()*+,;=:@/?-]*(#[A-Za-z0-9._~%-]+)?")
_WEEKDAYS = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")


class Duty(StrEnum):
    """What is asked; the values are those of the published language."""

    UNIT_PLAN = "unit-plan"
    LITERACY_PLAN = "digital-literacy-plan"
    ANNUAL_REPORT = "annual-report"
    MIDTERM_REPORT = "midterm-report"
    FINAL_REPORT = "final-report"


class Manner(StrEnum):
    """How a participant stands to a duty; the values are those of the published language."""

    OWES = "owes"
    INVITED = "invited"
    VOLUNTARY = "voluntary"
    PROPOSED = "proposed"


SECTIONS = {
    Duty.UNIT_PLAN: "mục V.1",
    Duty.LITERACY_PLAN: "mục VI.1.b",
    Duty.ANNUAL_REPORT: "mục VI.1.d",
    Duty.MIDTERM_REPORT: "mục V.1",
    Duty.FINAL_REPORT: "mục V.2",
}
"""Where the plan of Tứ Minh words each duty."""
_DOCUMENTS = {
    Duty.UNIT_PLAN: (
        "kế hoạch triển khai Phong trào thi đua",
        "Kế hoạch triển khai thực hiện Phong trào thi đua",
    ),
    Duty.LITERACY_PLAN: ("kế hoạch Bình dân học vụ số", "Kế hoạch Bình dân học vụ số"),
    Duty.MIDTERM_REPORT: (
        "báo cáo sơ kết Phong trào thi đua",
        "Báo cáo sơ kết giai đoạn 1 Phong trào thi đua",
    ),
    Duty.FINAL_REPORT: (
        "báo cáo tổng kết Phong trào thi đua",
        "Báo cáo tổng kết Phong trào thi đua",
    ),
}
"""Duties but the report of a year: the short name of what is asked, and its full one."""
ISSUED = frozenset({Duty.UNIT_PLAN, Duty.LITERACY_PLAN})
"""Duties that are met by a document of the unit's own; the others by a report that it sends."""
REPORTS = frozenset(Duty) - ISSUED


def capital(text: str) -> str:
    """The text with its first letter in upper case, the rest as it was."""
    return text[:1].upper() + text[1:]


@dataclass(frozen=True)
class Sender:
    """Who speaks: the ward's settings. `domain` ends Message-IDs; `origin` starts every link."""

    mailbox: Mailbox
    reply_to: Mailbox
    domain: str
    origin: str
    ward: str
    plan: str
    desk: str = "Phòng Văn hóa - Xã hội"
    phone: str = ""

    def link(self, path: str) -> str:
        """Origin + path, plain; raises ValueError for anything that is not a path of ours."""
        if not _PATH.fullmatch(path):
            raise ValueError(f"not a path under the origin: {path!r}")
        return self.origin.rstrip("/") + path


@dataclass(frozen=True)
class About:
    """Whose matter it is: one participant in one period. All its letters form one thread.

    `collective` False: one person, who is never called a unit.
    """

    participant: str
    unit: str
    period: str
    period_title: str
    collective: bool = True


@dataclass(frozen=True)
class Deadline:
    """`last_moment` is the last on-time instant; `wording` is the plan's: "trước ngày …"."""

    last_moment: datetime
    wording: str

    @property
    def last_day(self) -> date:
        """The last on-time day in the ward's zone."""
        return ward_day(self.last_moment)

    def days_left(self, today: date) -> int:
        """Calendar days until the last on-time day; 0 on it, negative after it."""
        return (self.last_day - today).days


@dataclass(frozen=True)
class Obligation:
    """A duty, or an invitation, with its date and the plan section that words it."""

    duty: Duty
    manner: Manner
    deadline: Deadline
    section: str

    @property
    def owes(self) -> bool:
        """True only for whoever owes the duty; all others are invited."""
        return self.manner is Manner.OWES


@dataclass(frozen=True)
class _Letter:
    kind: ClassVar[str]

    about: About
    path: str


@dataclass(frozen=True)
class _ObligationLetter(_Letter):
    obligation: Obligation


@dataclass(frozen=True)
class ObligationOpened(_ObligationLetter):
    """Something is asked of the unit from now on."""

    kind: ClassVar[str] = "obligation-opened"


@dataclass(frozen=True)
class Reminder(_ObligationLetter):
    """`days_left` are the real ones on the day of sending; 0 is the last on-time day.

    `by_hand`, here and below: the office sent it itself, beside what was planned.
    """

    kind: ClassVar[str] = "reminder"

    days_left: int
    by_hand: bool = False

    def __post_init__(self) -> None:
        if self.days_left < 0:
            raise ValueError("a reminder cannot follow its deadline; write Overdue")


@dataclass(frozen=True)
class Overdue(_ObligationLetter):
    """The last on-time day was `days_late` days ago, at least 1."""

    kind: ClassVar[str] = "overdue"

    days_late: int
    by_hand: bool = False

    def __post_init__(self) -> None:
        if self.days_late < 1:
            raise ValueError("nothing is overdue on its last on-time day; write Reminder")


@dataclass(frozen=True)
class Escalated(_ObligationLetter):
    """The head of the unit is told that it is `days_late` days late, at least 1."""

    kind: ClassVar[str] = "escalated"

    days_late: int

    def __post_init__(self) -> None:
        if self.days_late < 1:
            raise ValueError("nothing is overdue on its last on-time day")


@dataclass(frozen=True)
class DeadlineMoved(_ObligationLetter):
    """The date is another one than its reader was told: `was`, the last on-time moment of then."""

    kind: ClassVar[str] = "deadline-moved"

    was: datetime
    why: str

    @property
    def was_day(self) -> date:
        return ward_day(self.was)


@dataclass(frozen=True)
class DutyWithdrawn(_ObligationLetter):
    """What was asked is not asked any more; `why` as the published language has it."""

    kind: ClassVar[str] = "duty-withdrawn"

    why: str
    reason: str = ""


@dataclass(frozen=True)
class OnPaper:
    """A unit's document that the office has entered; `by`: names of who did, "" for a name that is
    not known any more, and of whom they acted for, "" for nobody.
    """

    number: str
    dated: date
    received_on: date
    mailed: bool
    by: str
    acting_for: str
    recorded_at: datetime


@dataclass(frozen=True)
class ReportReceived(_ObligationLetter):
    """A door took revision `revision` (from 1) of the report."""

    kind: ClassVar[str] = "report-received"

    revision: int
    received_at: datetime
    late: bool
    paper: OnPaper | None = None


@dataclass(frozen=True)
class Reason:
    """Why a report came back: the part of the report, in words, and what to correct in it."""

    section: str
    text: str


@dataclass(frozen=True)
class ReportReturned(_ObligationLetter):
    """A report came back for correction until `correct_by`, the last moment."""

    kind: ClassVar[str] = "report-returned"

    revision: int
    reasons: tuple[Reason, ...]
    correct_by: datetime


@dataclass(frozen=True)
class ReportReopened(ReportReturned):
    """An accepted report is wanted anew until `correct_by`, the last moment."""

    kind: ClassVar[str] = "report-reopened"


@dataclass(frozen=True)
class ReportAccepted(_ObligationLetter):
    """A report was accepted."""

    kind: ClassVar[str] = "report-accepted"

    revision: int
    accepted_at: datetime


@dataclass(frozen=True)
class ApprovalAsked(_ObligationLetter):
    """The head of `unit` is asked to approve a report before it is sent."""

    kind: ClassVar[str] = "approval-asked"

    unit: str
    asked_at: datetime


@dataclass(frozen=True)
class ApprovalSettled(_ObligationLetter):
    """The head of the unit has approved a report, or sent it back with the words `said`."""

    kind: ClassVar[str] = "approval-settled"

    approved: bool
    said: str
    settled_at: datetime


@dataclass(frozen=True)
class OfficeSummary(_Letter):
    """What waited at `at` for one who judges; `…_new` of it came since the mail before."""

    kind: ClassVar[str] = "office-summary"

    at: datetime
    waiting: int
    waiting_new: int
    overdue: int
    overdue_new: int
    section: str = "mục VI.2.c"


@dataclass(frozen=True)
class OwnResult(_Letter):
    """A unit's own frozen result; `rank` of `ranked` inside its khối. Nobody else's is told."""

    kind: ClassVar[str] = "own-result"

    total: Decimal
    grade: str
    rank: int
    ranked: int
    block: str
    section: str = "mục III.1"


@dataclass(frozen=True)
class AwardDecided(_Letter):
    """A decision rewards `name` (a collective or a person) with `form`, say "Giấy khen"."""

    kind: ClassVar[str] = "award-decided"

    name: str
    form: str
    achievement: str
    decision_number: str
    decided_on: date
    decided_by: str
    section: str = "mục III.2.a"


Letter = (
    ObligationOpened
    | Reminder
    | Overdue
    | ReportReceived
    | ReportReturned
    | ReportReopened
    | ReportAccepted
    | OwnResult
    | AwardDecided
    | Escalated
    | DeadlineMoved
    | DutyWithdrawn
    | ApprovalAsked
    | ApprovalSettled
    | OfficeSummary
)


def duty_page(obligation: str, participant: str, period: str) -> str:
    """Where a duty is done and its report is looked at; `obligation` "": nobody was asked."""
    if obligation:
        return f"/intake/duties/{obligation}"
    return f"/intake/files/{participant}/{period}"


def draft_page(participant: str, period: str) -> str:
    """Where a report is written, approved and sent."""
    return f"/intake/drafts/{participant}/{period}"


def remind(
    about: About, path: str, obligation: Obligation, today: date, *, by_hand: bool = False
) -> Reminder | Overdue:
    """The letter that is true on `today`, whatever the day for which it was planned."""
    left = obligation.deadline.days_left(today)
    if left < 0:
        return Overdue(about, path, obligation, -left, by_hand)
    return Reminder(about, path, obligation, left, by_hand)


def message_id(event: str, recipient: str, kind: str, domain: str) -> str:
    """The same for every attempt at one mail: (event, recipient's address, kind)."""
    return f"<{_identity(event, recipient.casefold(), kind)}@{domain}>"


def thread_id(about: About, domain: str) -> str:
    """What all letters about one participant in one period refer to."""
    return f"<{_identity('thread', about.participant, about.period)}@{domain}>"


def _identity(*parts: str) -> UUID:
    return uuid5(_LETTERS, "|".join(unicodedata.normalize("NFC", part) for part in parts))


def task(letter: _ObligationLetter) -> str:
    """The short name of what is asked, in lower case: "báo cáo thi đua năm 2025"."""
    if letter.obligation.duty is Duty.ANNUAL_REPORT:
        return f"báo cáo thi đua {letter.about.period_title}"
    return _DOCUMENTS[letter.obligation.duty][0]


def full_task(letter: _ObligationLetter) -> str:
    """What is asked, in the plan's own words (V, VI.1)."""
    if letter.obligation.duty is Duty.ANNUAL_REPORT:
        return (
            "báo cáo kết quả, tình hình tổ chức thực hiện Phong trào thi đua "
            f"{letter.about.period_title}"
        )
    return _DOCUMENTS[letter.obligation.duty][1]


def verb(letter: _ObligationLetter) -> str:
    """What is done with it: a report is sent, a unit's own document is issued."""
    return "ban hành" if letter.obligation.duty in ISSUED else "gửi"


def remaining(days_left: int) -> str:
    """ "còn 7 ngày", and on the last on-time day "hôm nay là ngày cuối cùng"."""
    return f"còn {days_left} ngày" if days_left else "hôm nay là ngày cuối cùng"


def full_day(day: date) -> str:
    """ "thứ Ba, ngày 09/12/2025"."""
    return f"{_WEEKDAYS[day.weekday()]}, ngày {vietnamese_date(day)}"


def points(value: Decimal) -> str:
    """Points with a decimal comma and no idle zeros: 87,5."""
    return f"{value.normalize():f}".replace(".", ",")
