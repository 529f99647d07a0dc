"""Who may call which route of awards."""

from services.awards.domain.dossier import OFFICERS
from shared.roles import Role
from shared.web.access import EVERYBODY, SIGNED_IN, Route
from shared.web.own_data import OWN_DATA

SECRETARY: tuple[Role, ...] = ("council-secretary",)
CHAIRMAN: tuple[Role, ...] = ("chairman",)
CLERK: tuple[Role, ...] = ("clerk",)
OF_SESSIONS: tuple[Role, ...] = ("council", "council-secretary")
"""Roles that may be held for some sessions only."""
OF_THE_WARD: tuple[Role, ...] = ("officer", "substitute-officer", "chairman", "clerk", "auditor")
READERS: tuple[Role, ...] = (*OF_THE_WARD, *OF_SESSIONS)
"""They see every dossier with its reason and counts, or those of their sessions."""
UNITS: tuple[Role, ...] = ("reporter", "head")
_ADVISED: tuple[Role, ...] = (
    "officer",
    "substitute-officer",
    "council",
    "council-secretary",
    "chairman",
    "auditor",
)
_SESSIONS = "người được cử theo phiên họp thì chỉ phiên đó; phiên khác trả lời như không có"
_DOSSIERS = (
    "đơn vị chỉ thấy hồ sơ của mình và do mình đề nghị, không thấy lý do và kết quả phiếu;"
    " người được cử theo phiên họp chỉ thấy hồ sơ của phiên đó; hồ sơ khác trả lời như không có"
)
_OWN = "đơn vị chỉ xem của mình và do mình đề nghị; của đơn vị khác hay không có trả lời như nhau"
_NOT_OWN = "không phải đơn vị mình, không do đơn vị mình đề nghị"

ROUTES: tuple[Route, ...] = (
    Route("GET", "/shortlist", _ADVISED),
    Route("GET", "/dossiers", (*READERS, *UNITS), _DOSSIERS),
    Route("GET", "/dossiers/{dossier}", (*READERS, *UNITS), _DOSSIERS),
    Route("GET", "/awards", SIGNED_IN, "chỉ những gì đã công khai"),
    Route("POST", "/dossiers", OFFICERS, _NOT_OWN),
    Route("POST", "/publications", OFFICERS),
    Route("POST", "/sessions", SECRETARY, _SESSIONS),
    Route("GET", "/sessions/{session}", READERS, _SESSIONS),
    Route("POST", "/sessions/{session}/attendance", SECRETARY, _SESSIONS),
    Route(
        "POST",
        "/sessions/{session}/ballots",
        ("council",),
        f"là thành viên của phiên họp; không biểu quyết hồ sơ của đơn vị mình; {_SESSIONS}",
    ),
    Route("POST", "/sessions/{session}/closing", SECRETARY, _SESSIONS),
    Route("GET", "/sessions/{session}/approval", CHAIRMAN),
    Route("POST", "/sessions/{session}/approval", CHAIRMAN, _NOT_OWN),
    Route("POST", "/decisions", CLERK),
    Route("GET", "/sessions/{session}/decision", CLERK),
    Route("POST", "/sessions/{session}/decision", CLERK),
    Route("GET", "/documents/{dossier}", (*READERS, *UNITS), _OWN),
    Route("GET", "/", EVERYBODY, "người ngoài chỉ thấy danh sách công khai"),
    OWN_DATA,
)
