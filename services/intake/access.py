"""Who may call which route of intake."""

from shared.roles import Role
from shared.web.access import EVERYBODY, SIGNED_IN, Route
from shared.web.own_data import OWN_DATA

OFFICER: tuple[Role, ...] = ("officer",)
JUDGES: tuple[Role, ...] = ("officer", "substitute-officer")
SENDERS: tuple[Role, ...] = ("reporter", "head", "officer", "substitute-officer")
UNIT: tuple[Role, ...] = ("reporter", "head")
READERS: tuple[Role, ...] = (
    "reporter",
    "head",
    "officer",
    "substitute-officer",
    "inspector",
    "council",
    "council-secretary",
    "chairman",
    "auditor",
)
"""Who follows duties and reports; assessors get theirs in scoring, the others need none."""
_OWN = "của đơn vị mình và của người đơn vị mình đề nghị; công chức phụ trách thì của mọi đơn vị"
_NOT_OWN = "không phải hồ sơ của đơn vị mình"
_OWN_UNIT = "của đơn vị mình và của người đơn vị mình đề nghị"
_WRITES = "bản soạn của đơn vị mình; công chức phụ trách thì bản nhập thay, đơn vị không thấy"
_SEEN = "chỉ thấy đơn vị mình và người đơn vị mình đề nghị, trừ vai trò được xem tất cả"
DIRECTORY: tuple[Role, ...] = ("officer", "operator")
DIRECTORY_READERS: tuple[Role, ...] = (*DIRECTORY, "auditor")
_NOT_SELF = "không tự làm cho chính mình"
_LENDS = "vai trò của chính mình; người giữ danh bạ thì của mọi người, trừ cho chính mình"
OPERATOR: tuple[Role, ...] = ("operator",)
REGISTER_READERS: tuple[Role, ...] = (*OPERATOR, "auditor")
_PACED = "có giới hạn số lần theo địa chỉ thư và theo nơi gửi"
_PROVIDER = "khi phường dùng hệ thống đăng nhập của thành phố"
_LINK = "trong trình duyệt đã xin liên kết, một lần, trong 10 phút"
_SESSION = "phiên của chính trình duyệt này"
_WARD = "của phường mình"
_A_DAY = "mỗi việc một số lần trong ngày; không nhắc việc đã xong"
_ITS_WARD = "phường đã đăng ký hệ thống đó"
_DRAFT = "chỉ với bản nháp"

