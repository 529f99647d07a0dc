"""What is done in the directory: admit, grant, act for somebody, end, correct, erase.

The lock of `<ward>/<person>` is held by whoever changes what is known or held of a person.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple, cast

import sqlalchemy as sa

from services.intake.commands.holding import Known, known_of
from services.intake.commands.sessions import end_all_access
from services.intake.domain.directory import (
    Delegation,
    Holding,
    Scope,
    check_delegation,
    check_grant,
    check_stands_in,
    warnings_of,
)
from services.intake.domain.roll import Entry
from services.intake.forms.people import (
    AccessEndForm,
    AdmissionForm,
    ContactForm,
    CorrectionAnswerForm,
    DelegationForm,
    GrantForm,
)
from services.intake.store import people as store
from services.intake.store import tables
from services.intake.store.sign_in import forget_person
from shared.access import end_access as disbelieve
from shared.calendar import ward_day
from shared.contracts.intake import AccessEnded, ContactErased, ContactRecorded
from shared.messaging import UnitOfWork
from shared.records import record_act
from shared.refusal import Refusal
from shared.rows import insert_rows
from shared.web.identity import Person
from shared.web.problems import conflict, forbidden, not_found


class Change(NamedTuple):
    """What a command did: the row's number, and whether anything is new."""

    id: int
    new: bool


def key_of(ward: str, person: str) -> str:
    """The lock of a person, which is also the key of what is published about them."""
    return f"{ward}/{person}"


async def admit(work: UnitOfWork, form: AdmissionForm, by: Person) -> Change:
    """Enter somebody; returns their version. The same again is no news, something else refused."""
    known = await store.find(work.connection, by.ward, form.person)
    if known is not None:
        if known.erased_on is not None:
            raise conflict("person-erased", f"Mã {form.person} đã xóa thông tin, không dùng lại.")
        if (known.name, known.email, known.unit) != (form.name, form.email, form.unit):
            detail = f"Mã {form.person} đã có với nội dung khác; hãy sửa thông tin người đó."
            raise conflict("person-exists", detail)
        return Change(known.version, new=False)
    await _check_unit(work, by.ward, form.unit)
    row = form.model_dump() | {"ward": by.ward}
    await insert_rows(work.connection, tables.contact, [row])
    work.publish(_recorded(by.ward, form.person, form.name, form.email))
    await _record(work, "person-admitted", form.person, by, form.model_dump(mode="json"))
    return Change(1, new=True)


def _recorded(ward: str, person: str, name: str, email: str) -> ContactRecorded:
    return ContactRecorded(ward=ward, person=person, name=name, email=email)


async def _check_unit(work: UnitOfWork, ward: str, unit: str) -> None:
    """Before anybody is registered, units cannot be looked up."""
    if unit and await store.is_off_the_roll(work.connection, ward, unit):
        raise Refusal("unknown-unit", f"Không có đơn vị nào mang mã {unit}.", "/unit")


async def _record(
    work: UnitOfWork, name: str, person: str, by: Person, facts: dict[str, Any]
) -> None:
    await record_act(work, name, key_of(by.ward, person), by.actor, facts)


async def change_contact(work: UnitOfWork, person: str, form: ContactForm, by: Person) -> int:
    """Put a name, address and unit in place of those held; returns the new version."""
    known = await existing(work, by.ward, person)
    if (known.name, known.email, known.unit) == (form.name, form.email, form.unit):
        return int(known.version)
    if known.unit != form.unit:
        _refuse_own(person, by)
        await _check_unit(work, by.ward, form.unit)
        of = await known_of(work.connection, by.ward, [person], ward_day(work.business.now()))
        check_stands_in(frozenset({form.unit} - {""}), of[person].stands_in)
    version = int(known.version) + 1
    await work.connection.execute(
        sa.update(tables.contact)
        .where(tables.contact.c.ward == by.ward, tables.contact.c.person == person)
        .values(**form.model_dump(), version=version)
    )
    if (known.name, known.email) != (form.name, form.email):
        work.publish(_recorded(by.ward, person, form.name, form.email))
    if known.email != form.email or known.unit != form.unit:
        await _end_tokens(work, by.ward, [person])
    await _record(work, "contact-changed", person, by, form.model_dump(mode="json"))
    return version


