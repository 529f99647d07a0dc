"""Letters of every kind, to whoever owes, is invited, or is one person; kept as golden files."""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from services.notify.domain.letter import (
    SECTIONS,
    About,
    ApprovalAsked,
    ApprovalSettled,
    AwardDecided,
    Deadline,
    DeadlineMoved,
    Duty,
    DutyWithdrawn,
    Escalated,
    Letter,
    Manner,
    Obligation,
    ObligationOpened,
    OfficeSummary,
    OnPaper,
    Overdue,
    OwnResult,
    Reason,
    Reminder,
    ReportAccepted,
    ReportReceived,
    ReportReopened,
    ReportReturned,
    Sender,
)
from shared.calendar import WARD_ZONE, last_moment_before, last_moment_of
from shared.mailbox import Mailbox

OF_NO_DUTY = OfficeSummary | OwnResult | AwardDecided
"""Letters that are about no duty of their reader's."""
SENT_AT = datetime(2025, 12, 9, 7, 30, tzinfo=WARD_ZONE)
EVENT = "0198f2a4-6f6e-7c3a-9a51-2f5c9f1f0a01"
SENDER = Sender(
    mailbox=Mailbox("Phòng Văn hóa - Xã hội phường Tứ Minh", "thi-dua@tu-minh.example"),
    reply_to=Mailbox("Phòng Văn hóa - Xã hội phường Tứ Minh", "vhxh@tu-minh.example"),
    domain="tu-minh.example",
    origin="https://thidua.tu-minh.example",
    ward="phường Tứ Minh",
    plan=(
        "Kế hoạch phát động Phong trào thi đua “Cả nước thi đua đổi mới sáng tạo và chuyển đổi số” "
        "trên địa bàn phường Tứ Minh, giai đoạn 2025 - 2030"
    ),
)
SCHOOL = About("thcs-tu-minh", "Trường THCS Tứ Minh", "2025-annual", "năm 2025")
FRONT = About(
    "ub-mttq", "Ủy ban Mặt trận Tổ quốc Việt Nam phường Tứ Minh", "2025-annual", "năm 2025"
)
TEACHER = About(
    "giao-vien-tin-hoc", "Giáo viên dạy Tin học", "2025-annual", "năm 2025", collective=False
)
REPORTER = Mailbox("Đầu mối báo cáo Trường THCS Tứ Minh", "dau-moi@thcs-tu-minh.example")
FRONT_DESK = Mailbox("Đầu mối Ủy ban MTTQ Việt Nam phường", "dau-moi@mttq.example")
BEFORE_10_12 = Deadline(last_moment_before(date(2025, 12, 10)), "trước ngày 10/12/2025")
IN_AUGUST = Deadline(last_moment_of(date(2025, 8, 31)), "trong tháng 8 năm 2025")
REPORT = Obligation(Duty.ANNUAL_REPORT, Manner.OWES, BEFORE_10_12, SECTIONS[Duty.ANNUAL_REPORT])
PLAN = Obligation(Duty.UNIT_PLAN, Manner.OWES, IN_AUGUST, SECTIONS[Duty.UNIT_PLAN])
UNTIL_15_12 = Deadline(last_moment_of(date(2025, 12, 15)), "đến hết ngày 15/12/2025")
MOVED = replace(REPORT, deadline=UNTIL_15_12)
STORM = "Ảnh hưởng của bão số 10."
INVITED_MOVED = replace(MOVED, manner=Manner.INVITED)
INVITED_REPORT = replace(REPORT, manner=Manner.INVITED)
PROPOSED_REPORT = replace(REPORT, manner=Manner.PROPOSED)
INVITED_PLAN = replace(PLAN, manner=Manner.INVITED)
PATH = "/intake/duties/0198f2a4-6f6e-7c3a-9a51-2f5c9f1f0b01"
DRAFT = "/intake/drafts/thcs-tu-minh/2025-annual"
PLAN_PATH = "/intake/duties/0198f2a4-6f6e-7c3a-9a51-2f5c9f1f0b02"
AT_THE_FRONT = "/intake/duties/0198f2a4-6f6e-7c3a-9a51-2f5c9f1f0b03"
AT_THE_TEACHER = "/intake/files/giao-vien-tin-hoc/2025-annual"
RECEIVED = datetime(2025, 12, 5, 9, 30, tzinfo=WARD_ZONE)
RECEIVED_LATE = datetime(2025, 12, 11, 16, 5, tzinfo=WARD_ZONE)
REASONS = (
    Reason("Tiêu chí a1", "chưa có tài liệu chứng minh cho phần tự chấm 38,5 điểm"),
    Reason("Nội dung 3", "chưa nêu số liệu hồ sơ trực tuyến của năm 2025 và cách tính tỷ lệ"),
)
CORRECT_BY = last_moment_of(date(2025, 12, 15))

