"""What the desk does: load, decide, store, publish. Each command is repeatable by its own ids."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from services.intake.commands.people import grant_reporters
from services.intake.domain.deadline import check_correction_date, plan_on_time, plan_reminders
from services.intake.domain.obligation import (
    IS_OVERDUE,
    IS_REMINDED,
    is_asked,
    is_still_asked,
    obligation_id,
    state_of,
)
from services.intake.domain.obligation import transition as move_obligation
from services.intake.domain.office import Subject, check_may_judge, check_may_submit
from services.intake.domain.report import Command, State, transition
from services.intake.domain.roll import check_entries
from services.intake.forms.desk import (
    AcceptanceForm,
    MovementForm,
    ParticipantForm,
    PeriodForm,
    PlanForm,
    ReturnForm,
)
from services.intake.store import desk as store
from services.intake.store import tables
from shared.calendar import vietnamese_date, ward_day
from shared.contracts.intake import (
    ContactRecorded,
    MovementLaunched,
    ObligationMet,
    ObligationOpened,
    ParticipantRegistered,
    PeriodOpened,
    PlanRecorded,
    ReportAccepted,
    ReportReturned,
)
from shared.messaging import UnitOfWork
from shared.records import record_act
from shared.rows import insert_rows
from shared.web.identity import Person
from shared.web.problems import conflict, not_found


async def launch_movement(work: UnitOfWork, form: MovementForm, person: Person) -> None:
    """Put a version of the movement in force. A version never changes, and numbers only grow."""
    ward = person.ward
    data = form.model_dump(mode="json")
    known = await store.movement_version(work.connection, ward, form.movement, form.version)
    if known == data:
        return
    if known is not None:
        detail = f"Phiên bản {form.version} đã ban hành và không đổi được; hãy dùng số mới."
        raise conflict("version-exists", detail)
    newest = (await store.movements(work.connection, ward)).get(form.movement)
    if newest is not None and newest["version"] > form.version:
        detail = f"Đã có phiên bản {newest['version']}; phiên bản mới phải mang số lớn hơn."
        raise conflict("version-order", detail)
    row = {
        "ward": ward,
        "movement": form.movement,
        "version": form.version,
        "data": data,
        "launched_at": work.business.now(),
    }
    await insert_rows(work.connection, tables.movement, [row])
    event = {**data, "ward": ward}
    work.publish(MovementLaunched.model_validate(event))
    subject = f"{form.movement} v{form.version}"
    await record_act(work, "movement-launched", subject, person.actor, data)


def roll_key(ward: str) -> str:
    """The lock of the ward's roll. Whoever enters participants or lays duties on all of them
    holds it first, so that nobody is forgotten who comes at the same time.
    """
    return f"roll/{ward}"


async def register_participants(
    work: UnitOfWork, participants: Sequence[ParticipantForm], person: Person
) -> int:
    """Enter those that are not yet known, with their contacts and the duties that are open.

    Returns how many were new. The lock of the roll is held.
    """
    ward, now = person.ward, work.business.now()
    known = await store.participants(work.connection, ward)
    check_entries(
        [p.entry() for p in participants], {code: row.collective for code, row in known.items()}
    )
    for entry in participants:
        if entry.code in known and _differs(known[entry.code], _row(ward, entry)):
            detail = f"Mã {entry.code} đã đăng ký với nội dung khác."
            raise conflict("participant-exists", detail)
    new = [p for p in participants if p.code not in known]
    people = {p.reporter.person for p in participants}
    await work.lock(*(f"{ward}/{code}" for code in people | {p.code for p in new}))
    await _record_contacts(work, ward, participants)
    rows = [_row(ward, p) | {"registered_at": now} for p in new]
    await insert_rows(work.connection, tables.participant, rows)
    reporters = {code: row.reporter for code, row in known.items()}
    await grant_reporters(work, [p.entry() for p in new], reporters, person)
    names = {code: row.name for code, row in known.items()} | {p.code: p.name for p in new}
    for entry in new:
        work.publish(_registered(ward, entry, names))
    await _lay_open_duties(work, ward, [p.code for p in new])
    return len(new)


def _differs(row: Any, fields: dict[str, Any]) -> bool:
    return any(getattr(row, name) != value for name, value in fields.items())


async def _record_contacts(
    work: UnitOfWork, ward: str, participants: Sequence[ParticipantForm]
) -> None:
    wanted = {p.reporter.person: p.reporter for p in participants}
    units = {p.reporter.person: p.code for p in sorted(participants, key=lambda p: p.collective)}
    known = await store.contacts(work.connection, ward, wanted)
    rows = []
    for code, contact in wanted.items():
        row = {"ward": ward, "person": code, "name": contact.name, "email": contact.email}
        if code not in known:
            rows.append(row | {"unit": units[code]})
        elif _differs(known[code], row):
            detail = f"Đầu mối {code} đã có với tên hoặc địa chỉ khác."
            raise conflict("contact-exists", detail)
    await insert_rows(work.connection, tables.contact, rows)
    for row in rows:
        work.publish(ContactRecorded(**row))


def _row(ward: str, entry: ParticipantForm) -> dict[str, Any]:
    return {
        "ward": ward,
        "participant": entry.code,
        "name": entry.name,
        "kind": entry.kind,
        "collective": entry.collective,
        "group_code": entry.group,
        "block": entry.block,
        "manner": entry.manner,
        "proposed_by": entry.proposed_by,
        "reporter": entry.reporter.person,
    }


def _registered(ward: str, entry: ParticipantForm, names: dict[str, str]) -> ParticipantRegistered:
    return ParticipantRegistered(
        ward=ward,
        participant=entry.code,
        name=entry.name,
        kind=entry.kind,
        collective=entry.collective,
        group=entry.group,
        block=entry.block,
        manner=entry.manner,
        proposed_by=entry.proposed_by,
        proposed_by_name=names.get(entry.proposed_by or "", ""),
        reporter=entry.reporter.person,
    )


async def open_period(work: UnitOfWork, form: PeriodForm, person: Person) -> int:
    """Open a period, and lay its duty on all who are asked; returns how many.

    The lock of the roll is held.
    """
    ward, now = person.ward, work.business.now()
    known = (await store.periods(work.connection, ward)).get(form.period)
    if known is not None:
        if _differs(known, form.model_dump()):
            detail = f"Kỳ {form.period} đã mở với nội dung khác."
            raise conflict("period-exists", detail)
        return await store.count_obligations(work.connection, ward, form.period)
    movement = (await store.movements(work.connection, ward)).get(form.movement)
    if movement is None:
        raise not_found(f"phong trào mang mã {form.movement}")
    roll = await store.participants(work.connection, ward)
    asked = [row for row in roll.values() if is_asked(form.kind, row.manner)]
    await work.lock(*(f"{ward}/{code}" for code in (form.period, *(r.participant for r in asked))))
    row = form.model_dump() | {"ward": ward, "opened_at": now}
    await insert_rows(work.connection, tables.period, [row])
    if form.kind == "annual-report":
        work.publish(_opened(ward, form, now))
    await _lay_duties(work, form, ward, asked, movement["reminder_offsets"])
    facts = form.model_dump(mode="json")
    await record_act(work, "period-opened", form.period, person.actor, facts)
    return len(asked)


def _opened(ward: str, form: PeriodForm, now: datetime) -> PeriodOpened:
    return PeriodOpened(
        ward=ward,
        period=form.period,
        movement=form.movement,
        title=form.title,
        year=form.year,
        opened_on=ward_day(now),
        report_by=form.due,
        report_by_text=form.due_text,
    )


async def _lay_open_duties(work: UnitOfWork, ward: str, codes: Sequence[str]) -> None:
    """Whoever comes onto the roll late owes what is still to come."""
    now = work.business.now()
    newcomers = (await store.participants(work.connection, ward, codes)).values()
    periods = await store.periods(work.connection, ward)
    movements = await store.movements(work.connection, ward)
    for period in periods.values():
        asked = [p for p in newcomers if is_still_asked(period.kind, p.manner, period.due, now)]
        offsets = movements[period.movement]["reminder_offsets"]
        await _lay_duties(work, period, ward, asked, offsets)


async def _lay_duties(
    work: UnitOfWork, period: Any, ward: str, asked: Iterable[Any], offsets: Sequence[int]
) -> None:
    """The duty of a period (a form, or a row) and its reminders, for those who are asked."""
    now = work.business.now()
    duties: list[dict[str, Any]] = []
    reminders: list[dict[str, Any]] = []
    for entry in asked:
        identity = obligation_id(ward, entry.participant, period.kind, period.period)
        common = {
            "participant": entry.participant,
            "kind": period.kind,
            "period": period.period,
            "manner": entry.manner,
            "due": period.due,
            "due_text": period.due_text,
        }
        duties.append({"id": identity, "ward": ward, "opened_at": now, **common})
        work.publish(
            ObligationOpened.model_validate({"ward": ward, "obligation": identity, **common})
        )
        if entry.manner in IS_REMINDED:
            overdue = entry.manner in IS_OVERDUE
            reminders += [
                {
                    "obligation": identity,
                    "offset_days": planned.offset,
                    "due_at": planned.due_at,
                    "state": "planned",
                }
                for planned in plan_reminders(period.due, offsets, now, overdue=overdue)
            ]
    await insert_rows(work.connection, tables.obligation, duties)
    await insert_rows(work.connection, tables.reminder, reminders)


def speaks_for(person: Person) -> frozenset[str]:
    """The units that somebody sends for: those they hold a role for, else the one they belong to.

    Whoever reports for one unit and only belongs to another does not report for the other.
    """
    return person.units or frozenset({person.unit} - {""})


def speaks_for_all(person: Person) -> bool:
    """The office takes in what is brought to it; a machine has been let in for the ward."""
    return person.has("officer", "substitute-officer") or "reports:write" in person.scopes


async def check_sender(work: UnitOfWork, code: str, person: Person) -> None:
    """Raises Refusal when a plan or report of this participant is not theirs to send."""
    row = (await store.participants(work.connection, person.ward, [code])).get(code)
    subject = Subject(code, row.proposed_by if row else None)
    check_may_submit(speaks_for(person), subject, is_officer=speaks_for_all(person))


async def record_plan(work: UnitOfWork, form: PlanForm, person: Person) -> bool:
    """Record a unit's own plan; returns whether it was issued on time."""
    ward, now = person.ward, work.business.now()
    await check_sender(work, form.participant, person)
    await _subject(work, ward, form.participant)
    period = (await store.periods(work.connection, ward)).get(form.period)
    if period is None or period.kind != "unit-plan":
        raise not_found(f"kỳ ban hành kế hoạch mang mã {form.period}")
    known = await store.plan_of(work.connection, ward, form.participant, form.period)
    if known is not None:
        if _differs(known, form.model_dump()):
            issued = vietnamese_date(known.issued_on)
            detail = f"Đã ghi nhận kế hoạch số {known.number} ngày {issued}."
            raise conflict("plan-recorded", detail)
        return bool(known.on_time)
    on_time = plan_on_time(period.due, form.issued_on, ward_day(now))
    row = form.model_dump() | {
        "ward": ward,
        "on_time": on_time,
        "recorded_at": now,
        "recorded_by": person.id,
        "acting_for": person.acting_for,
    }
    await insert_rows(work.connection, tables.plan, [row])
    work.publish(PlanRecorded(ward=ward, on_time=on_time, **form.model_dump()))
    await _meet_plan_duty(work, ward, form, on_time)
    return on_time


