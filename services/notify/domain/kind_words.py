"""What people call the kinds of mails."""

from collections.abc import Mapping

KIND_WORDS: Mapping[str, str] = {
    "obligation-opened": "Thông báo nhiệm vụ",
    "reminder": "Nhắc việc",
    "overdue": "Báo quá hạn",
    "report-received": "Đã nhận báo cáo",
    "report-returned": "Trả lại để chỉnh sửa",
    "report-reopened": "Mở lại báo cáo đã tiếp nhận",
    "report-accepted": "Chấp nhận báo cáo",
    "own-result": "Kết quả thi đua",
    "award-decided": "Quyết định khen thưởng",
    "escalated": "Báo người đứng đầu",
    "deadline-moved": "Đổi hạn",
    "duty-withdrawn": "Miễn, rút nhiệm vụ",
    "approval-asked": "Trình người đứng đầu duyệt",
    "approval-settled": "Người đứng đầu duyệt, trả lại",
    "office-summary": "Việc chờ phòng xử lý",
}
