"""What pages about the movement call things."""

from collections.abc import Mapping

from services.intake.domain.movement import Section, State, What, words_of
from services.intake.pages.words import Tone

STATE_WORDS: Mapping[State, tuple[str, Tone]] = {
    "draft": ("Bản nháp", "warn"),
    "adopted": ("Đang có hiệu lực", "good"),
    "superseded": ("Đã được thay thế", "muted"),
}
SECTION_WORDS: Mapping[Section, str] = {
    "version": "Phong trào",
    "contents": "Nội dung thi đua",
    "groups": "Nhóm đối tượng",
    "criteria": "Tiêu chí thi đua",
    "blocks": "Khối thi đua",
    "forms": "Hình thức khen thưởng",
    "phases": "Giai đoạn",
    "rules": "Quy định về nhiệm vụ",
    "strictness": "Mức độ yêu cầu theo đối tượng",
}
WHAT_WORDS: Mapping[What, tuple[str, Tone]] = {
    "added": ("Thêm", "good"),
    "removed": ("Bỏ", "bad"),
    "changed": ("Đổi", "warn"),
}
FIELD_WORDS: Mapping[str, str] = {
    "title": "Tên",
    "text": "Nội dung",
    "place": "Địa danh",
    "launched_on": "Ngày phát động",
    "reminder_offsets": "Nhắc trước hạn (ngày)",
    "corrections": "Xét báo cáo gửi lại",
    "only_for": "Chỉ dành cho",
    "group": "Nhóm",
    "collectives": "Dành cho tập thể",
    "individuals": "Dành cho cá nhân",
    "decided_here": "Phường quyết định",
    "annual": "Khen hằng năm",
    "first_year": "Từ năm",
    "last_year": "Đến năm",
    "kind": "Loại nhiệm vụ",
    "suffix": "Đuôi mã kỳ",
    "due": "Hạn",
    "due_text": "Hạn, ghi bằng lời",
    "manners": "Giao cho diện",
    "kinds": "Giao cho loại đơn vị",
    "groups": "Giao cho nhóm",
    "blocks": "Giao cho khối",
    "form": "Mẫu báo cáo",
    "years": "Các năm",
    "phase": "Giai đoạn",
    "offsets": "Nhắc trước hạn riêng (ngày)",
    "newcomer_days": "Số ngày cho đơn vị đăng ký sau hạn",
    "manner": "Mức độ yêu cầu",
}
DONE: Mapping[str, str] = {
    "copied": "Đã tạo bản nháp.",
    "saved": "Đã lưu bản nháp.",
    "dropped": "Đã bỏ bản nháp.",
    "adopted": "Phiên bản đã có hiệu lực.",
    "year": "Đã mở năm theo quy định của phong trào.",
    "review": "Đã ghi nhận; giai đoạn đã kết thúc.",
}


def words(name: str, value: object) -> str:
    """A value of a version's field, or of one of its parts."""
    return words_of(name, value)