ON_PAPER = OnPaper(
    "15/BC-THCS",
    date(2025, 12, 3),
    date(2025, 12, 5),
    mailed=False,
    by="Công chức phụ trách thi đua",
    acting_for="Công chức thay thế",
    recorded_at=datetime(2025, 12, 9, 14, 20, tzinfo=WARD_ZONE),
)
MAILED = replace(ON_PAPER, mailed=True, by="", acting_for="")

OWED: dict[str, Letter] = {
    "obligation-opened-report": ObligationOpened(SCHOOL, PATH, REPORT),
    "obligation-opened-plan": ObligationOpened(SCHOOL, PLAN_PATH, PLAN),
    **{f"reminder-{left}": Reminder(SCHOOL, PATH, REPORT, left) for left in (30, 14, 7, 3, 1, 0)},
    "reminder-plan-7": Reminder(SCHOOL, PLAN_PATH, PLAN, 7),
    "overdue": Overdue(SCHOOL, PATH, REPORT, 1),
    "overdue-plan": Overdue(SCHOOL, PLAN_PATH, PLAN, 3),
    "by-hand-reminder": Reminder(SCHOOL, PATH, REPORT, 5, by_hand=True),
    "by-hand-overdue": Overdue(SCHOOL, PATH, REPORT, 4, by_hand=True),
    "escalated": Escalated(SCHOOL, PATH, REPORT, 6),
    "escalated-plan": Escalated(SCHOOL, PLAN_PATH, PLAN, 4),
    "deadline-moved": DeadlineMoved(SCHOOL, PATH, MOVED, BEFORE_10_12.last_moment, STORM),
    "duty-waived": DutyWithdrawn(SCHOOL, PATH, REPORT, "waived", "Đơn vị mới thành lập."),
    "duty-excused": DutyWithdrawn(SCHOOL, PLAN_PATH, PLAN, "excused", STORM),
    "duty-rule-changed": DutyWithdrawn(SCHOOL, PATH, REPORT, "rule-changed"),
    "report-received": ReportReceived(SCHOOL, PATH, REPORT, 1, RECEIVED, late=False),
    "report-received-late": ReportReceived(SCHOOL, PATH, REPORT, 2, RECEIVED_LATE, late=True),
    "report-received-paper": ReportReceived(
        SCHOOL, PATH, REPORT, 1, RECEIVED, late=False, paper=ON_PAPER
    ),
    "report-received-mailed": ReportReceived(
        SCHOOL, PATH, REPORT, 1, RECEIVED_LATE, late=True, paper=MAILED
    ),
    "report-returned": ReportReturned(SCHOOL, PATH, REPORT, 1, REASONS, CORRECT_BY),
    "report-reopened": ReportReopened(SCHOOL, PATH, REPORT, 2, REASONS, CORRECT_BY),
    "report-accepted": ReportAccepted(SCHOOL, PATH, REPORT, 2, RECEIVED_LATE),
    "approval-asked": ApprovalAsked(SCHOOL, DRAFT, REPORT, SCHOOL.unit, RECEIVED),
    "approval-given": ApprovalSettled(
        SCHOOL, DRAFT, REPORT, approved=True, said="", settled_at=RECEIVED
    ),
    "approval-refused": ApprovalSettled(
        SCHOOL, DRAFT, REPORT, approved=False, said="Bổ sung số liệu của a1.", settled_at=RECEIVED
    ),
    "own-result": OwnResult(
        SCHOOL,
        "/scoring/?period=2025-annual",
        Decimal("87.50"),
        "Tốt",
        3,
        12,
        "khối các cơ sở giáo dục",
    ),
    "award-decided": AwardDecided(
        SCHOOL,
        "/awards/dossiers/2025-annual.thcs-tu-minh",
        "Trường THCS Tứ Minh",
        "Giấy khen",
        "Đơn vị tiêu biểu trong Phong trào thi đua năm 2025",
        "215/QĐ-UBND",
        date(2025, 12, 26),
        "Chủ tịch Ủy ban nhân dân phường Tứ Minh",
    ),
}
INVITED: dict[str, Letter] = {
    "invited-approval-asked": ApprovalAsked(FRONT, DRAFT, INVITED_REPORT, FRONT.unit, RECEIVED),
    "invited-approval-refused": ApprovalSettled(
        FRONT, DRAFT, INVITED_REPORT, approved=False, said="Thiếu số liệu.", settled_at=RECEIVED
    ),
    "invited-opened-report": ObligationOpened(FRONT, AT_THE_FRONT, INVITED_REPORT),
    "invited-opened-plan": ObligationOpened(FRONT, AT_THE_FRONT, INVITED_PLAN),
    "invited-reminder-7": Reminder(FRONT, AT_THE_FRONT, INVITED_REPORT, 7),
    "invited-reminder-1": Reminder(FRONT, AT_THE_FRONT, INVITED_REPORT, 1),
    "invited-reminder-0": Reminder(FRONT, AT_THE_FRONT, INVITED_REPORT, 0),
    "invited-by-hand": Reminder(FRONT, AT_THE_FRONT, INVITED_REPORT, 5, by_hand=True),
    "invited-overdue": Overdue(FRONT, AT_THE_FRONT, INVITED_REPORT, 2),
    "invited-moved": DeadlineMoved(
        FRONT, AT_THE_FRONT, INVITED_MOVED, BEFORE_10_12.last_moment, STORM
    ),
    "invited-left": DutyWithdrawn(FRONT, AT_THE_FRONT, INVITED_REPORT, "left"),
    "invited-received-late": ReportReceived(
        FRONT, AT_THE_FRONT, INVITED_REPORT, 1, RECEIVED_LATE, late=True
    ),
    "invited-received-paper": ReportReceived(
        FRONT, AT_THE_FRONT, INVITED_REPORT, 1, RECEIVED_LATE, late=True, paper=MAILED
    ),
    "invited-returned": ReportReturned(FRONT, AT_THE_FRONT, INVITED_REPORT, 1, REASONS, CORRECT_BY),
    "invited-reopened": ReportReopened(FRONT, AT_THE_FRONT, INVITED_REPORT, 1, REASONS, CORRECT_BY),
    "invited-accepted": ReportAccepted(FRONT, AT_THE_FRONT, INVITED_REPORT, 1, RECEIVED_LATE),
}
ONE: dict[str, Letter] = {
    "individual-opened": ObligationOpened(TEACHER, AT_THE_TEACHER, PROPOSED_REPORT),
    "individual-reminder-7": Reminder(TEACHER, AT_THE_TEACHER, PROPOSED_REPORT, 7),
    "individual-overdue": Overdue(TEACHER, AT_THE_TEACHER, PROPOSED_REPORT, 2),
    "individual-received": ReportReceived(
        TEACHER, AT_THE_TEACHER, PROPOSED_REPORT, 1, RECEIVED, late=False
    ),
    "individual-returned": ReportReturned(
        TEACHER, AT_THE_TEACHER, PROPOSED_REPORT, 1, REASONS, CORRECT_BY
    ),
    "individual-accepted": ReportAccepted(TEACHER, AT_THE_TEACHER, PROPOSED_REPORT, 1, RECEIVED),
    "individual-approval-asked": ApprovalAsked(
        TEACHER, DRAFT, PROPOSED_REPORT, SCHOOL.unit, RECEIVED
    ),
    "individual-approval-given": ApprovalSettled(
        TEACHER, DRAFT, PROPOSED_REPORT, approved=True, said="", settled_at=RECEIVED
    ),
    "individual-result": OwnResult(
        TEACHER,
        "/scoring/?period=2025-annual",
        Decimal("91.00"),
        "Tốt",
        1,
        4,
        "khối cá nhân là công chức, viên chức",
    ),
}
"""One person, whom nobody calls a unit."""
_DESK, _BOARD = About("phong-vhxh.officer", "", "", ""), "/intake/duties?year=2025"
OFFICE: dict[str, Letter] = {
    "office-summary": OfficeSummary(_DESK, _BOARD, SENT_AT, 4, 3, 6, 5),
    "office-summary-received": OfficeSummary(_DESK, _BOARD, SENT_AT, 4, 3, 0, 0),
    "office-summary-overdue": OfficeSummary(_DESK, _BOARD, SENT_AT, 0, 0, 6, 6),
}
SAMPLES = OWED | INVITED | ONE | OFFICE
