"""What the desk does: load, decide, store, publish. Each command is repeatable by its own ids."""

from collections.abc import Sequence
from typing import Any

from services.intake import store
from services.intake.domain.deadline import plan_reminders
from services.intake.domain.obligation import IS_OVERDUE, IS_REMINDED, is_asked, obligation_id
from services.intake.domain.office import Subject, check_may_judge, check_may_submit
from services.intake.domain.report import State, transition
from services.intake.forms import (
    AcceptanceForm,
    MovementForm,
    ParticipantForm,
    PeriodForm,
    PlanForm,
    ReturnForm,
)
from shared.calendar import ward_day
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
from shared.web.identity import Person
from shared.web.problems import conflict, not_found


async def launch_movement(work: UnitOfWork, form: MovementForm, person: Person) -> None:
    """Put a version of the movement in force. A version never changes."""
    ward = person.ward
    data = form.model_dump(mode="json")
    known = await store.movement_version(work.connection, ward, form.movement, form.version)
    if known is not None:
        if known != data:
            raise conflict(
                "version-exists",
                f"Phiên bản {form.version} đã ban hành và không đổi được; hãy dùng số mới.",
            )
        return
    row = {
        "ward": ward,
        "movement": form.movement,
        "version": form.version,
        "data": data,
        "launched_at": work.business.now(),
    }
    await store.add(work.connection, store.movement, [row])
    event = {**data, "ward": ward}
    work.publish(MovementLaunched.model_validate(event))
    subject = f"{form.movement} v{form.version}"
    await record_act(work, "movement-launched", subject, person.id, data)


def participant_keys(ward: str, participants: Sequence[ParticipantForm]) -> list[str]:
    """The keys that registering them publishes for: theirs and their contacts'."""
    codes = {p.code for p in participants} | {p.reporter.person for p in participants}
    return [f"{ward}/{code}" for code in sorted(codes)]


async def register_participants(
    work: UnitOfWork, participants: Sequence[ParticipantForm], person: Person
) -> int:
    """Register those that are not yet known, and their contacts; returns how many were new."""
    ward, now = person.ward, work.business.now()
    known = await store.participants(work.connection, ward)
    names = {code: row.name for code, row in known.items()} | {p.code: p.name for p in participants}
    new = [p for p in participants if p.code not in known]
    unknown = [p.proposed_by for p in new if p.proposed_by and p.proposed_by not in names]
    if unknown:
        raise not_found(f"đơn vị đề nghị mang mã {unknown[0]}")
    await store.add(work.connection, store.participant, [_row(ward, p, now) for p in new])
    contacts = {p.reporter.person: p.reporter for p in new}.values()
    rows = [{"ward": ward, "person": c.person, "name": c.name, "email": c.email} for c in contacts]
    await store.add(work.connection, store.contact, rows)
    for contact in contacts:
        work.publish(
            ContactRecorded(
                ward=ward, person=contact.person, name=contact.name, email=contact.email
            )
        )
    for entry in new:
        work.publish(_registered(ward, entry, names))
    return len(new)


def _row(ward: str, entry: ParticipantForm, now: Any) -> dict[str, Any]:
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
        "registered_at": now,
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


async def open_period(
    work: UnitOfWork, form: PeriodForm, person: Person, participants: Sequence[str]
) -> int:
    """Open a period and plan its obligations and their reminders; returns how many.

    The locks of the period and of all `participants` are held.
    """
    ward, now = person.ward, work.business.now()
    known = await store.periods(work.connection, ward)
    if form.period in known:
        return 0
    movement = await store.newest_movement(work.connection, ward)
    if movement is None or movement["movement"] != form.movement:
        raise not_found(f"phong trào mang mã {form.movement} đang có hiệu lực")
    row = form.model_dump() | {"ward": ward, "opened_at": now}
    await store.add(work.connection, store.period, [row])
    if form.kind == "annual-report":
        work.publish(
            PeriodOpened(
                ward=ward,
                period=form.period,
                movement=form.movement,
                title=form.title,
                year=form.year,
                opened_on=ward_day(now),
                report_by=form.due,
                report_by_text=form.due_text,
            )
        )
    rows = await store.participants(work.connection, ward, participants)
    asked = [p for p in rows.values() if is_asked(form.kind, p.manner)]
    await _open_obligations(work, form, ward, asked, movement["reminder_offsets"])
    await record_act(work, "period-opened", form.period, person.id, form.model_dump(mode="json"))
    return len(asked)


