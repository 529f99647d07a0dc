"""The cycle, step by step, as the ward's bodies do it: intake, scoring, awards."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from deploy.cycle.bodies import movement_body, participant_body, sheet_body
from deploy.cycle.doors import Call, Doors
from deploy.cycle.post import late_bag, mail_bag, trial_bag
from deploy.cycle.year import (
    LATE_BY_HTTP,
    LATE_BY_KAFKA,
    LATE_PLANS,
    NEVER_REPORT,
    NEXT_PERIOD,
    PERIOD,
    PLAN_PERIOD,
    RETURNED,
    Year,
    at,
)

OFFICER = "phong-vhxh.officer"
SUBSTITUTE = "van-phong.substitute-officer"
SECRETARY = "council.secretary"
CHAIRMAN = "chairman"
CLERK = "van-phong.clerk"
SESSION = "2025-annual-1"
DECISION = "215/QĐ-UBND"
BEST_OF_A_BLOCK = 3


@dataclass(frozen=True, slots=True)
class Step:
    """`at` is what the ward's clock reads; `do` acts, and may be done again after a crash."""

    name: str
    at: datetime
    title: str
    do: Callable[["Stage"], None]


@dataclass(slots=True)
class Stage:
    """What the steps act on. `outgoing` is where publishers find what to send."""

    doors: Doors
    year: Year
    outgoing: Path


def nothing(_: Stage) -> None:
    """Only time passes."""


def launch(stage: Stage) -> None:
    ward = stage.year.ward
    stage.doors.post(OFFICER, "/intake/movements", movement_body(ward, "2025-08-01"))
    participants = [participant_body(p) for p in ward.participants]
    stage.doors.post(OFFICER, "/intake/participants", {"participants": participants})
    stage.doors.post(OFFICER, "/scoring/sheets", sheet_body(ward, PERIOD))
    open_year(stage, 2025)


def open_year(stage: Stage, year: int) -> None:
    """The periods that the movement's rules have for a year, with their duties."""
    movement = stage.year.ward.movement.code
    stage.doors.post(OFFICER, f"/intake/movements/{movement}/years", {"year": year})


def record_plans(codes: Callable[[Year], Sequence[str]], issued_on: str) -> Callable[[Stage], None]:
    def do(stage: Stage) -> None:
        stage.doors.post_all(
            [
                Call(
                    stage.year.participants[code].reporter.person,
                    "/intake/plans",
                    {
                        "participant": code,
                        "period": PLAN_PERIOD,
                        "number": f"01/KH-{code.upper()}",
                        "issued_on": issued_on,
                    },
                )
                for code in codes(stage.year)
            ]
        )

    return do


def _third(number: int) -> Callable[[Year], Sequence[str]]:
    return lambda year: [p.code for p in year.planners[number::3]]


def _late_plans(_: Year) -> Sequence[str]:
    return LATE_PLANS


def adopt_sheet(period: str, number: str, day: str) -> Callable[[Stage], None]:
    def do(stage: Stage) -> None:
        version = stage.year.ward.sheet.version
        body = {"sheet_version": version, "document_number": number, "adopted_on": day}
        stage.doors.post(SECRETARY, f"/scoring/sheets/{period}/adoption", body)

    return do


def _report_by_http(stage: Stage, codes: Sequence[str], revision: int = 1) -> None:
    calls = []
    for code in codes:
        sender = stage.year.sender(stage.year.participants[code])
        body = stage.year.report(code, revision=revision)
        calls.append(Call(sender, "/intake/reports", body))
    stage.doors.post_all(calls)


def report_half(half: int) -> Callable[[Stage], None]:
    def do(stage: Stage) -> None:
        _report_by_http(stage, [p.code for p in stage.year.by_http[half::2]])

    return do


def systems_report(stage: Stage) -> None:
    stage.doors.publish("e-office", mail_bag(stage.year), stage.outgoing)
    stage.doors.publish("trial", trial_bag(stage.year), stage.outgoing)