async def _meet_plan_duty(work: UnitOfWork, ward: str, form: PlanForm, on_time: bool) -> None:
    """Whoever is not asked for a plan may record one all the same."""
    now, key = work.business.now(), (form.participant, form.period)
    owed = (await store.open_obligations(work.connection, ward, [key], "unit-plan")).get(key)
    if owed is None:
        return
    move_obligation(state_of(owed.met_at), "meet", owed.manner)
    await store.meet(work.connection, [{"which": owed.id, "at": now, "timely": on_time}])
    work.publish(
        ObligationMet(
            ward=ward,
            participant=form.participant,
            obligation=owed.id,
            kind="unit-plan",
            period=form.period,
            met_at=now,
            on_time=on_time,
        )
    )


async def return_report(work: UnitOfWork, form: ReturnForm, person: Person) -> None:
    """Send a report back, with a reason for each place and a new date."""
    reasons = [reason.model_dump() for reason in form.reasons]
    same = {"reasons": reasons, "correct_by": form.correct_by}
    version = await _version_to_judge(work, form, person, "return", same)
    if version is None:
        return
    now = work.business.now()
    check_correction_date(form.correct_by, now)
    row = {
        "ward": person.ward,
        "participant": form.participant,
        "period": form.period,
        "revision": form.revision,
        "outcome": "returned",
        "reasons": reasons,
        "correct_by": form.correct_by,
        "judged_at": now,
        "judged_by": person.id,
        "acting_for": person.acting_for,
    }
    await insert_rows(work.connection, tables.judgement, [row])
    data = form.model_dump() | {"ward": person.ward, "returned_at": now}
    work.publish(ReportReturned.model_validate(data | {"report_id": version.report_id}))
    facts = form.model_dump(mode="json")
    await record_act(work, "report-returned", form.participant, person.actor, facts)


