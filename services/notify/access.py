"""Who may call which route of notify."""

from shared.web.access import EVERYBODY, SIGNED_IN, Route
from shared.web.own_data import OWN_DATA

_TASKS = (
    "việc của mình, của đơn vị mình và người đơn vị mình đề nghị, của vai trò mình giữ;"
    " không ai được giao xét, chấm hồ sơ của đơn vị mình"
)
_MAILS = "thư gửi cho mình; công chức phụ trách, người vận hành, người kiểm tra thấy mọi thư"

ROUTES: tuple[Route, ...] = (
    Route("GET", "/", SIGNED_IN, _TASKS),
    Route("GET", "/tasks", SIGNED_IN, _TASKS),
    Route("GET", "/tasks/counts", SIGNED_IN, _TASKS),
    Route("GET", "/mails", SIGNED_IN, _MAILS),
    Route("GET", "/counts", SIGNED_IN, _MAILS),
    Route("GET", "/honours", EVERYBODY, "tên, đơn vị, thành tích, hình thức; không gì khác"),
    OWN_DATA,
)