def report_incomplete(stage: Stage) -> None:
    _report_by_http(stage, [RETURNED])


def return_it(stage: Stage) -> None:
    body = {
        "participant": RETURNED,
        "period": PERIOD,
        "revision": 1,
        "reasons": [{"pointer": "/items/0/narrative", "text": "Chưa nêu kết quả và minh chứng."}],
        "correct_by": "2025-12-08T17:00:00+07:00",
    }
    stage.doors.post(OFFICER, "/intake/reports/returns", body)


def correct_it(stage: Stage) -> None:
    _report_by_http(stage, [RETURNED], revision=2)


def report_late_by_http(stage: Stage) -> None:
    _report_by_http(stage, LATE_BY_HTTP)


def report_late_by_kafka(stage: Stage) -> None:
    stage.doors.publish("e-office", late_bag(stage.year, LATE_BY_KAFKA), stage.outgoing)


def accept_reports(stage: Stage) -> None:
    """The office accepts; its own file, and its people's, go to the named substitute."""
    calls = []
    for one in stage.year.ward.participants:
        if one.code in NEVER_REPORT:
            continue
        own = "phong-vhxh" in {one.code, one.proposed_by}
        body = {
            "participant": one.code,
            "period": PERIOD,
            "revision": 2 if one.code == RETURNED else 1,
        }
        calls.append(Call(SUBSTITUTE if own else OFFICER, "/intake/reports/acceptances", body))
    stage.doors.post_all(calls)


def _marked(year: Year) -> list[str]:
    return [p.code for p in year.ward.participants if p.code not in NEVER_REPORT]


def _marks(year: Year, code: str, stage: str) -> dict[str, Any]:
    return {
        "period": PERIOD,
        "participant": code,
        "revision": 2 if code == RETURNED else 1,
        "stage": stage,
        "marks": year.marks(code),
    }


def verify(stage: Stage) -> None:
    stage.doors.post_all(
        [
            Call(stage.year.assessor(code), "/scoring/marks", _marks(stage.year, code, "verified"))
            for code in _marked(stage.year)
        ]
    )


def council_marks(stage: Stage) -> None:
    """The council corrects two marks, and says why."""
    for code in ("tieu-hoc-2", "tdp-07"):
        body = _marks(stage.year, code, "council")
        first = body["marks"][0]
        first["points"] = str(Decimal(first["points"]) - 1)
        first["reason"] = "Hội đồng trừ 1 điểm vì số liệu chưa thống nhất."
        stage.doors.post(SECRETARY, "/scoring/marks", body)


def freeze(stage: Stage) -> None:
    stage.doors.post(SECRETARY, f"/scoring/periods/{PERIOD}/freeze", {})


def chosen(stage: Stage) -> list[str]:
    """The best of each khối; the score advises, the officer chooses and says why."""
    shortlist = stage.doors.get(OFFICER, f"/awards/shortlist?period={PERIOD}")
    return [
        line["participant"]
        for block in shortlist["blocks"]
        for line in block["lines"]
        if line["rank"] is not None
        and line["rank"] <= BEST_OF_A_BLOCK
        and (line["eligible"] or line["dossier"])
    ]


def open_dossiers(stage: Stage) -> None:
    title = stage.year.ward.movement.short_title
    calls = []
    for code in chosen(stage):
        own = "phong-vhxh" in {code, stage.year.participants[code].proposed_by}
        body = {
            "dossier": f"{PERIOD}-{code}",
            "period": PERIOD,
            "participant": code,
            "form": "giay-khen",
            "achievement": f"Đã có thành tích xuất sắc trong {title} năm 2025",
            "reason": "Dẫn đầu khối theo kết quả chấm điểm năm 2025.",
        }
        calls.append(Call(SUBSTITUTE if own else OFFICER, "/awards/dossiers", body))
    stage.doors.post_all(calls)


def _dossiers(stage: Stage) -> list[str]:
    return [f"{PERIOD}-{code}" for code in chosen(stage)]