async def accept_report(work: UnitOfWork, form: AcceptanceForm, person: Person) -> None:
    """Accept a report; its nominations count from now on."""
    version = await _version_to_judge(work, form, person, "accept", {})
    if version is None:
        return
    now = work.business.now()
    row = form.model_dump() | {
        "ward": person.ward,
        "outcome": "accepted",
        "reasons": [],
        "correct_by": None,
        "judged_at": now,
        "judged_by": person.id,
        "acting_for": person.acting_for,
    }
    await insert_rows(work.connection, tables.judgement, [row])
    work.publish(
        ReportAccepted.model_validate(
            form.model_dump()
            | {
                "ward": person.ward,
                "report_id": version.report_id,
                "accepted_at": now,
                "late": version.late,
                "nominations": version.body["nominations"],
            }
        )
    )
    facts = {**form.model_dump(), "digest": version.digest}
    await record_act(work, "report-accepted", form.participant, person.actor, facts)


_OUTCOME: dict[Command, State] = {"return": "returned", "accept": "accepted"}


async def _version_to_judge(
    work: UnitOfWork,
    form: ReturnForm | AcceptanceForm,
    person: Person,
    command: Command,
    same: dict[str, Any],
) -> Any:
    """The version to judge, with its body; None when this very judgement was made before."""
    subject = await _subject(work, person.ward, form.participant)
    check_may_judge({person.id, person.acting_for}, person.all_units, subject)
    key = (form.participant, form.period)
    report = (await store.report_states(work.connection, person.ward, [key])).get(key)
    version = await store.judged_version(work.connection, person.ward, key, form.revision)
    if report is None or version is None:
        raise not_found(f"báo cáo này, bản số {form.revision}")
    if version.outcome == _OUTCOME[command]:
        if _differs(version, same):
            raise conflict("judged-already", "Bản này đã được xử lý với nội dung khác.")
        return None
    if report.revision != form.revision:
        raise conflict("newer-revision", f"Bản mới nhất của báo cáo là bản số {report.revision}.")
    transition(report.state, command)
    return version


async def _subject(work: UnitOfWork, ward: str, code: str) -> Subject:
    row = (await store.participants(work.connection, ward, [code])).get(code)
    if row is None:
        raise not_found(f"đơn vị, cá nhân mang mã {code}")
    return Subject(row.participant, row.proposed_by, row.reporter)