def _makers(by: Person) -> frozenset[str]:
    """Who does it, and for whom: neither may be the one who gets something."""
    return frozenset({by.id, by.acting_for} - {""})


def _refuse_own(person: str, by: Person) -> None:
    if person in _makers(by):
        detail = "Không ai tự làm việc này cho mình; công chức hoặc người vận hành khác sẽ làm."
        raise Refusal("own-role", detail)


async def existing(work: UnitOfWork, ward: str, person: str) -> Any:
    """The person's row. Raises Problem (404), also for those erased."""
    known = await store.find(work.connection, ward, person)
    if known is None or known.erased_on is not None:
        raise not_found(f"người mang mã {person}")
    return known


async def grant(work: UnitOfWork, person: str, form: GrantForm, by: Person) -> Change:
    """Give a role from a day on. One that is open already for the same is no news."""
    known = await existing(work, by.ward, person)
    wanted = _wanted(form, ward_day(work.business.now()), by)
    today = ward_day(work.business.now())
    rows = await store.roles_of(work.connection, by.ward, [person])
    for row in rows:
        one = store.holding_of(row)
        same = (one.role, one.scope, one.of) == (wanted.role, wanted.scope, wanted.of)
        if same and one.is_open(today):
            return Change(row.id, new=False)
    of = (await known_of(work.connection, by.ward, [person], today))[person]
    check_grant(
        wanted,
        person=person,
        own=of.own | frozenset({known.unit} - {""}),
        stands_in=of.stands_in,
        also=of.roles,
        by=_makers(by),
        document=form.document,
    )
    if wanted.scope == "unit":
        await _check_unit(work, by.ward, wanted.of)
    number = await store.add_role(work.connection, _role_row(work, person, wanted, form, by))
    facts = form.model_dump(mode="json") | {"id": number}
    await _record(work, "role-granted", person, by, facts)
    return Change(number, new=True)


def _wanted(form: GrantForm, today: date, by: Person) -> Holding:
    if form.unit and form.session:
        detail = "Một vai trò giữ cho một đơn vị hoặc một phiên họp, không cho cả hai."
        raise Refusal("wrong-scope", detail, "/session")
    scope: Scope = "unit" if form.unit else "session" if form.session else "ward"
    of = form.unit or form.session
    return Holding(form.role, scope, of, form.since or today, form.until, granted_by=by.id)


def _role_row(
    work: UnitOfWork, person: str, wanted: Holding, form: GrantForm, by: Person
) -> dict[str, Any]:
    return {
        "ward": by.ward,
        "person": person,
        "role": wanted.role,
        "scope": wanted.scope,
        "scope_of": wanted.of,
        "since": wanted.since,
        "until": wanted.until,
        "document": form.document,
        "granted_by": by.actor,
        "granted_at": work.business.now(),
    }


async def warnings(work: UnitOfWork, ward: str) -> tuple[str, ...]:
    """What the ward should be told about who holds what today."""
    today = ward_day(work.business.now())
    held = await store.who_holds_what(work.connection, ward, today)
    return warnings_of(held, await store.units_of(work.connection, ward))


async def end_role(work: UnitOfWork, person: str, number: int, reason: str, by: Person) -> date:
    """End a role today; tokens that name it die. Ended before: that day."""
    row = await store.role(work.connection, by.ward, person, number)
    if row is None:
        raise not_found(f"vai trò số {number} của người mang mã {person}")
    if row.ended_on is not None:
        return cast(date, row.ended_on)
    _refuse_own(person, by)
    now = work.business.now()
    today = ward_day(now)
    await store.end_rows(work.connection, tables.role_held, [number], now, by.actor, reason)
    await _end_tokens_with_delegates(work, by.ward, person, today)
    await _record(work, "role-ended", person, by, {"id": number, "reason": reason})
    return today


def _check_may_lend(principal: str, by: Person) -> None:
    """Who keeps the directory enters it; others give away their own, never what they were lent."""
    if not by.has("officer", "operator") and (by.id != principal or by.acting_for):
        raise forbidden("Bạn chỉ ủy quyền được vai trò của chính mình.")