ROUTES: tuple[Route, ...] = (
    Route("POST", "/movements", OFFICER),
    Route("GET", "/movements", READERS),
    Route("GET", "/movements/{movement}/versions/{version}", READERS),
    Route("PUT", "/movements/{movement}/versions/{version}", OFFICER, _DRAFT),
    Route("DELETE", "/movements/{movement}/versions/{version}", OFFICER, _DRAFT),
    Route("GET", "/movements/{movement}/versions/{version}/differences", READERS),
    Route("GET", "/movements/{movement}/versions/{version}/adoption", OFFICER, _DRAFT),
    Route("POST", "/movements/{movement}/versions/{version}/adoption", OFFICER, _DRAFT),
    Route("POST", "/movements/{movement}/versions/{version}/copies", OFFICER),
    Route("GET", "/movements/{movement}/versions/{version}/drop", OFFICER, _DRAFT),
    Route("POST", "/movements/{movement}/versions/{version}/drop", OFFICER, _DRAFT),
    Route("GET", "/movements/{movement}/versions/{version}/rules/{rule}", OFFICER, _DRAFT),
    Route("POST", "/movements/{movement}/versions/{version}/rules/{rule}", OFFICER, _DRAFT),
    Route("POST", "/movements/{movement}/years", OFFICER),
    Route("POST", "/movements/{movement}/reviews", OFFICER),
    Route("POST", "/participants", OFFICER),
    Route("POST", "/periods", OFFICER),
    Route("POST", "/plans", SENDERS, _OWN),
    Route("POST", "/reports", SENDERS, _OWN, scope="reports:write"),
    Route("POST", "/reports/returns", JUDGES, _NOT_OWN),
    Route("POST", "/reports/acceptances", JUDGES, _NOT_OWN),
    Route("POST", "/reports/withdrawals", UNIT, _OWN_UNIT),
    Route("POST", "/reports/reopenings", JUDGES, _NOT_OWN),
    Route("GET", "/drafts/{participant}/{period}", SENDERS, _WRITES),
    Route("PUT", "/drafts/{participant}/{period}", SENDERS, _WRITES),
    Route("POST", "/drafts/{participant}/{period}", SENDERS, _WRITES),
    Route("POST", "/drafts/{participant}/{period}/acts", SENDERS, _WRITES),
    Route("GET", "/drafts/{participant}/{period}/submission", SENDERS, _WRITES),
    Route("POST", "/drafts/{participant}/{period}/submission", SENDERS, _WRITES),
    Route("POST", "/drafts/{participant}/{period}/paper", SENDERS, _WRITES),
    Route("POST", "/participants/{participant}/approval", ("head", "officer"), _OWN_UNIT),
    Route("GET", "/board", READERS, _SEEN, scope="board:read"),
    Route("GET", "/", READERS, _SEEN),
    Route("GET", "/duties", READERS, _SEEN, scope="board:read"),
    Route("POST", "/duties/reminders", JUDGES),
    Route("POST", "/duties/{obligation}/reminders", JUDGES, _A_DAY),
    Route("GET", "/participants/{participant}/timeline", READERS, _SEEN),
    Route("GET", "/duties/{obligation}", READERS, _SEEN),
    Route("GET", "/files/{participant}/{period}", READERS, _SEEN),
    Route("POST", "/files/{participant}/{period}/plan", SENDERS, _OWN),
    Route("GET", "/reports/{participant}/{period}/{revision}", READERS, _SEEN),
    Route("GET", "/reports/{participant}/{period}/{revision}/acceptance", JUDGES, _NOT_OWN),
    Route("POST", "/reports/{participant}/{period}/{revision}/acceptance", JUDGES, _NOT_OWN),
    Route("GET", "/reports/{participant}/{period}/{revision}/return", JUDGES, _NOT_OWN),
    Route("POST", "/reports/{participant}/{period}/{revision}/return", JUDGES, _NOT_OWN),
    Route("GET", "/reports/{participant}/{period}/{revision}/withdrawal", UNIT, _OWN_UNIT),
    Route("POST", "/reports/{participant}/{period}/{revision}/withdrawal", UNIT, _OWN_UNIT),
    Route("GET", "/reports/{participant}/{period}/{revision}/reopening", JUDGES, _NOT_OWN),
    Route("POST", "/reports/{participant}/{period}/{revision}/reopening", JUDGES, _NOT_OWN),
    Route("GET", "/reports/{participant}/{period}/{revision}/differences", READERS, _SEEN),
    Route("GET", "/reports/{participant}/{period}/{revision}/receipt", READERS, _SEEN),
    Route("GET", "/roster", READERS, _SEEN),
    Route("GET", "/roster/{participant}", READERS, _SEEN),
    Route("PUT", "/roster/{participant}", OFFICER),
    Route("GET", "/roster/{participant}/change", OFFICER),
    Route("POST", "/roster/{participant}/change", OFFICER),
    Route("POST", "/roster/{participant}/departure", OFFICER),
    Route("POST", "/roster/{participant}/readmission", OFFICER),
    Route("GET", "/obligations/{obligation}", READERS, _SEEN),
    Route("POST", "/obligations/{obligation}/orders", JUDGES, _NOT_OWN),
    Route("GET", "/calendar", READERS),
    Route("POST", "/calendar/days", OFFICER),
    Route("POST", "/calendar/grace", OFFICER),
    Route("GET", "/files/{participant}/{period}/evidence", READERS, _SEEN, scope="board:read"),
    Route("POST", "/files/{participant}/{period}/evidence", SENDERS, _OWN, scope="reports:write"),
    Route("GET", "/evidence/{file}", READERS, _SEEN, scope="board:read"),
    Route("DELETE", "/evidence/{file}", SENDERS, _OWN),
    Route("GET", "/evidence/{file}/removal", SENDERS, _OWN),
    Route("POST", "/evidence/{file}/removal", SENDERS, _OWN),
    Route("GET", "/people", DIRECTORY_READERS),
    Route("GET", "/people/{person}", DIRECTORY_READERS),
    Route("POST", "/people", DIRECTORY),
    Route("PUT", "/people/{person}", DIRECTORY, "không tự đổi đơn vị của mình"),
    Route("POST", "/people/{person}/roles", DIRECTORY, _NOT_SELF),
    Route("POST", "/people/{person}/roles/{number}/end", DIRECTORY, _NOT_SELF),
    Route("POST", "/people/{person}/access/end", DIRECTORY, "không tự thôi vai trò của mình"),
    Route("POST", "/people/{person}/erasure", DIRECTORY, _NOT_SELF),
    Route("POST", "/delegations", SIGNED_IN, _LENDS),
    Route("POST", "/delegations/{number}/end", SIGNED_IN, _LENDS),
    Route("GET", "/corrections", DIRECTORY_READERS),
    Route("POST", "/corrections/{number}/answer", ("officer",), _NOT_SELF),
    Route("POST", "/me/corrections", SIGNED_IN, "chỉ về thông tin của chính mình"),
    OWN_DATA,
    Route("GET", "/people/{person}/contact", DIRECTORY),
    Route("POST", "/people/{person}/contact", DIRECTORY, "không tự đổi đơn vị của mình"),
    Route("GET", "/people/{person}/roles", DIRECTORY),
    Route("GET", "/people/{person}/roles/{number}/end", DIRECTORY),
    Route("GET", "/people/{person}/access/end", DIRECTORY),
    Route("GET", "/people/{person}/erasure", DIRECTORY),
    Route("GET", "/delegations", SIGNED_IN, _LENDS),
    Route("GET", "/delegations/{number}/end", SIGNED_IN, _LENDS),
    Route("GET", "/corrections/{number}/answer", ("officer",)),
    Route("GET", "/me/correction", SIGNED_IN, "chỉ về thông tin của chính mình"),
    Route("GET", "/.well-known/jwks.json", EVERYBODY),
    Route("GET", "/sign-in", EVERYBODY),
    Route("POST", "/sign-in", EVERYBODY, _PACED),
    Route("POST", "/sign-in/sample", EVERYBODY, "chỉ ở bản chạy thử"),
    Route("GET", "/sign-in/oidc", EVERYBODY, _PROVIDER),
    Route("GET", "/sign-in/oidc/back", EVERYBODY, _PROVIDER),
    Route("GET", "/sign-in/{secret}", EVERYBODY, _LINK),
    Route("POST", "/sign-in/{secret}", EVERYBODY, _LINK),
    Route("GET", "/session/renew", EVERYBODY, _SESSION),
    Route("POST", "/session/renew", EVERYBODY, _SESSION),
    Route("GET", "/session", SIGNED_IN, _SESSION),
    Route("POST", "/session/acting", SIGNED_IN, "theo văn bản ủy quyền đang có hiệu lực"),
    Route("POST", "/sign-out", EVERYBODY, _SESSION),
    Route("POST", "/sign-out-everywhere", EVERYBODY, _SESSION),
    Route("POST", "/oauth/token", EVERYBODY, "hệ thống khác, bằng mã và khóa bí mật của mình"),
    Route("GET", "/machines", OPERATOR, _WARD),
    Route("POST", "/machines", OPERATOR, _WARD),
    Route("DELETE", "/machines/{name}", OPERATOR, _WARD),
    Route("GET", "/publishers", REGISTER_READERS, _WARD),
    Route("POST", "/publishers", OPERATOR),
    Route("GET", "/publishers/{publisher}", REGISTER_READERS, _WARD),
    Route("GET", "/publishers/{publisher}/grants", OPERATOR, _WARD),
    Route("POST", "/publishers/{publisher}/grants", OPERATOR, _WARD),
    Route("GET", "/publishers/{publisher}/grants/{number}/end", OPERATOR, _WARD),
    Route("POST", "/publishers/{publisher}/grants/{number}/end", OPERATOR, _WARD),
    Route("GET", "/publishers/{publisher}/end", OPERATOR, _ITS_WARD),
    Route("POST", "/publishers/{publisher}/end", OPERATOR, _ITS_WARD),
)
