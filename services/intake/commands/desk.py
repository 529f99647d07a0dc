"""What the desk does: load, decide, store, publish. Each command is repeatable by its own ids."""

from collections.abc import Sequence
from typing import Any

from services.intake.commands.people import grant_reporters
from services.intake.commands.placing import lay_open_duties
from services.intake.domain.deadline import plan_on_time
from services.intake.domain.draft import Author
from services.intake.domain.evidence import file_in, wrong_file
from services.intake.domain.obligation import (
    state_of,
)
from services.intake.domain.obligation import transition as move_obligation
from services.intake.domain.office import Subject, check_may_submit
from services.intake.domain.roll import check_entries
from services.intake.domain.rule import BY_DOCUMENT
from services.intake.forms.desk import (
    ParticipantForm,
    PlanForm,
)
from services.intake.store import desk as store
from services.intake.store import tables
from services.intake.store.evidence import filed
from services.intake.store.planning import due_of
from shared.calendar import vietnamese_date, ward_day
from shared.contracts.intake import (
    ContactRecorded,
    ObligationKind,
    ObligationMet,
    ParticipantRegistered,
    PlanRecorded,
)
from shared.messaging import UnitOfWork
from shared.records import record_act
from shared.refusal import Refusal
from shared.rows import insert_rows
from shared.web.identity import Person
from shared.web.problems import conflict, not_found


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
    here = {code: row.collective for code, row in known.items() if row.left_on is None}
    for code in sorted({p.code for p in participants} & known.keys() - here.keys()):
        detail = f"Mã {code} đã thôi tham gia; hãy ghi tham gia lại trong danh sách."
        raise conflict("participant-left", detail)
    check_entries([p.entry() for p in participants], here)
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
    await lay_open_duties(work, ward, [p.code for p in new])
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


def speaks_for(person: Person) -> frozenset[str]:
    """The units that somebody sends for: those they hold a role for, else the one they belong to.

    Whoever reports for one unit and only belongs to another does not report for the other.
    """
    return person.units or frozenset({person.unit} - {""})


def speaks_as(person: Person, subject: Subject) -> Author:
    """Of a unit's own; who heads another unit, or acts for its head, is not this one's head."""
    return "head" if subject.belongs_to(person.heads) else "author"


def speaks_for_all(person: Person) -> bool:
    """The office takes in what is brought to it; a machine has been let in for the ward."""
    return person.has("officer", "substitute-officer") or "reports:write" in person.scopes


async def check_sender(work: UnitOfWork, code: str, person: Person) -> None:
    """Raises Refusal when a plan or report of this participant is not theirs to send."""
    row = (await store.participants(work.connection, person.ward, [code])).get(code)
    check_is_theirs(person, code, row)


def check_is_theirs(person: Person, code: str, row: Any) -> None:
    """`check_sender` of whoever has the participant's row (None: there is none) already."""
    subject = Subject(code, row.proposed_by if row else None)
    check_may_submit(speaks_for(person), subject, is_officer=speaks_for_all(person))


async def record_plan(work: UnitOfWork, form: PlanForm, person: Person) -> bool:
    """Record a unit's own plan; returns whether it was issued on time. A plan that was recorded
    takes its signed copy later, once.
    """
    ward, now = person.ward, work.business.now()
    await check_sender(work, form.participant, person)
    await _subject(work, ward, form.participant)
    period = (await store.periods(work.connection, ward)).get(form.period)
    if period is None or period.kind not in BY_DOCUMENT:
        raise not_found(f"kỳ ban hành kế hoạch mang mã {form.period}")
    await _check_copy(work, ward, form)
    known = await store.plan_of(work.connection, ward, form.participant, form.period)
    if known is not None:
        await _add_copy(work, known, form, person)
        return bool(known.on_time)
    own = await due_of(work.connection, ward, form.participant, form.period, period.kind)
    on_time = plan_on_time(own or period.due, form.issued_on, ward_day(now))
    row = form.model_dump(mode="json") | {
        "issued_on": form.issued_on,
        "ward": ward,
        "on_time": on_time,
        "recorded_at": now,
        "recorded_by": person.id,
        "acting_for": person.acting_for,
    }
    await insert_rows(work.connection, tables.plan, [row])
    work.publish(PlanRecorded(ward=ward, on_time=on_time, **form.model_dump()))
    await _meet_plan_duty(work, ward, form, period.kind, on_time)
    return on_time


async def _check_copy(work: UnitOfWork, ward: str, form: PlanForm) -> None:
    """Raises Refusal where the copy is a file that was not brought for this plan."""
    file = file_in(form.evidence.url) if form.evidence else None
    if form.evidence is None or file is None:
        return
    known = await filed(work.connection, ward, [file])
    whose = (form.participant, form.period)
    wrong = wrong_file("/evidence", known.get(file), form.evidence.sha256, whose)
    for pointer, words in wrong.items():
        raise Refusal("no-such-file", words, pointer)


async def _add_copy(work: UnitOfWork, known: Any, form: PlanForm, person: Person) -> None:
    """Raises Problem (409) when another plan, or another copy of it, was recorded."""
    if _differs(known, form.model_dump(include={"number", "issued_on"})):
        issued = vietnamese_date(known.issued_on)
        detail = f"Đã ghi nhận kế hoạch số {known.number} ngày {issued}."
        raise conflict("plan-recorded", detail)
    copy = form.evidence.model_dump(mode="json") if form.evidence else None
    if copy is None or copy == known.evidence:
        return
    if known.evidence is not None:
        raise conflict("plan-recorded", "Đã có bản sao của kế hoạch này.")
    await store.keep_copy(work.connection, known.ward, form.participant, form.period, copy)
    facts = form.model_dump(mode="json")
    await record_act(work, "plan-copy-handed-in", form.participant, person.actor, facts)


async def _meet_plan_duty(
    work: UnitOfWork, ward: str, form: PlanForm, kind: ObligationKind, on_time: bool
) -> None:
    """Whoever is not asked for a plan may record one all the same."""
    now, key = work.business.now(), (form.participant, form.period)
    owed = (await store.open_obligations(work.connection, ward, [key], kind)).get(key)
    if owed is None:
        return
    move_obligation(state_of(owed.met_at), "meet", owed.manner)
    await store.meet(work.connection, [{"which": owed.id, "at": now, "timely": on_time}])
    work.publish(
        ObligationMet(
            ward=ward,
            participant=form.participant,
            obligation=owed.id,
            kind=kind,
            period=form.period,
            met_at=now,
            on_time=on_time,
        )
    )


async def _subject(work: UnitOfWork, ward: str, code: str) -> Subject:
    row = (await store.participants(work.connection, ward, [code])).get(code)
    if row is None:
        raise not_found(f"đơn vị, cá nhân mang mã {code}")
    return Subject(row.participant, row.proposed_by, row.reporter)
