"""The ward's files as the bodies that the services take."""

from datetime import date, timedelta
from typing import Any

from deploy.wards.models import ObligationRule, Participant, Ward


def movement_body(ward: Ward, launched_on: str) -> dict[str, Any]:
    plan = ward.movement
    return {
        "movement": plan.code,
        "version": plan.version,
        "title": plan.title,
        "place": plan.ward.place,
        "launched_on": launched_on,
        "contents": [{"number": c.number, "text": c.text} for c in plan.contents],
        "groups": [
            {
                "code": group.code,
                "title": group.title,
                "criteria": [
                    {"code": c.code, "text": c.text, "only_for": list(c.only_for)}
                    for c in group.criteria
                ],
            }
            for group in plan.groups
        ],
        "blocks": [{"code": b.code, "group": b.group, "title": b.title} for b in ward.blocks],
        "forms": [
            {
                "code": form.code,
                "title": form.official_title,
                "collectives": "collective" in form.recipients,
                "individuals": "individual" in form.recipients,
                "decided_here": form.decided_here,
                "annual": form.code in plan.annual_rewards.forms,
            }
            for form in plan.final_forms
        ],
        "reminder_offsets": list(plan.reminders.days_before),
        "phases": [
            {
                "number": phase.number,
                "title": phase.title,
                "first_year": phase.first_year,
                "last_year": phase.last_year,
            }
            for phase in plan.phases
        ],
        "rules": [_rule(rule) for rule in plan.obligations],
        "strictness": [
            {"kind": kind, "manner": duty}
            for kind, duty in plan.duties.by_kind.items()
            if duty != "none"
        ],
        "adoption": {"number": "MẪU-01/KH-UBND", "decided_on": launched_on},
    }


_TITLES = {
    "unit-plan": "Kế hoạch của đơn vị",
    "digital-literacy-plan": "Kế hoạch Bình dân học vụ số",
    "annual-report": "Năm",
    "midterm-report": "Sơ kết",
    "final-report": "Tổng kết",
}


_FORMS = {
    "unit-plan": "unit-plan",
    "digital-literacy-plan": "digital-literacy-plan",
    "annual-report": "annual-report",
    "midterm-report": "midterm-review",
    "final-report": "final-review",
}


def _rule(rule: ObligationRule) -> dict[str, Any]:
    return {
        "code": rule.code,
        "kind": rule.kind,
        "title": _TITLES[rule.kind],
        "suffix": rule.period_suffix,
        "due": _deadline(rule),
        "due_text": rule.due_text,
        "years": list(rule.years) if rule.due else [],
        "newcomer_days": rule.newcomer_days,
        "form": _FORMS[rule.kind],
    }


def _deadline(rule: ObligationRule) -> dict[str, Any]:
    """The day as the plan words it: "trước ngày 10/12" is the tenth, which is too late itself."""
    if rule.due is None:
        return {}
    last = date.fromisoformat(f"{rule.years[0]}-{rule.due.split()[0]}")
    before = rule.due_text.startswith("trước ngày")
    day = last + timedelta(days=1) if before else last
    return {"month": day.month, "day": day.day, "before": before}


def participant_body(participant: Participant) -> dict[str, Any]:
    return {
        "code": participant.code,
        "name": participant.name,
        "kind": participant.kind,
        "collective": not participant.is_individual,
        "group": participant.group,
        "block": participant.block,
        "manner": participant.manner,
        "proposed_by": participant.proposed_by,
        "reporter": participant.reporter.model_dump(),
    }


def sheet_body(ward: Ward, period: str) -> dict[str, Any]:
    """The proposal that the council has to adopt."""
    sheet = ward.sheet
    return {
        "period": period,
        "version": sheet.version,
        "groups": [
            {
                "code": group.code,
                "criteria": [
                    {
                        "code": criterion.code,
                        "max_points": str(criterion.max_points),
                        "parts": [
                            {
                                "code": part.code,
                                "title": part.title,
                                "max_points": str(part.max_points),
                            }
                            for part in criterion.parts
                        ],
                    }
                    for criterion in group.criteria
                ],
            }
            for group in sheet.groups
        ],
        "bonus_cap": str(sheet.bonus_cap),
        "deduction_cap": str(sheet.deduction_cap),
        "late_deduction": str(sheet.late_deduction),
        "grades": [
            {"name": grade.title, "from_points": str(grade.from_points)} for grade in sheet.grades
        ],
        "not_applicable": sheet.not_applicable,
    }
