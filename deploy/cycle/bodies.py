"""The ward's files as the bodies that the services take."""

from typing import Any

from deploy.wards.models import Participant, Ward


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
    }


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


def period_bodies(ward: Ward, year: int) -> list[dict[str, Any]]:
    """The duties of a year that have a date and that participants owe."""
    plan = ward.movement
    titles = {"unit-plan": "Kế hoạch của đơn vị", "annual-report": "Năm"}
    rules = {rule.code: rule for rule in plan.obligations}
    return [
        {
            "period": one.period,
            "movement": plan.code,
            "kind": one.obligation,
            "title": f"{titles[one.obligation]} {one.year}",
            "year": one.year,
            "due": one.due_at.isoformat(),
            "due_text": due_text(rules[one.obligation].due_text, one.year),
        }
        for one in plan.occurrences()
        if one.year == year and one.due_at is not None and one.obligation in titles
    ]


def due_text(words: str, year: int) -> str:
    """The plan's own words, with the year where they leave it out ("trước ngày 10/12")."""
    return words if str(year) in words else f"{words}/{year}"


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
