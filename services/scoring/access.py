"""Who may call which route of scoring."""

from shared.roles import Role
from shared.web.access import SIGNED_IN, Route
from shared.web.own_data import OWN_DATA

SECRETARY: tuple[Role, ...] = ("council-secretary",)
MARKERS: tuple[Role, ...] = ("assessor", "council", "council-secretary")
ONLOOKERS: tuple[Role, ...] = (
    "assessor",
    "officer",
    "substitute-officer",
    "inspector",
    "council",
    "council-secretary",
    "chairman",
    "auditor",
)
"""They read what is being assessed; who gave which mark is shown to nobody."""
_SEEN = (
    "chỉ thấy đơn vị mình và người đơn vị mình đề nghị, trừ vai trò được xem tất cả;"
    " của đơn vị khác hay không có thì trả lời như nhau"
)
_NOT_OWN = "không phải đơn vị mình hay người đơn vị mình đề nghị; đúng bước chấm của vai trò"
_OTHERS = "người thẩm định không thấy hồ sơ của đơn vị mình: trả lời như không có"

ROUTES: tuple[Route, ...] = (
    Route("POST", "/sheets", ("officer",)),
    Route("POST", "/sheets/{period}/adoption", SECRETARY),
    Route("POST", "/marks", MARKERS, _NOT_OWN),
    Route("GET", "/periods/{period}/freeze", SECRETARY),
    Route("POST", "/periods/{period}/freeze", SECRETARY),
    Route("GET", "/results", SIGNED_IN, _SEEN),
    Route("GET", "/results/{period}/{participant}", SIGNED_IN, _SEEN),
    Route("GET", "/assessments", ONLOOKERS, _OTHERS),
    Route("GET", "/assessments/{period}/{participant}", ONLOOKERS, _OTHERS),
    Route("POST", "/assessments/{period}/{participant}", MARKERS, _NOT_OWN),
    Route("GET", "/", SIGNED_IN, _SEEN),
    OWN_DATA,
)