def publish_candidates(stage: Stage) -> None:
    body = {
        "period": PERIOD,
        "dossiers": _dossiers(stage),
        "window_from": "2025-12-19",
        "window_until": "2025-12-26",
    }
    stage.doors.post(OFFICER, "/awards/publications", body)


def _members(stage: Stage) -> list[str]:
    return [p.person for p in stage.year.ward.people if "council" in p.roles]


def call_session(stage: Stage) -> None:
    members = _members(stage)
    stage.doors.post(
        SECRETARY,
        "/awards/sessions",
        {
            "session": SESSION,
            "period": PERIOD,
            "held_on": "2025-12-29",
            "members": members,
            "rule": {"quorum": "2/3", "pass": "majority-of-total"},
            "dossiers": _dossiers(stage),
        },
    )
    attendance = {"present": members[:-1], "written": members[-1:]}
    stage.doors.post(SECRETARY, f"/awards/sessions/{SESSION}/attendance", attendance)


def vote(stage: Stage) -> None:
    """Everybody votes; a member says nothing on their own unit. One candidate does not pass."""
    people = {p.person: p for p in stage.year.ward.people}
    calls = []
    for member in _members(stage):
        unit = people[member].unit
        choices = [
            {"dossier": f"{PERIOD}-{code}", "choice": _choice(member, code)}
            for code in chosen(stage)
            if not unit or unit not in {code, stage.year.participants[code].proposed_by}
        ]
        calls.append(Call(member, f"/awards/sessions/{SESSION}/ballots", {"choices": choices}))
    stage.doors.post_all(calls)


def _choice(member: str, code: str) -> str:
    if code == "nguoi-dan-3":
        return "no"
    return "abstain" if (member, code) == ("vice-chairman", "tdp-07") else "yes"


def close_session(stage: Stage) -> None:
    stage.doors.post(SECRETARY, f"/awards/sessions/{SESSION}/closing", {})


def decide(stage: Stage) -> None:
    stage.doors.post(CHAIRMAN, f"/awards/sessions/{SESSION}/approval", {})
    body = {"session": SESSION, "number": DECISION, "decided_on": "2025-12-30"}
    stage.doors.post(CLERK, "/awards/decisions", body)


def open_next_year(stage: Stage) -> None:
    ward = stage.year.ward
    stage.doors.post(OFFICER, "/scoring/sheets", sheet_body(ward, NEXT_PERIOD))
    open_year(stage, 2026)
    draft = movement_body(ward, "2026-01-01") | {"version": ward.movement.version + 1}
    offsets = [45, *draft["reminder_offsets"]]
    del draft["adoption"]
    stage.doors.post(OFFICER, "/intake/movements", draft | {"reminder_offsets": offsets})