async def delegate(work: UnitOfWork, form: DelegationForm, by: Person) -> Change:
    """Let somebody act for somebody else. The same again is no news."""
    ward, today = by.ward, ward_day(work.business.now())
    _check_may_lend(form.principal, by)
    for person in (form.principal, form.delegate):
        await existing(work, ward, person)
    wanted = Delegation(
        form.principal,
        form.delegate,
        frozenset(form.roles),
        form.since or today,
        form.until,
        form.document,
    )
    for row in await store.delegations_with(work.connection, ward, form.principal):
        if store.delegation_of(row) == wanted:
            return Change(row.id, new=False)
    held = await store.held_by(work.connection, ward, [form.principal])
    of = (await known_of(work.connection, ward, [form.delegate], today))[form.delegate]
    unit = (await existing(work, ward, form.delegate)).unit
    check_delegation(
        wanted,
        principals=held.get(form.principal, []),
        delegates=of.roles,
        by=_makers(by),
        own=of.own | frozenset({unit} - {""}),
    )
    entry = form.model_dump(exclude={"since", "roles"}) | {
        "ward": ward,
        "roles": sorted(wanted.roles),
        "since": wanted.since,
        "granted_by": by.actor,
        "granted_at": work.business.now(),
    }
    number = await store.add_delegation(work.connection, entry)
    facts = form.model_dump(mode="json") | {"id": number}
    await _record(work, "delegation-granted", form.principal, by, facts)
    return Change(number, new=True)


async def end_delegation(work: UnitOfWork, number: int, reason: str, by: Person) -> date:
    """End a delegation today. Whoever it is from may do so, and whoever keeps the directory."""
    row = await store.delegation_row(work.connection, by.ward, number)
    if row is None:
        raise not_found(f"ủy quyền số {number}")
    _check_may_lend(row.principal, by)
    if row.ended_on is not None:
        return cast(date, row.ended_on)
    now = work.business.now()
    await work.lock(key_of(by.ward, row.delegate))
    await store.end_rows(work.connection, tables.delegation, [number], now, by.actor, reason)
    await _end_tokens(work, by.ward, [row.delegate])
    facts = {"id": number, "reason": reason}
    await _record(work, "delegation-ended", row.principal, by, facts)
    return ward_day(now)


async def end_access(work: UnitOfWork, person: str, form: AccessEndForm, by: Person) -> int:
    """Sign somebody out everywhere, with `roles` for good; returns how many roles ended."""
    await existing(work, by.ward, person)
    ended = 0
    if form.roles:
        _refuse_own(person, by)
        ended = await _end_all(work, person, form.reason, by)
    await end_all_access(work, by.ward, person)
    await _record(work, "access-ended", person, by, form.model_dump(mode="json") | {"ended": ended})
    return ended


async def _end_all(work: UnitOfWork, person: str, reason: str, by: Person) -> int:
    """End every role and every delegation from and to somebody."""
    now = work.business.now()
    roles = await store.roles_of(work.connection, by.ward, [person])
    open_roles = [row.id for row in roles if row.ended_on is None]
    await store.end_rows(work.connection, tables.role_held, open_roles, now, by.actor, reason)
    lent = await store.delegations_with(work.connection, by.ward, person)
    open_lent = [row.id for row in lent if row.ended_on is None]
    delegates = {row.delegate for row in lent if row.ended_on is None} - {person}
    await store.end_rows(work.connection, tables.delegation, open_lent, now, by.actor, reason)
    await work.lock(*(key_of(by.ward, one) for one in delegates))
    await _end_tokens(work, by.ward, delegates)
    return len(open_roles)


async def _end_tokens_with_delegates(work: UnitOfWork, ward: str, person: str, today: date) -> None:
    delegates = await store.delegates_on(work.connection, ward, person, today)
    await work.lock(*(key_of(ward, one) for one in delegates))
    await _end_tokens(work, ward, [person, *delegates])


async def _end_tokens(work: UnitOfWork, ward: str, people: Iterable[str]) -> None:
    """Tokens that say what is true no more are not believed: here at once, elsewhere soon."""
    now = work.system.now()
    for person in sorted(set(people)):
        await disbelieve(work.connection, {(ward, person, ""): now}, now)
        work.publish(AccessEnded(ward=ward, person=person, session=None, issued_before=now))


