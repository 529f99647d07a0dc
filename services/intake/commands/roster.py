"""The roll over time: said anew, merged, left. What it said before stays on record.

Readers of the roll learn of it by the same fact as of a registration: all that it says now.
The lock of the roll is held by whoever calls these.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.commands import people
from services.intake.commands.planning import Order, withdraw
from services.intake.domain.roster import (
    Place,
    Successor,
    check_departure,
    check_on_the_roll,
    check_place,
)
from services.intake.forms.people import GrantForm
from services.intake.forms.roster import DepartureForm, EntryDetail, EntryForm, Left
from services.intake.store import desk, tables
from services.intake.store import people as directory
from services.intake.store import roster as store
from shared.calendar import ward_day
from shared.contracts.intake import ParticipantRegistered
from shared.messaging import UnitOfWork
from shared.records import record_act
from shared.refusal import Refusal
from shared.rows import insert_rows
from shared.web.identity import Person
from shared.web.problems import not_found

_SAID = ("name", "group_code", "block", "reporter", "proposed_by", "left_on", "left_into")


async def detail_of(connection: AsyncConnection, person: Person, code: str) -> EntryDetail:
    """What the roll says and said of a participant. Raises Problem (404) outside the scope."""
    row = await store.entry(connection, person, code)
    if row is None:
        raise not_found(f"đơn vị, cá nhân mang mã {code}")
    return EntryDetail.with_changes(row, await store.changes(connection, person.ward, code))


async def locked(work: UnitOfWork, ward: str, code: str) -> Any:
    """The participant's row under its lock. Raises Problem (404)."""
    await work.lock(f"{ward}/{code}")
    row = (await desk.participants(work.connection, ward, [code])).get(code)
    if row is None:
        raise not_found(f"đơn vị, cá nhân mang mã {code}")
    return row


async def change_entry(work: UnitOfWork, code: str, form: EntryForm, person: Person) -> bool:
    """Say something else of a participant; returns whether anything is new."""
    row = await locked(work, person.ward, code)
    check_on_the_roll(row.left_on is not None)
    new = {"name": form.name, "group_code": form.group, "block": form.block}
    new["reporter"] = form.reporter
    changed = {name: value for name, value in new.items() if getattr(row, name) != value}
    if not changed:
        return False
    if {"group_code", "block"} & changed.keys():
        await _check_place(work, person.ward, Place(form.group, form.block))
    if "reporter" in changed:
        await _hand_over(work, row, form, person)
    await _say(work, row, changed, "changed", form, person)
    if "name" in changed:
        for one in await _locked_proposed(work, person.ward, code):
            await _publish(work, one)
    return True


async def _check_place(work: UnitOfWork, ward: str, place: Place) -> None:
    """By any movement of the ward that is in force."""
    known = list((await desk.movements(work.connection, ward)).values())
    merged = {
        name: [one for movement in known for one in movement.get(name, ())]
        for name in ("groups", "blocks")
    }
    check_place(place, merged)


async def _hand_over(work: UnitOfWork, row: Any, form: EntryForm, person: Person) -> None:
    """Another person answers for the unit from today on; the one before does no more.

    Raises Refusal where the directory would not grant it: to oneself, beside another role.
    """
    ward, unit = row.ward, row.participant
    await work.lock(*(f"{ward}/{one}" for one in (row.reporter, form.reporter)))
    known = await directory.find(work.connection, ward, form.reporter)
    if known is None or known.erased_on is not None:
        detail = f"Trong danh bạ không có ai mang mã {form.reporter}."
        raise Refusal("unknown-person", detail, "/reporter")
    granted = GrantForm(role="reporter", unit=unit, document=form.document)
    try:
        await people.grant(work, form.reporter, granted, person)
    except Refusal as refusal:
        raise Refusal(refusal.name, refusal.detail, "/reporter") from None
    for role in await directory.roles_of(work.connection, ward, [row.reporter]):
        if role.role == "reporter" and role.scope_of == unit and not role.ended_on:
            await people.end_role(work, role.person, role.id, form.reason, person)


async def _locked_proposed(work: UnitOfWork, ward: str, code: str) -> Sequence[Any]:
    rows = await store.proposed_by(work.connection, ward, code)
    await work.lock(*(f"{ward}/{row.participant}" for row in rows))
    return await store.proposed_by(work.connection, ward, code)


async def _say(
    work: UnitOfWork,
    row: Any,
    changed: Mapping[str, Any],
    what: str,
    form: EntryForm | DepartureForm,
    person: Person,
) -> None:
    """Put it on the roll and on record, and tell it."""
    now = work.business.now()
    was = {name: _plain(getattr(row, name)) for name in _SAID if name in changed}
    entry = {
        "ward": row.ward,
        "participant": row.participant,
        "what": what,
        "since": ward_day(now),
        "was": was,
        "now": {name: _plain(value) for name, value in changed.items()},
        "reason": form.reason,
        "document": form.document,
        "done_at": now,
        "done_by": person.id,
        "acting_for": person.acting_for,
    }
    await store.put(work.connection, row.ward, row.participant, **changed)
    await insert_rows(work.connection, tables.participant_change, [entry])
    facts = {"what": what, "was": was, "now": entry["now"], "reason": form.reason}
    await record_act(work, "roll-changed", row.participant, person.actor, facts)
    await _publish(work, await locked(work, row.ward, row.participant))


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


async def _publish(work: UnitOfWork, row: Any) -> None:
    """All that the roll says of a participant now."""
    proposer = None
    if row.proposed_by is not None:
        rows = await desk.participants(work.connection, row.ward, [row.proposed_by])
        proposer = rows.get(row.proposed_by)
    work.publish(
        ParticipantRegistered(
            ward=row.ward,
            participant=row.participant,
            name=row.name,
            kind=row.kind,
            collective=row.collective,
            group=row.group_code,
            block=row.block,
            manner=row.manner,
            proposed_by=row.proposed_by,
            proposed_by_name=proposer.name if proposer else "",
            reporter=row.reporter,
        )
    )


async def leave(work: UnitOfWork, code: str, form: DepartureForm, person: Person) -> Left:
    """Somebody leaves the roll, alone or into another unit; what it did stays under its code."""
    ward = person.ward
    row = await locked(work, ward, code)
    check_on_the_roll(row.left_on is not None)
    found = None
    if form.into is not None:
        rows = await desk.participants(work.connection, ward, [form.into])
        into = rows.get(form.into)
        found = into and Successor(form.into, into.collective, into.left_on is not None)
    proposed = await _locked_proposed(work, ward, code)
    check_departure(code, form.into, found, len(proposed))
    for one in proposed:
        await _say(work, one, {"proposed_by": form.into}, "handed-over", form, person)
    duties = await store.open_duties_of(work.connection, ward, code)
    by = Order(frozenset({"rules"}), form.reason, form.document, person.id, person.acting_for)
    for duty in duties:
        await withdraw(work, duty, "left", by)
    gone = {"left_on": ward_day(work.business.now()), "left_into": form.into}
    await _say(work, row, gone, "left", form, person)
    return Left(participant=code, withdrawn=len(duties), handed_over=len(proposed))
