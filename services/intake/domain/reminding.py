"""Reminding by hand: what the office may send beside what is planned (plan VI.2.c)."""

from dataclasses import dataclass
from datetime import datetime

from services.intake.domain.deadline import lateness
from services.intake.domain.obligation import IS_OVERDUE, IS_REMINDED, State
from shared.contracts.intake import Manner
from shared.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Asked:
    """A duty when somebody wants to remind of it; `today`: how often that was done by hand today.

    `state` None: nothing is asked of them.
    """

    state: State | None
    manner: Manner
    due: datetime
    today: int


def why_not(asked: Asked, now: datetime, most: int) -> Refusal | None:
    """Why it may not be done now, at most `most` times a day; None: it may."""
    if asked.state != "open":
        return Refusal("obligation-closed", "Nhiệm vụ này không còn chờ thực hiện.")
    if asked.manner not in IS_REMINDED:
        detail = "Đơn vị tham gia tự nguyện hoặc được đề nghị khen thưởng thì không nhắc."
        return Refusal("not-reminded", detail)
    if asked.manner not in IS_OVERDUE and lateness(asked.due, now).late:
        return Refusal("date-passed", "Đã qua ngày đề nghị; đơn vị được mời thì không nhắc nữa.")
    if asked.today >= most:
        detail = f"Hôm nay đã nhắc việc này; mỗi ngày nhắc nhiều nhất {most} lần."
        return Refusal("reminded-today", detail)
    return None


def check_may_remind(asked: Asked, now: datetime, most: int) -> None:
    """Raises Refusal."""
    refusal = why_not(asked, now, most)
    if refusal is not None:
        raise refusal