async def erase(work: UnitOfWork, person: str, document: str, by: Person) -> date:
    """Forget somebody: every copy of their name and address goes; roles and access end.

    What they did stays under their code. Erased before: that day.
    """
    known = await store.find(work.connection, by.ward, person)
    if known is None:
        raise not_found(f"người mang mã {person}")
    if known.erased_on is not None:
        return cast(date, known.erased_on)
    _refuse_own(person, by)
    today = ward_day(work.business.now())
    await _end_all(work, person, "Xóa thông tin cá nhân", by)
    await end_all_access(work, by.ward, person)
    await store.blank(work.connection, by.ward, person, today)
    await forget_person(work.connection, by.ward, person)
    work.publish(ContactErased(ward=by.ward, person=person))
    await _record(work, store.ERASURE_ACT, person, by, {"document": document})
    return today


async def left_by(work: UnitOfWork, ward: str, person: str) -> tuple[str, ...]:
    """What is left without somebody once a person is gone."""
    codes = await store.reports_for(work.connection, ward, person)
    told = [f"{code} còn ghi đầu mối là mã này: cần cử đầu mối khác." for code in codes]
    return (*told, *await warnings(work, ward))


async def ask_correction(work: UnitOfWork, text: str, by: Person) -> int:
    """Somebody says what is wrong about them."""
    row = {
        "ward": by.ward,
        "person": by.id,
        "text": text,
        "asked_at": work.business.now(),
    }
    await existing(work, by.ward, by.id)
    number = await store.add_correction(work.connection, row)
    await _record(work, "correction-asked", by.id, by, {"id": number, "text": text})
    return number


async def answer_correction(
    work: UnitOfWork, number: int, form: CorrectionAnswerForm, by: Person
) -> None:
    """Answer a request, once, with a reason. Correcting itself is a change of the person."""
    row = await store.correction(work.connection, by.ward, number)
    if row is None:
        raise not_found(f"yêu cầu sửa thông tin số {number}")
    if row.outcome is not None:
        if (row.outcome, row.reason) == (form.outcome, form.reason):
            return
        raise conflict("answered-already", "Yêu cầu này đã được trả lời.")
    _refuse_own(row.person, by)
    await existing(work, by.ward, row.person)
    await store.answer_correction(
        work.connection,
        number,
        {
            **form.model_dump(),
            "answered_by": by.actor,
            "answered_at": work.business.now(),
        },
    )
    facts = form.model_dump() | {"id": number}
    await _record(work, "correction-answered", row.person, by, facts)


async def grant_reporters(
    work: UnitOfWork, entries: Sequence[Entry], known: dict[str, str], by: Person
) -> None:
    """Whoever is told of a participant's duties may report for it.

    `known`: reporters of those on the roll already. Somebody whose own unit proposes them needs
    no role beside the unit's. Raises Refusal, with a pointer to the entry, where the directory
    would not grant it.
    """
    reporters = known | {entry.code: entry.reporter.person for entry in entries}
    today, rows = ward_day(work.business.now()), []
    of = await known_of(
        work.connection, by.ward, [entry.reporter.person for entry in entries], today
    )
    for number, entry in enumerate(entries):
        person = entry.reporter.person
        if reporters.get(entry.proposed_by or "") == person:
            continue
        form = GrantForm(role="reporter", unit=entry.code)
        wanted = _wanted(form, today, by)
        _check_reporter(wanted, person, of[person], by, f"/participants/{number}/reporter/person")
        rows.append(_role_row(work, person, wanted, form, by))
    await insert_rows(work.connection, tables.role_held, rows)


def _check_reporter(wanted: Holding, person: str, of: Known, by: Person, pointer: str) -> None:
    try:
        check_grant(
            wanted,
            person=person,
            own=of.own,
            stands_in=of.stands_in,
            also=of.roles,
            by=_makers(by),
            document="",
        )
    except Refusal as refusal:
        raise Refusal(refusal.name, refusal.detail, pointer) from None
