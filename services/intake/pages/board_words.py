"""What the board of a year calls things."""

from collections.abc import Mapping

from services.intake.domain.year import CellState
from services.intake.pages.words import Tone

STATE_WORDS: Mapping[CellState, tuple[str, Tone]] = {
    "overdue": ("Quá hạn", "bad"),
    "open": ("Chưa làm", "muted"),
    "received": ("Chờ xem xét", "info"),
    "returned": ("Trả lại để sửa", "warn"),
    "reopened": ("Mở lại, chờ bản mới", "warn"),
    "taken-back": ("Đơn vị đã rút lại", "warn"),
    "accepted": ("Đã tiếp nhận", "good"),
    "recorded": ("Đã có văn bản", "good"),
    "recorded-late": ("Có văn bản, muộn", "warn"),
    "waived": ("Được miễn", "muted"),
    "excused": ("Tạm miễn", "muted"),
    "withdrawn": ("Không còn giao", "muted"),
    "free": ("Không bắt buộc", "muted"),
}
WAITING_WORDS = "Chưa làm hoặc quá hạn"
ESCALATED_WORDS = "Quá hạn, đã báo người đứng đầu"
DUTY_WORDS: Mapping[str, str] = {
    "unit-plan": "Kế hoạch của đơn vị",
    "digital-literacy-plan": "Kế hoạch Bình dân học vụ số",
    "annual-report": "Báo cáo hằng năm",
    "midterm-report": "Báo cáo sơ kết",
    "final-report": "Báo cáo tổng kết",
}
KIND_WORDS: Mapping[str, str] = {
    "office": "Phòng, ban",
    "centre": "Trung tâm",
    "party-board": "Ban của Đảng",
    "school": "Trường học",
    "health-station": "Trạm y tế",
    "armed-force": "Lực lượng vũ trang",
    "front": "Mặt trận Tổ quốc",
    "mass-organisation": "Tổ chức chính trị - xã hội",
    "neighbourhood-group": "Tổ dân phố",
    "enterprise": "Doanh nghiệp",
    "individual-official": "Cá nhân là cán bộ, công chức, viên chức",
    "individual-other": "Cá nhân khác",
}
SORT_WORDS: Mapping[str, str] = {
    "block": "Theo khối",
    "name": "Theo tên",
    "due": "Việc gấp trước",
}
