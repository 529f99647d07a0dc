"""What the desk's pages call things."""

from datetime import datetime
from typing import Literal

from services.intake.domain.deadline import ESCALATED, OVERDUE
from services.intake.domain.obligation import IS_OVERDUE
from services.intake.domain.rule import BY_DOCUMENT
from services.intake.domain.standing import Standing
from shared.calendar import days_between
from shared.contracts.intake import Manner, ObligationKind

Tone = Literal["good", "info", "warn", "bad", "muted"]

_REPORT: dict[Standing, tuple[str, Tone]] = {
    "accepted": ("Đã tiếp nhận chính thức", "good"),
    "returned": ("Trả lại để chỉnh sửa", "warn"),
    "received": ("Đã gửi, chờ xem xét", "info"),
    "withdrawn": ("Đã rút lại, chưa gửi bản khác", "warn"),
    "reopened": ("Mở lại, chờ bản mới", "warn"),
    "open": ("Chưa gửi", "muted"),
    "overdue": ("Quá hạn, chưa gửi", "bad"),
    "free": ("Không bắt buộc, chưa gửi", "muted"),
}
_PLAN: dict[Standing, tuple[str, Tone]] = {
    "recorded": ("Đã ban hành", "good"),
    "recorded-late": ("Đã ban hành, muộn", "warn"),
    "open": ("Chưa có kế hoạch", "muted"),
    "overdue": ("Quá hạn, chưa có kế hoạch", "bad"),
    "free": ("Không thuộc diện ban hành", "muted"),
}
SECTIONS: dict[ObligationKind, str] = {
    "unit-plan": "mục V.1 của Kế hoạch",
    "digital-literacy-plan": "mục VI.1.b của Kế hoạch",
    "annual-report": "mục VI.1.d của Kế hoạch",
    "midterm-report": "mục V.1 của Kế hoạch",
    "final-report": "mục V.2 của Kế hoạch",
}
"""Where the plan lays each duty."""
DOCUMENTS: dict[ObligationKind, str] = {
    "unit-plan": "kế hoạch",
    "digital-literacy-plan": "kế hoạch Bình dân học vụ số",
}
"""What a unit records by number and date of issue."""
MANNERS: dict[Manner, str] = {
    "owes": "Có trách nhiệm thực hiện",
    "invited": "Được đề nghị thực hiện",
    "voluntary": "Tham gia tự nguyện",
    "proposed": "Do đơn vị đề nghị; không bắt buộc",
}


def words_of(kind: ObligationKind, standing: Standing) -> tuple[str, Tone]:
    """What a page says of where a participant stands, and in which tone."""
    return (_PLAN if kind in BY_DOCUMENT else _REPORT)[standing]


def lateness_words(days: int) -> str:
    return f"muộn {days} ngày" if days else "muộn"


def door_words(door: str | None, publisher: str | None) -> str:
    """How a report came in."""
    if door == "kafka":
        return f"Hệ thống {publisher}"
    if door == "paper":
        return "Nhập thay từ văn bản"
    return "Gửi trực tiếp" if door else ""


def time_left(manner: Manner, due: datetime, now: datetime) -> tuple[str, Tone]:
    """What is said of a deadline while it is waited for; only who owes is told of being late."""
    days = days_between(now, due)
    if now <= due:
        return (f"còn {days} ngày" if days else "hôm nay là ngày cuối"), "info"
    if manner not in IS_OVERDUE:
        return "đã qua ngày đề nghị, gửi sau vẫn được nhận", "muted"
    return (f"quá hạn {-days} ngày" if days else "quá hạn"), "bad"


def reminder_words(offset: int) -> str:
    """What the planner told of a duty, by the days before its deadline."""
    if offset == OVERDUE:
        return "báo đã quá hạn"
    if offset == ESCALATED:
        return "báo người đứng đầu"
    return f"nhắc trước hạn {offset} ngày" if offset else "nhắc vào ngày cuối"
