"""Valid events of every type that a service listens to, each about a code of the test's choice."""

from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from shared.contracts.awards import (
    AwardDecided,
    CandidatePublished,
    DossierConcluded,
    DossierOpened,
)
from shared.contracts.base import Event
from shared.contracts.intake import (
    AccessEnded,
    ApprovalAsked,
    ApprovalSettled,
    ContactErased,
    ContactRecorded,
    MovementLaunched,
    ObligationEscalated,
    ObligationMet,
    ObligationMoved,
    ObligationOpened,
    ObligationOverdue,
    ObligationWithdrawn,
    ParticipantLeft,
    ParticipantRegistered,
    PeriodOpened,
    ReminderDue,
    ReportAccepted,
    ReportReceived,
    ReportReopened,
    ReportReturned,
    ReportWithdrawn,
    SummaryDue,
)
from shared.contracts.notify import MailFailed, MailSent
from shared.contracts.scoring import ResultFrozen, ScoreComputed, SheetAdopted

WARD, PERIOD, MOVEMENT = "tu-minh", "2025-annual", "cds"
MOMENT = "2025-12-05T09:30:00+07:00"
_BLOCK = {"code": "truong-hoc", "group": "a", "title": "Khối trường học"}
_FORM = {
    "code": "giay-khen",
    "title": "Giấy khen",
    "collectives": True,
    "individuals": True,
    "decided_here": True,
    "annual": True,
}


def fact(kind: type[Event], code: str, revision: int = 1) -> Event:
    """An event of the type about `code`; a later revision of it says more."""
    return kind.model_validate(_BODIES[kind](code, revision) | {"ward": WARD})


def _about(code: str) -> dict[str, Any]:
    return {"participant": code, "period": PERIOD}


def _duty(code: str) -> dict[str, Any]:
    return _about(code) | {
        "obligation": uuid5(NAMESPACE_OID, code),
        "kind": "annual-report",
        "manner": "owes",
        "due": "2025-12-09T23:59:59+07:00",
        "due_text": "trước ngày 10/12/2025",
    }


def _report(code: str, revision: int) -> dict[str, Any]:
    return _about(code) | {"report_id": uuid5(NAMESPACE_OID, code), "revision": revision}


def _draft(code: str, version: int) -> dict[str, Any]:
    return _about(code) | {"kind": "annual-report", "draft": version}


def _dossier(code: str) -> dict[str, Any]:
    return _about(code) | {
        "dossier": f"{PERIOD}.{code}",
        "form": "giay-khen",
        "name": f"Trường {code}",
        "unit": "Trường tiểu học",
        "achievement": "Đã có thành tích xuất sắc trong phong trào thi đua",
        "form_title": "Giấy khen",
    }


def _mail(code: str) -> dict[str, Any]:
    return {
        "mail": uuid5(NAMESPACE_OID, code),
        "person": f"{code}.reporter",
        "kind": "reminder-due",
        "because_of": code,
    }


def _items(revision: int) -> list[dict[str, Any]]:
    score = str(30 + revision)
    return [{"criterion": "a1", "self_score": score, "narrative": f"Đã triển khai, bản {revision}"}]


