"""What a page calls the roles."""

from shared.roles import Role

ROLE_WORDS: dict[Role, str] = {
    "reporter": "Đầu mối báo cáo của đơn vị",
    "head": "Thủ trưởng đơn vị",
    "officer": "Công chức Phòng Văn hóa - Xã hội phụ trách thi đua",
    "substitute-officer": "Người được cử thay công chức phụ trách",
    "assessor": "Người chấm điểm",
    "inspector": "Thành viên tổ kiểm tra",
    "council": "Thành viên Hội đồng Thi đua - Khen thưởng",
    "council-secretary": "Thư ký Hội đồng",
    "chairman": "Chủ tịch Ủy ban nhân dân phường",
    "clerk": "Văn thư",
    "communications-officer": "Người phụ trách truyền thông",
    "operator": "Người vận hành hệ thống",
    "auditor": "Người kiểm tra, giám sát",
}
