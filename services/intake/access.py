"""Who may call which route of intake."""

from shared.roles import Role
from shared.web.access import EVERYBODY, SIGNED_IN, Route
from shared.web.own_data import OWN_DATA

OFFICER: tuple[Role, ...] = ("officer",)
JUDGES: tuple[Role, ...] = ("officer", "substitute-officer")
SENDERS: tuple[Role, ...] = ("reporter", "head", "officer", "substitute-officer")
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
_SEEN = "chỉ thấy đơn vị mình và người đơn vị mình đề nghị, trừ vai trò được xem tất cả"
DIRECTORY: tuple[Role, ...] = ("officer", "operator")
DIRECTORY_READERS: tuple[Role, ...] = (*DIRECTORY, "auditor")
_NOT_SELF = "không tự làm cho chính mình"
_LENDS = "vai trò của chính mình; người giữ danh bạ thì của mọi người, trừ cho chính mình"
OPERATOR: tuple[Role, ...] = ("operator",)
_PACED = "có giới hạn số lần theo địa chỉ thư và theo nơi gửi"
_PROVIDER = "khi phường dùng hệ thống đăng nhập của thành phố"
_LINK = "trong trình duyệt đã xin liên kết, một lần, trong 10 phút"
_SESSION = "phiên của chính trình duyệt này"
_WARD = "của phường mình"

ROUTES: tuple[Route, ...] = (
    Route("POST", "/movements", OFFICER),
    Route("POST", "/participants", OFFICER),
    Route("POST", "/periods", OFFICER),
    Route("POST", "/plans", SENDERS, _OWN),
    Route("POST", "/reports", SENDERS, _OWN, scope="reports:write"),
    Route("POST", "/reports/returns", JUDGES, _NOT_OWN),
    Route("POST", "/reports/acceptances", JUDGES, _NOT_OWN),
    Route("GET", "/board", READERS, _SEEN, scope="board:read"),
    Route("GET", "/", READERS, _SEEN),
    Route("GET", "/duties/{obligation}", READERS, _SEEN),
    Route("GET", "/files/{participant}/{period}", READERS, _SEEN),
    Route("POST", "/files/{participant}/{period}/plan", SENDERS, _OWN),
    Route("GET", "/reports/{participant}/{period}/{revision}", READERS, _SEEN),
    Route("GET", "/reports/{participant}/{period}/{revision}/acceptance", JUDGES, _NOT_OWN),
    Route("POST", "/reports/{participant}/{period}/{revision}/acceptance", JUDGES, _NOT_OWN),
    Route("GET", "/reports/{participant}/{period}/{revision}/return", JUDGES, _NOT_OWN),
    Route("POST", "/reports/{participant}/{period}/{revision}/return", JUDGES, _NOT_OWN),
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
)