STORY: Sequence[Step] = (
    Step("launch", at("2025-08-01 08:00"), "Phát động, đăng ký, lập nhiệm vụ và lịch nhắc", launch),
    Step("plans-1", at("2025-08-12 09:00"), "Đơn vị ban hành kế hoạch (đợt 1)",
         record_plans(_third(0), "2025-08-11")),
    Step("august-15", at("2025-08-15 08:00"), "Nhắc trước 14 ngày (17/08 nghỉ): kế hoạch", nothing),
    Step("plans-2", at("2025-08-20 09:00"), "Đơn vị ban hành kế hoạch (đợt 2)",
         record_plans(_third(1), "2025-08-19")),
    Step("august-22", at("2025-08-22 08:00"), "Nhắc trước 7 ngày (24/08 nghỉ): kế hoạch", nothing),
    Step("plans-3", at("2025-08-27 09:00"), "Đơn vị ban hành kế hoạch (đợt 3)",
         record_plans(_third(2), "2025-08-26")),
    Step("august-28", at("2025-08-28 08:00"), "Nhắc trước 3 ngày: kế hoạch", nothing),
    Step("august-29", at("2025-08-29 08:00"), "Nhắc lần cuối (30, 31/08 nghỉ): kế hoạch", nothing),
    Step("september-3", at("2025-09-03 08:00"), "Quá hạn kế hoạch", nothing),
    Step("plans-late", at("2025-09-05 09:00"), "Hai đơn vị ban hành kế hoạch muộn",
         record_plans(_late_plans, "2025-09-04")),
    Step("november-7", at("2025-11-07 08:00"), "Nhắc trước 30 ngày (09/11 nghỉ): báo cáo", nothing),
    Step("reports-1", at("2025-11-20 09:00"), "Báo cáo qua HTTP (đợt 1)", report_half(0)),
    Step("november-25", at("2025-11-25 08:00"), "Nhắc trước 14 ngày: báo cáo năm", nothing),
    Step("sheet", at("2025-12-01 15:00"), "Hội đồng thông qua bảng điểm",
         adopt_sheet(PERIOD, "03/NQ-HĐTĐKT", "2025-12-01")),
    Step("december-2", at("2025-12-02 08:00"), "Nhắc trước 7 ngày: báo cáo năm", nothing),
    Step("systems", at("2025-12-03 10:00"), "Hệ thống khác gửi báo cáo qua Kafka", systems_report),
    Step("december-5", at("2025-12-05 08:00"), "Nhắc trước 3 ngày (06/12 nghỉ): báo cáo", nothing),
    Step("reports-2", at("2025-12-05 14:00"), "Báo cáo qua HTTP (đợt 2)", report_half(1)),
    Step("incomplete", at("2025-12-05 15:00"), "Một báo cáo còn thiếu", report_incomplete),
    Step("return", at("2025-12-05 16:00"), "Trả lại báo cáo để chỉnh sửa", return_it),
    Step("correct", at("2025-12-07 10:00"), "Gửi lại báo cáo đã sửa", correct_it),
    Step("december-8", at("2025-12-08 08:00"), "Nhắc trước 1 ngày: báo cáo năm", nothing),
    Step("december-9", at("2025-12-09 08:00"), "Nhắc đúng ngày cuối: báo cáo năm", nothing),
    Step("late-http", at("2025-12-10 00:10"), "Báo cáo muộn qua HTTP", report_late_by_http),
    Step("december-10", at("2025-12-10 08:00"), "Quá hạn báo cáo năm", nothing),
    Step("late-kafka", at("2025-12-11 09:00"), "Báo cáo muộn qua Kafka", report_late_by_kafka),
    Step("accept", at("2025-12-12 09:00"), "Tiếp nhận chính thức", accept_reports),
    Step("verify", at("2025-12-15 09:00"), "Thẩm định từng tiêu chí", verify),
    Step("council-marks", at("2025-12-17 09:00"), "Hội đồng cho điểm", council_marks),
    Step("freeze", at("2025-12-18 09:00"), "Chốt kết quả từng khối", freeze),
    Step("dossiers", at("2025-12-18 15:00"), "Lập hồ sơ đề nghị khen thưởng", open_dossiers),
    Step("publication", at("2025-12-19 08:00"), "Công khai danh sách đề nghị", publish_candidates),
    Step("session", at("2025-12-29 08:00"), "Họp Hội đồng, điểm danh", call_session),
    Step("ballots", at("2025-12-29 09:00"), "Bỏ phiếu", vote),
    Step("closing", at("2025-12-29 11:00"), "Kiểm phiếu", close_session),
    Step("decision", at("2025-12-30 09:00"), "Chủ tịch quyết định, văn thư vào số", decide),
    Step("next-year", at("2026-01-02 08:00"), "Mở kỳ báo cáo năm 2026", open_next_year),
    Step("next-sheet", at("2026-01-05 08:00"), "Hội đồng thông qua bảng điểm năm 2026",
         adopt_sheet(NEXT_PERIOD, "01/NQ-HĐTĐKT", "2026-01-05")),
)  # fmt: skip