async def _open_obligations(
    work: UnitOfWork, form: PeriodForm, ward: str, asked: Sequence[Any], offsets: Sequence[int]
) -> None:
    now = work.business.now()
    duties: list[dict[str, Any]] = []
    reminders: list[dict[str, Any]] = []
    for entry in asked:
        identity = obligation_id(ward, entry.participant, form.kind, form.period)
        common = {
            "participant": entry.participant,
            "kind": form.kind,
            "period": form.period,
            "manner": entry.manner,
            "due": form.due,
            "due_text": form.due_text,
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
                for planned in plan_reminders(form.due, offsets, now, overdue=overdue)
            ]
    await store.add(work.connection, store.obligation, duties)
    await store.add(work.connection, store.reminder, reminders)


async def record_plan(work: UnitOfWork, form: PlanForm, person: Person) -> bool:
    """Record a unit's own plan; returns whether it was issued on time."""
    ward, now = person.ward, work.business.now()
    subject = await _subject(work, ward, form.participant)
    check_may_submit(person.unit, subject, is_officer=person.has("officer"))
    period = (await store.periods(work.connection, ward)).get(form.period)
    if period is None or period.kind != "unit-plan":
        raise not_found(f"kỳ ban hành kế hoạch mang mã {form.period}")
    on_time = form.issued_on <= ward_day(period.due)
    key = (form.participant, form.period)
    owed = await store.open_obligations(work.connection, ward, [key], "unit-plan")
    if key not in owed:
        return on_time
    row = form.model_dump() | {
        "ward": ward,
        "on_time": on_time,
        "recorded_at": now,
        "recorded_by": person.id,
    }
    await store.add(work.connection, store.plan, [row])
    identity = owed[key].id
    await store.meet(work.connection, [{"which": identity, "at": now, "timely": on_time}])
    work.publish(PlanRecorded(ward=ward, on_time=on_time, **form.model_dump()))
    work.publish(
        ObligationMet(
            ward=ward,
            participant=form.participant,
            obligation=identity,
            kind="unit-plan",
            period=form.period,
            met_at=now,
            on_time=on_time,
        )
    )
    return on_time


async def return_report(work: UnitOfWork, form: ReturnForm, person: Person) -> None:
    """Send a report back, with a reason for each place and a new date."""
    newest = await _judge(work, form, person, "return")
    if newest is None:
        return
    now = work.business.now()
    row = {
        "ward": person.ward,
        "participant": form.participant,
        "period": form.period,
        "revision": form.revision,
        "outcome": "returned",
        "reasons": [reason.model_dump() for reason in form.reasons],
        "correct_by": form.correct_by,
        "judged_at": now,
        "judged_by": person.id,
    }
    await store.add(work.connection, store.judgement, [row])
    data = form.model_dump() | {"ward": person.ward, "returned_at": now}
    work.publish(ReportReturned.model_validate(data | {"report_id": newest.report_id}))
    facts = form.model_dump(mode="json")
    await record_act(work, "report-returned", form.participant, person.id, facts)


async def accept_report(work: UnitOfWork, form: AcceptanceForm, person: Person) -> None:
    """Accept a report; its nominations count from now on."""
    newest = await _judge(work, form, person, "accept")
    if newest is None:
        return
    now = work.business.now()
    row = form.model_dump() | {
        "ward": person.ward,
        "outcome": "accepted",
        "reasons": [],
        "judged_at": now,
        "judged_by": person.id,
    }
    await store.add(work.connection, store.judgement, [row])
    work.publish(
        ReportAccepted.model_validate(
            form.model_dump()
            | {
                "ward": person.ward,
                "report_id": newest.report_id,
                "accepted_at": now,
                "late": newest.late,
                "nominations": newest.body["nominations"],
            }
        )
    )
    facts = {**form.model_dump(), "digest": newest.digest}
    await record_act(work, "report-accepted", form.participant, person.id, facts)


_DONE: dict[str, State] = {"return": "returned", "accept": "accepted"}


async def _judge(
    work: UnitOfWork, form: ReturnForm | AcceptanceForm, person: Person, command: Any
) -> store.NewestReport | None:
    """The version to judge; None when this very judgement was made before."""
    subject = await _subject(work, person.ward, form.participant)
    check_may_judge(person.unit, subject)
    key = (form.participant, form.period)
    newest = (await store.newest_reports(work.connection, person.ward, [key])).get(key)
    if newest is None:
        raise not_found("báo cáo này")
    if newest.outcome == _DONE[command] and newest.revision == form.revision:
        return None
    if newest.revision != form.revision:
        raise conflict("newer-revision", f"Bản mới nhất của báo cáo là bản số {newest.revision}.")
    state: Any = newest.outcome or "received"
    transition(state, command)
    return newest


async def _subject(work: UnitOfWork, ward: str, code: str) -> Subject:
    row = (await store.participants(work.connection, ward, [code])).get(code)
    if row is None:
        raise not_found(f"đơn vị, cá nhân mang mã {code}")
    return Subject(row.participant, row.proposed_by)
