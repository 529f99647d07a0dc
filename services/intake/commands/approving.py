"""A head's approval: asked for, taken back, given or refused; the unit's own rule about it.

What a head has to see, and what its authors have to hear of it, is published: `approval-asked`
while a draft waits, `approval-settled` once it does not, or what was approved holds no more.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.commands.desk import check_is_theirs, speaks_as, speaks_for_all
from services.intake.commands.drafting import (
    Desk,
    check_complete,
    check_current,
    check_seen,
    load,
    put,
)
from services.intake.domain.draft import Command, State, transition
from services.intake.domain.office import Subject, check_may_judge
from services.intake.forms.drafts import ActForm, ApprovalRuleForm
from services.intake.store import desk as store
from services.intake.store import drafts, people
from services.intake.store.planning import heads_of
from shared.calendar import ward_day
from shared.contracts.intake import ApprovalAsked, ApprovalSettled
from shared.messaging import UnitOfWork
from shared.records import record_act
from shared.refusal import Refusal
from shared.web.identity import Person
from shared.web.problems import not_found

Outcome = Literal["approved", "sent-back", "taken-back", "sent"]
_SETTLES: Mapping[Command, Outcome] = {
    "approve": "approved",
    "send-back": "sent-back",
    "take-back": "taken-back",
    "submit": "sent",
}
_BEFORE_THE_HEAD: frozenset[State] = frozenset({"awaiting-head", "approved"})


def check_may_send(person: Person, code: str, row: Any) -> None:
    """Raises Refusal when a report is not theirs to send, or wants its head's approval first.

    `row`: the participant, None where there is none.
    """
    check_is_theirs(person, code, row)
    if row is None or not row.head_approves:
        return
    subject = Subject(code, row.proposed_by)
    if not speaks_for_all(person) or subject.belongs_to(person.all_units):
        transition("draft", "submit", speaks_as(person, subject), head_approves=True)


async def act(work: UnitOfWork, person: Person, key: store.Key, form: ActForm, seen: int) -> Desk:
    """Do something with a draft as it is: ask for approval, approve, send back, throw away."""
    desk = await load(work.connection, person, key)
    state = desk.next(form.act)
    check_seen(desk, seen)
    if form.act == "send-back" and not form.said:
        raise Refusal("no-reason", "Ghi lời nhắn để người soạn biết cần sửa gì.", "/said")
    if form.act in {"ask", "approve"}:
        check_current(desk)
    if form.act == "ask":
        check_complete(desk, person.ward, work.business.now())
    if state == "none":
        await drafts.drop_draft(work.connection, person.ward, key, desk.side)
        return await load(work.connection, person, key)
    draft = replace(desk.draft, version=desk.draft.version + 1)
    approved_by = person.id if state == "approved" else ""
    await put(work, person, desk, draft, state, desk.row.based_on, form.said, approved_by)
    if form.act == "approve":
        facts = {"period": key[1], "fields": dict(draft.fields)}
        await record_act(work, "draft-approved", key[0], person.actor, facts)
    await tell(work, person, desk, form.act, form.said)
    return await load(work.connection, person, key)


async def tell(
    work: UnitOfWork, person: Person, desk: Desk, command: Command, said: str = ""
) -> None:
    """Publish what a command means for the head's approval, and to whom it is news; `desk` as it
    was before. A draft that was never before the head means nothing to anybody.
    """
    now, today = work.business.now(), ward_day(work.business.now())
    about = {
        "ward": person.ward,
        "participant": desk.key[0],
        "period": desk.key[1],
        "kind": desk.period.kind,
        "draft": desk.draft.version + 1,
    }
    if command == "ask":
        heads = await _heads(work.connection, person.ward, desk.subject, today)
        told = {"heads": sorted(heads - {person.id}), "asked_at": now}
        work.publish(ApprovalAsked.model_validate({**about, **told}))
    elif desk.state in _BEFORE_THE_HEAD:
        authors = await _authors(work.connection, person, desk, today)
        outcome = _SETTLES[command]
        told = {"outcome": outcome, "said": said, "authors": sorted(authors), "settled_at": now}
        work.publish(ApprovalSettled.model_validate({**about, **told}))


async def _heads(connection: AsyncConnection, ward: str, subject: Subject, on: date) -> set[str]:
    units = {subject.participant, subject.proposed_by or ""} - {""}
    found = await heads_of(connection, on, [(ward, unit) for unit in sorted(units)])
    return {head for heads in found.values() for head in heads}


async def _authors(connection: AsyncConnection, person: Person, desk: Desk, on: date) -> set[str]:
    """Who wrote the draft and still writes for the unit, and whoever asked; not who settles it."""
    asked = {desk.row.saved_by} if desk.state == "awaiting-head" else set()
    still = set()
    for one in sorted({*desk.row.authors} - asked):
        held = await people.holdings(connection, person.ward, one, on)
        if desk.subject.belongs_to(held.units):
            still.add(one)
    return (asked | still) - {person.id}


async def set_rule(work: UnitOfWork, person: Person, code: str, form: ApprovalRuleForm) -> None:
    """A unit's head says whether they approve what is sent; or the office, for others' units."""
    row = (await store.participants(work.connection, person.ward, [code])).get(code)
    if row is None:
        raise not_found(f"đơn vị, cá nhân mang mã {code}")
    subject = Subject(code, row.proposed_by, row.reporter)
    if not subject.belongs_to(person.heads):
        if not person.has("officer"):
            raise not_found(f"đơn vị, cá nhân mang mã {code}")
        check_may_judge({person.id, person.acting_for}, person.stakes, subject)
    if row.head_approves != form.head_approves:
        await drafts.set_head_approves(work.connection, person.ward, code, form.head_approves)
        await record_act(work, "approval-rule-set", code, person.actor, form.model_dump())
