"""The roll over time: said anew, merged, left. What it said before stays on record.

Readers of the roll learn of it by the same fact as of a registration: all that it says now; that
somebody is off the roll is a fact of its own, until they are registered again. The lock of the roll
is held by whoever calls these.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.commands import people
from services.intake.commands.movement_views import shown_plan
from services.intake.commands.placing import Placing, draw_move, draw_return, place
from services.intake.commands.planning import Order, withdraw
from services.intake.commands.rules import Because, check_shown, member_of
from services.intake.domain.roster import (
    OnFile,
    Place,
    Successor,
    check_departure,
    check_hand_over,
    check_on_the_roll,
    check_place,
    check_proposer,
    check_return,
)
from services.intake.forms.people import GrantForm
from services.intake.forms.roster import (
    DepartureForm,
    EntryDetail,
    EntryForm,
    Left,
    PlacePreview,
    ReadmissionForm,
    Readmitted,
)
from services.intake.store import desk, tables
from services.intake.store import people as directory
from services.intake.store import roster as store
from services.intake.store.drafts import recall
from shared.calendar import ward_day
from shared.contracts.intake import ParticipantLeft, ParticipantRegistered
from shared.messaging import UnitOfWork
from shared.records import record_act
from shared.refusal import Refusal
from shared.rows import insert_rows
from shared.web.identity import Person
from shared.web.problems import not_found

_PLACE = frozenset({"kind", "group_code", "block"})
_SAID = ("name", "kind", "group_code", "block", "reporter", "proposed_by", "left_on", "left_into")


async def detail_of(connection: AsyncConnection, person: Person, code: str) -> EntryDetail:
    """What the roll says and said of a participant. Raises Problem (404) outside the scope."""
    row = await store.entry(connection, person, code)
    if row is None:
        raise not_found(f"đơn vị, cá nhân mang mã {code}")
    return EntryDetail.with_changes(row, await store.changes(connection, person.ward, code))


async def locked(work: UnitOfWork, ward: str, code: str, reporter: str | None = None) -> Any:
    """The participant's row, with the locks of all that a change of it touches: whom it proposes,
    who answers for it, or is to, and who acts for these. Raises Problem (404).

    In one statement, which takes them in the same order as whoever else takes several (a batch of
    the post, rules, the planner), and before the log of acts.
    """
    row = await _row(work.connection, ward, code)
    today = ward_day(work.business.now())
    people = {row.reporter, reporter or row.reporter}
    for person in tuple(people):
        people.update(await directory.delegates_on(work.connection, ward, person, today))
    proposed = [one.participant for one in await store.proposed_by(work.connection, ward, code)]
    await work.lock(*(f"{ward}/{one}" for one in (code, *proposed, *people)))
    return await _row(work.connection, ward, code)


async def _row(connection: AsyncConnection, ward: str, code: str) -> Any:
    row = (await desk.participants(connection, ward, [code])).get(code)
    if row is None:
        raise not_found(f"đơn vị, cá nhân mang mã {code}")
    return row


async def change_entry(work: UnitOfWork, code: str, form: EntryForm, person: Person) -> bool:
    """Say something else of a participant, and do to its duties what was shown, or refuse; returns
    whether anything is new.
    """
    row = await locked(work, person.ward, code, form.reporter)
    check_on_the_roll(row.left_on is not None)
    new = {"name": form.name, "kind": form.kind or row.kind, "group_code": form.group}
    new |= {"block": form.block, "reporter": form.reporter}
    new |= {"proposed_by": form.proposed_by or row.proposed_by}
    changed = {name: value for name, value in new.items() if getattr(row, name) != value}
    if not changed:
        return False
    if "proposed_by" in changed:
        await _check_hand_over(work, row, form.proposed_by)
    placing = None
    if _PLACE & changed.keys():
        where = Place(form.group, form.block)
        placing = await _draw(work.connection, row, where, form.kind, work.business.now())
        check_shown(placing.plan, placing.plan.digest(), form.preview)
    if "reporter" in changed:
        await _hand_over(work, row, form.reporter, form, person)
    elif "proposed_by" in changed:
        changed |= await _follow(work, row, new["proposed_by"], form, person)
    await _say(work, row, changed, "changed", form, person)
    if placing is not None:
        words = f"Chuyển nhóm, khối hoặc loại đơn vị: {form.reason}"
        await place(work, person.ward, placing, Because(words, form.document))
    if "name" in changed:
        for one in await store.proposed_by(work.connection, person.ward, code):
            await _publish(work, one)
    return True


async def _check_hand_over(work: UnitOfWork, row: Any, unit: str | None) -> None:
    """Raises Refusal: somebody cannot go over to this unit, or not in this period."""
    ward, code = row.ward, row.participant
    _check_is_proposed(row)
    check_proposer(unit, await _unit(work.connection, ward, unit))
    if unit in await _merged_into(work.connection, ward, row.proposed_by):
        return
    periods = await desk.periods(work.connection, ward)
    states = await desk.report_states(work.connection, ward, [(code, one) for one in periods])
    known = await recall(work.connection, ward, states)
    files = [
        OnFile(period, periods[period].due, one.state.state == "accepted")
        for (_, period), one in known.items()
        if one.state.state != "withdrawn"
    ]
    check_hand_over(files, work.business.now())


async def _merged_into(connection: AsyncConnection, ward: str, code: str) -> set[str]:
    """Units that a unit has gone over into, one after the other."""
    rows, found = await desk.participants(connection, ward), set[str]()
    while (row := rows.get(code)) is not None and row.left_into and row.left_into not in found:
        code = row.left_into
        found.add(code)
    return found


async def _follow(
    work: UnitOfWork,
    row: Any,
    unit: str | None,
    form: EntryForm | DepartureForm | ReadmissionForm,
    person: Person,
) -> dict[str, str]:
    """Whose reporter was that of the unit that proposed them gets that of the unit that does now,
    who needs no role beside the unit's; nothing for whoever has a reporter of their own.
    """
    rows = await desk.participants(work.connection, row.ward, [row.proposed_by, unit or ""])
    before, after = rows.get(row.proposed_by), rows.get(unit or "")
    if before is None or after is None or before.reporter != row.reporter:
        return {}
    if after.reporter == row.reporter:
        return {}
    await _end_reporter(work, row, form, person)
    return {"reporter": after.reporter}


def _check_is_proposed(row: Any) -> None:
    if row.proposed_by is None:
        detail = "Chỉ người được đề nghị mới có đơn vị đề nghị."
        raise Refusal("proposal-incomplete", detail, "/proposed_by")


async def preview(
    connection: AsyncConnection, person: Person, code: str, where: Place, kind: str, now: datetime
) -> PlacePreview:
    """What a participant would be asked elsewhere on the roll; "": as it is there.

    Raises Problem (404) outside the scope, Refusal for a place that there is not.
    """
    row = await store.entry(connection, person, code)
    if row is None:
        raise not_found(f"đơn vị, cá nhân mang mã {code}")
    check_on_the_roll(row.left_on is not None)
    where = Place(where.group or row.group_code, where.block or row.block)
    plan = (await _draw(connection, row, where, kind, now)).plan
    return PlacePreview(
        participant=code,
        group=where.group,
        block=where.block,
        kind=kind or row.kind,
        digest=plan.digest(),
        **shown_plan(plan, row.ward, {code: row.name}),
    )


async def _draw(
    connection: AsyncConnection, row: Any, where: Place, kind: str | None, now: datetime
) -> Placing:
    if (where.group, where.block) != (row.group_code, row.block):
        await _check_place(connection, row.ward, where)
    member = replace(member_of(row), group=where.group, block=where.block, kind=kind or row.kind)
    return await draw_move(connection, row.ward, member, now)


async def _check_place(connection: AsyncConnection, ward: str, place: Place) -> None:
    """By any movement of the ward that is in force."""
    known = list((await desk.movements(connection, ward)).values())
    merged = {
        name: [one for movement in known for one in movement.get(name, ())]
        for name in ("groups", "blocks")
    }
    check_place(place, merged)


async def _hand_over(
    work: UnitOfWork, row: Any, reporter: str, form: EntryForm | ReadmissionForm, person: Person
) -> None:
    """Another person answers for the unit from today on; the one before does no more.

    Raises Refusal where the directory would not grant it: to oneself, beside another role.
    """
    ward, unit = row.ward, row.participant
    known = await directory.find(work.connection, ward, reporter)
    if known is None or known.erased_on is not None:
        detail = f"Trong danh bạ không có ai mang mã {reporter}."
        raise Refusal("unknown-person", detail, "/reporter")
    granted = GrantForm(role="reporter", unit=unit, document=form.document)
    try:
        await people.grant(work, reporter, granted, person)
    except Refusal as refusal:
        raise Refusal(refusal.name, refusal.detail, "/reporter") from None
    if row.reporter != reporter:
        await _end_reporter(work, row, form, person)


async def _end_reporter(
    work: UnitOfWork,
    row: Any,
    form: EntryForm | DepartureForm | ReadmissionForm,
    person: Person,
) -> None:
    """Whoever answered for a participant does no more, whatever else they hold."""
    for role in await directory.roles_of(work.connection, row.ward, [row.reporter]):
        if _is_open_reporter(role, row.participant):
            await people.end_role(work, role.person, role.id, form.reason, person)


def _is_open_reporter(role: Any, unit: str) -> bool:
    return role.role == "reporter" and role.scope_of == unit and not role.ended_on


async def _say(
    work: UnitOfWork,
    row: Any,
    changed: Mapping[str, Any],
    what: str,
    form: EntryForm | DepartureForm | ReadmissionForm,
    person: Person,
) -> None:
    """Put it on the roll and on record, and tell all that the roll says now."""
    await _put(work, row, changed, what, form, person)
    await _publish(work, await _row(work.connection, row.ward, row.participant))


async def _put(
    work: UnitOfWork,
    row: Any,
    changed: Mapping[str, Any],
    what: str,
    form: EntryForm | DepartureForm | ReadmissionForm,
    person: Person,
) -> None:
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
    found = await _unit(work.connection, ward, form.into)
    proposed = await store.proposed_by(work.connection, ward, code)
    check_departure(code, form.into, found, len(proposed))
    for one in proposed:
        over = {"proposed_by": form.into, **await _follow(work, one, form.into, form, person)}
        await _say(work, one, over, "handed-over", form, person)
    duties = await store.open_duties_of(work.connection, ward, code)
    by = Order(frozenset({"rules"}), form.reason, form.document, person.id, person.acting_for)
    for duty in duties:
        await withdraw(work, duty, "left", by)
    today = ward_day(work.business.now())
    await _put(work, row, {"left_on": today, "left_into": form.into}, "left", form, person)
    why: Literal["left", "merged-into"] = "merged-into" if form.into else "left"
    work.publish(
        ParticipantLeft(ward=ward, participant=code, why=why, into=form.into, left_on=today)
    )
    return Left(participant=code, withdrawn=len(duties), handed_over=len(proposed))


async def _unit(connection: AsyncConnection, ward: str, code: str | None) -> Successor | None:
    if code is None:
        return None
    row = (await desk.participants(connection, ward, [code])).get(code)
    return row and Successor(code, row.collective, row.left_on is not None)


async def readmit(work: UnitOfWork, code: str, form: ReadmissionForm, person: Person) -> Readmitted:
    """Whoever had left takes part again under the same code, and owes what is still to come."""
    ward, now = person.ward, work.business.now()
    row = await locked(work, ward, code, form.reporter)
    proposer = form.proposed_by or row.proposed_by
    if form.proposed_by is not None and form.proposed_by != row.proposed_by:
        await _check_hand_over(work, row, form.proposed_by)
    check_return(row.left_on is not None, proposer, await _unit(work.connection, ward, proposer))
    reporter = form.reporter or row.reporter
    if row.collective or reporter != row.reporter:
        await _hand_over(work, row, reporter, form, person)
    elif proposer != row.proposed_by:
        followed = await _follow(work, row, proposer, form, person)
        reporter = followed.get("reporter", reporter)
    back = {"left_on": None, "left_into": None, "reporter": reporter, "proposed_by": proposer}
    changed = {name: value for name, value in back.items() if getattr(row, name) != value}
    await store.put(work.connection, ward, code, rejoined_at=now)
    await _say(work, row, changed, "readmitted", form, person)
    again = await _row(work.connection, ward, code)
    placing = await draw_return(work.connection, ward, member_of(again), now)
    words = f"Tham gia lại: {form.reason}"
    await place(work, ward, placing, Because(words, form.document))
    return Readmitted(participant=code, laid=len(placing.plan.new))