_BODIES: Mapping[type[Event], Any] = {
    MovementLaunched: lambda code, revision: {
        "movement": code,
        "version": revision,
        "title": "Phong trào thi đua",
        "place": "phường Tứ Minh",
        "launched_on": "2025-08-01",
        "contents": [{"number": 1, "text": "Nội dung thứ nhất"}],
        "groups": [
            {"code": "a", "title": "Trường", "criteria": [{"code": "a1", "text": "Tiêu chí"}]}
        ],
        "blocks": [_BLOCK],
        "forms": [_FORM],
    },
    PeriodOpened: lambda code, revision: {
        "period": code,
        "movement": MOVEMENT,
        "title": f"Báo cáo năm, lần {revision}",
        "year": 2025,
        "opened_on": "2025-08-01",
        "report_by": "2025-12-09T23:59:59+07:00",
        "report_by_text": "trước ngày 10/12/2025",
    },
    ParticipantRegistered: lambda code, revision: {
        "participant": code,
        "name": f"Trường {code}, tên thứ {revision}",
        "kind": "school",
        "collective": True,
        "group": "a",
        "block": "truong-hoc",
        "manner": "owes",
        "reporter": f"{code}.reporter",
    },
    ParticipantLeft: lambda code, _: {"participant": code, "why": "left", "left_on": "2026-07-01"},
    ObligationOpened: lambda code, _: _duty(code),
    ReminderDue: lambda code, revision: (
        _duty(code) | {"offset_days": 14 - revision, "days_left": 14 - revision}
    ),
    ObligationOverdue: lambda code, _: _duty(code) | {"days_late": 1},
    ObligationEscalated: lambda code, _: _duty(code) | {"days_late": 6, "head": f"{code}.reporter"},
    ObligationMoved: lambda code, revision: (
        _duty(code)
        | {
            "due": f"2025-12-{15 + revision}T23:59:59+07:00",
            "was_due": "2025-12-09T23:59:59+07:00",
            "why": "Lùi hạn vì bão",
        }
    ),
    ObligationWithdrawn: lambda code, _: _duty(code) | {"why": "waived", "reason": "Sáp nhập"},
    ObligationMet: lambda code, _: _duty(code) | {"met_at": MOMENT, "on_time": True},
    ReportReceived: lambda code, revision: (
        _report(code, revision)
        | {
            "received_at": MOMENT,
            "late": False,
            "days_late": 0,
            "door": "http",
            "items": _items(revision),
        }
    ),
    ReportReturned: lambda code, revision: (
        _report(code, revision)
        | {
            "reasons": [{"pointer": "/items/0/narrative", "text": "Chưa nêu minh chứng"}],
            "correct_by": "2025-12-20T17:00:00+07:00",
            "returned_at": MOMENT,
        }
    ),
    ReportAccepted: lambda code, revision: (
        _report(code, revision)
        | {
            "accepted_at": MOMENT,
            "late": False,
            "nominations": [
                {"subject": f"Tổ {revision}", "form": "giay-khen", "reason": "Dẫn đầu"}
            ],
        }
    ),
    ReportReopened: lambda code, revision: (
        _report(code, revision)
        | {
            "reasons": [{"pointer": "/items/0", "text": "Số liệu thay đổi"}],
            "correct_by": "2026-01-20T17:00:00+07:00",
            "reopened_at": MOMENT,
        }
    ),
    ReportWithdrawn: lambda code, revision: _report(code, revision) | {"withdrawn_at": MOMENT},
    ApprovalAsked: lambda code, revision: (
        _draft(code, 2 * revision) | {"asked_at": MOMENT, "heads": [f"{code}.reporter"]}
    ),
    ApprovalSettled: lambda code, revision: (
        _draft(code, 2 * revision + 1)
        | {"outcome": "approved", "settled_at": MOMENT, "authors": [f"{code}.reporter"]}
    ),
    SummaryDue: lambda code, _: {
        "person": f"{code}.reporter",
        "at": MOMENT,
        "waiting": 3,
        "waiting_new": 1,
        "overdue": 2,
        "overdue_new": 0,
        "year": 2025,
    },
    ContactRecorded: lambda code, revision: {
        "person": f"{code}.reporter",
        "name": f"Đầu mối {code}, tên thứ {revision}",
        "email": f"{code}@tu-minh.example",
    },
    AccessEnded: lambda code, _: {
        "person": f"{code}.reporter",
        "session": None,
        "issued_before": MOMENT,
    },
    ContactErased: lambda code, _: {"person": f"{code}.reporter"},
    ResultFrozen: lambda code, revision: (
        _about(code)
        | {
            "group": "a",
            "block": "truong-hoc",
            "block_title": "Khối trường học",
            "total": "87.5",
            "grade": "Tốt",
            "rank": revision,
            "ranked": 12,
            "late": False,
            "frozen_at": MOMENT,
        }
    ),
    SheetAdopted: lambda code, revision: {
        "period": code,
        "sheet_version": revision,
        "document_number": "12/HĐTĐKT",
        "adopted_on": "2025-12-01",
    },
    ScoreComputed: lambda code, revision: (
        _about(code)
        | {
            "stage": "self" if revision == 1 else "verified",
            "total": "80.00",
            "sheet_version": 1,
        }
    ),
    DossierOpened: lambda code, _: {
        name: value
        for name, value in (_dossier(code) | {"opened_at": MOMENT}).items()
        if name in DossierOpened.model_fields
    },
    CandidatePublished: lambda code, revision: (
        _dossier(code) | {"window_from": "2025-12-10", "window_until": f"2025-12-{19 + revision}"}
    ),
    DossierConcluded: lambda code, _: _dossier(code) | {"passed": True, "concluded_at": MOMENT},
    AwardDecided: lambda code, revision: (
        _dossier(code)
        | {"decision_number": "215/QĐ-UBND", "decided_on": "2025-12-26", "ordinal": revision}
    ),
    MailSent: lambda code, _: _mail(code) | {"sent_at": MOMENT},
    MailFailed: lambda code, _: (
        _mail(code) | {"failed_at": MOMENT, "uncertain": False, "reason": "550 mailbox full"}
    ),
}
