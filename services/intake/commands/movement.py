"""Versions of the movement from draft to superseded, the years they open, periods by hand."""

from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.commands.desk import roll_key
from services.intake.commands.rules import (
    Because,
    Picture,
    apply,
    asked_by_hand,
    check_shown,
    draw,
    lay,
    lock_roll,
    publish_period,
    rules_of,
)
from services.intake.domain import movement as domain
from services.intake.domain.obligation import is_asked
from services.intake.domain.rule import BY_DOCUMENT, check_rules, occurrences, wrong_form
from services.intake.forms.movement import (
    MOST_VERSIONS,
    DocumentForm,
    MovementForm,
    PeriodForm,
    ReviewForm,
    VersionForm,
)
from services.intake.store import desk, summary, tables
from services.intake.store import movement as store
from shared.calendar import vietnamese_date, ward_day
from shared.contracts.intake import MovementLaunched
from shared.messaging import UnitOfWork
from shared.records import record_act
from shared.refusal import Refusal
from shared.rows import insert_rows
from shared.web.etag import tag_of
from shared.web.identity import Person
from shared.web.problems import conflict, not_found


def keys_of(ward: str, movement: str) -> tuple[str, str]:
    """The locks of whoever changes what a movement says: the roll's, and its own."""
    return roll_key(ward), f"{ward}/{movement}"


async def existing(connection: AsyncConnection, ward: str, code: str, number: int) -> Any:
    """A version with what it says. Raises Problem (404)."""
    found = await store.version(connection, ward, code, number)
    if found is None:
        raise not_found(f"phiên bản {number} của phong trào mang mã {code}")
    return found


async def enter(work: UnitOfWork, form: MovementForm, person: Person) -> domain.State:
    """Enter a version as a draft, or with its document in force; the same again changes nothing.

    The locks of the roll and of the movement are held. Returns where the version stands.
    """
    ward = person.ward
    _check(form)
    known = await store.version(work.connection, ward, form.movement, form.version)
    if known is not None and known.data == form.content() and _is_same_document(known, form):
        state: domain.State = known.state
        return state
    if known is not None:
        raise _stands_in_the_way(known)
    await _check_number(work.connection, ward, form.movement, form.version)
    row = {
        "ward": ward,
        "movement": form.movement,
        "version": form.version,
        "data": form.content(),
        "state": "draft",
        "entered_at": work.business.now(),
        "entered_by": person.id,
    }
    await insert_rows(work.connection, tables.movement, [row])
    if form.adoption is None:
        facts = form.content()
        await record_act(work, "movement-entered", _subject(row), person.actor, facts)
        return "draft"
    await adopt(work, form.movement, form.version, form.adoption, None, person)
    return "adopted"


def _subject(row: Mapping[str, Any]) -> str:
    return f"{row['movement']} v{row['version']}"


def _check(form: VersionForm) -> None:
    groups, blocks = ({one.code for one in part} for part in (form.groups, form.blocks))
    for problem in check_rules(form.to_rules(), groups, blocks):
        raise problem


def _is_same_document(known: Any, form: MovementForm) -> bool:
    if form.adoption is None:
        return True
    return (known.number, known.decided_on) == (form.adoption.number, form.adoption.decided_on)


def _stands_in_the_way(known: Any) -> Exception:
    try:
        domain.transition(known.state, "edit", known.version)
    except Refusal as refusal:
        return conflict(refusal.name, refusal.detail)
    detail = f"Đã có bản nháp của phiên bản {known.version}; hãy mở bản nháp đó để sửa."
    return conflict("version-exists", detail)


async def _check_number(connection: AsyncConnection, ward: str, code: str, number: int) -> None:
    known = await store.in_force(connection, ward, code)
    try:
        domain.check_number(number, known.version if known else None)
    except Refusal as refusal:
        raise conflict(refusal.name, refusal.detail) from refusal


def _transition(known: Any, command: domain.Command) -> None:
    """Raises Problem (409): what the state does not allow."""
    try:
        domain.transition(known.state, command, known.version)
    except Refusal as refusal:
        raise conflict(refusal.name, refusal.detail) from refusal


async def copy(work: UnitOfWork, code: str, number: int, person: Person) -> int:
    """Enter a draft that says what a version says, under the next number; returns the number."""
    known = await existing(work.connection, person.ward, code, number)
    rows = await store.versions(work.connection, person.ward)
    following = 1 + max(int(row.version) for row in rows if row.movement == code)
    if following > MOST_VERSIONS:
        raise conflict("version-order", f"Không còn số phiên bản nào sau {MOST_VERSIONS}.")
    form = MovementForm.model_validate({**known.data, "version": following})
    await enter(work, form, person)
    return following


def check_draft(known: Any) -> None:
    """Raises Problem (409) unless the version is a draft."""
    _transition(known, "adopt")


async def edit(work: UnitOfWork, known: Any, form: VersionForm, person: Person) -> None:
    """Write a draft again. `known` was read under the movement's lock."""
    _transition(known, "edit")
    _check(form)
    data = {"movement": known.movement, "version": known.version, **form.model_dump(mode="json")}
    which = (person.ward, known.movement, known.version)
    await store.change_version(work.connection, *which, data=data, entered_by=person.id)
    await record_act(work, "movement-edited", _subject(data), person.actor, data)


async def drop(work: UnitOfWork, known: Any, person: Person) -> None:
    """Throw a draft away. `known` was read under the movement's lock."""
    _transition(known, "drop")
    await store.drop_draft(work.connection, person.ward, known.movement, known.version)
    subject = f"{known.movement} v{known.version}"
    await record_act(work, "movement-dropped", subject, person.actor, known.data)


async def preview(
    connection: AsyncConnection, ward: str, known: Any, now: Any
) -> tuple[Picture, str]:
    """What adopting a version would do to open duties, and the digest that stands for it."""
    ended = await store.ended_phases(connection, ward, known.movement)
    picture = await draw(connection, ward, known.movement, rules_of(known.data), ended, now)
    in_force = await store.in_force(connection, ward, known.movement)
    parts = (tag_of(known.data), picture.plan.digest(), in_force.version if in_force else 0)
    return picture, sha256("|".join(map(str, parts)).encode()).hexdigest()[:32]


async def adopt(
    work: UnitOfWork,
    code: str,
    number: int,
    form: DocumentForm,
    shown: str | None,
    person: Person,
) -> None:
    """Put a draft in force by its document, and do to open duties what was shown; or refuse.

    `shown`: the digest of the preview; None where nothing was, which is enough where no open duty
    changes. The locks of the roll and of the movement are held.
    """
    ward, now = person.ward, work.business.now()
    known = await existing(work.connection, ward, code, number)
    if known.state == "adopted" and (known.number, known.decided_on) == (
        form.number,
        form.decided_on,
    ):
        return
    _transition(known, "adopt")
    await _check_number(work.connection, ward, code, number)
    if form.decided_on > ward_day(now):
        raise Refusal("not-issued-yet", "Ngày văn bản không thể ở tương lai.", "/decided_on")
    await lock_roll(work, ward)
    picture, digest = await preview(work.connection, ward, known, now)
    check_shown(picture.plan, digest, shown)
    await _put_in_force(work, known, form, person)
    document = f"số {form.number} ngày {vietnamese_date(form.decided_on)}"
    why = f"Quy định của phong trào thay đổi theo văn bản {document}, phiên bản {number}."
    await apply(work, ward, picture, Because(why, form.number))
    facts = known.data | form.model_dump(mode="json", include={"number", "decided_on"})
    await record_act(work, "movement-launched", f"{code} v{number}", person.actor, facts)


async def _put_in_force(work: UnitOfWork, known: Any, form: DocumentForm, person: Person) -> None:
    now, connection = work.business.now(), work.connection
    before = await store.in_force(connection, person.ward, known.movement)
    if before is not None:
        _transition(before, "supersede")
        which = (person.ward, known.movement, before.version)
        await store.change_version(connection, *which, state="superseded", superseded_at=now)
    await store.change_version(
        connection,
        person.ward,
        known.movement,
        known.version,
        state="adopted",
        launched_at=now,
        number=form.number,
        decided_on=form.decided_on,
        adopted_by=person.id,
        acting_for=person.acting_for,
    )
    await summary.begin(connection, person.ward, now)
    work.publish(MovementLaunched.model_validate({**known.data, "ward": person.ward}))


async def open_year(
    work: UnitOfWork, code: str, year: int, person: Person
) -> tuple[list[str], int]:
    """Open the periods that the rules have for a year, and lay their duties.

    Returns the periods and how many duties were laid now; the same again lays nothing. The lock
    of the roll is held.
    """
    ward, now = person.ward, work.business.now()
    known = await store.in_force(work.connection, ward, code)
    if known is None:
        raise not_found(f"phong trào mang mã {code} đang có hiệu lực")
    rules = rules_of(known.data)
    ended = await store.ended_phases(work.connection, ward, code)
    by_rule = occurrences(rules, year, ended)
    if not by_rule:
        detail = f"Quy định của phong trào không có nhiệm vụ nào đã ấn định ngày trong năm {year}."
        raise Refusal("nothing-due", detail, "/year")
    opened = await desk.periods(work.connection, ward)
    codes = [one.period for one in by_rule]
    if all(one in opened and opened[one].rule for one in codes):
        return codes, 0
    await lock_roll(work, ward)
    picture = await draw(work.connection, ward, code, rules, ended, now, year)
    await apply(work, ward, picture, Because(f"Mở năm {year} theo quy định của phong trào.", ""))
    facts = {"movement": code, "version": known.version, "year": year, "periods": codes}
    await record_act(work, "year-opened", f"{code} {year}", person.actor, facts)
    return codes, len(picture.plan.new)


async def record_review(work: UnitOfWork, code: str, form: ReviewForm, person: Person) -> None:
    """Record the ward's review of a phase, which ends it; the same again changes nothing.

    The locks of the roll and of the movement are held.
    """
    ward, now = person.ward, work.business.now()
    known = await store.in_force(work.connection, ward, code)
    if known is None:
        raise not_found(f"phong trào mang mã {code} đang có hiệu lực")
    rules = rules_of(known.data)
    if form.phase not in {phase.number for phase in rules.phases}:
        raise Refusal("unknown-phase", f"Không có giai đoạn {form.phase}.", "/phase")
    reviews = {row.phase: row for row in await store.phase_reviews(work.connection, ward, code)}
    if form.phase in reviews:
        known_one = reviews[form.phase]
        if (known_one.number, known_one.reviewed_on) == (form.number, form.reviewed_on):
            return
        day = vietnamese_date(known_one.reviewed_on)
        raise conflict("phase-ended", f"Giai đoạn {form.phase} đã kết thúc ngày {day}.")
    _check_order(form, {number: row.reviewed_on for number, row in reviews.items()}, ward_day(now))
    await lock_roll(work, ward)
    ended = {number: row.reviewed_on for number, row in reviews.items()}
    ended[form.phase] = form.reviewed_on
    picture = await draw(work.connection, ward, code, rules, ended, now)
    check_shown(picture.plan, picture.plan.digest(), form.preview)
    review = form.model_dump(include={"phase", "number", "reviewed_on"})
    done = {"recorded_at": now, "recorded_by": person.id, "acting_for": person.acting_for}
    row = {"ward": ward, "movement": code, **review, **done}
    await insert_rows(work.connection, tables.phase_review, [row])
    why = f"Kết thúc giai đoạn {form.phase} theo văn bản số {form.number}."
    await apply(work, ward, picture, Because(why, form.number))
    await record_act(work, "phase-ended", f"{code} {form.phase}", person.actor, review)


def _check_order(form: ReviewForm, ended: Mapping[int, date], today: date) -> None:
    if form.reviewed_on > today:
        raise Refusal("not-issued-yet", "Ngày văn bản không thể ở tương lai.", "/reviewed_on")
    before = form.phase - 1
    if before and before not in ended:
        detail = f"Giai đoạn {before} chưa có sơ kết, tổng kết."
        raise Refusal("phase-order", detail, "/phase")
    if before and form.reviewed_on < ended[before]:
        raise Refusal("phase-order", f"Trước ngày kết thúc giai đoạn {before}.", "/reviewed_on")


async def open_period(work: UnitOfWork, form: PeriodForm, person: Person) -> int:
    """Open a period by hand, and lay its duty on all who are asked; returns how many.

    The lock of the roll is held.
    """
    ward, now = person.ward, work.business.now()
    known = (await desk.periods(work.connection, ward)).get(form.period)
    if known is not None:
        if any(getattr(known, name) != value for name, value in form.model_dump().items()):
            raise conflict("period-exists", f"Kỳ {form.period} đã mở với nội dung khác.")
        return await desk.count_obligations(work.connection, ward, form.period)
    for problem in wrong_form(form.kind, form.form, ""):
        raise problem
    movement = (await desk.movements(work.connection, ward)).get(form.movement)
    if movement is None:
        raise not_found(f"phong trào mang mã {form.movement}")
    roll = await desk.participants(work.connection, ward)
    here = [row for row in roll.values() if row.left_on is None]
    asked = [row for row in here if is_asked(form.kind, row.manner)]
    await work.lock(*(f"{ward}/{code}" for code in (form.period, *(r.participant for r in asked))))
    row = form.model_dump() | {"ward": ward, "opened_at": now}
    await insert_rows(work.connection, tables.period, [row])
    if form.kind not in BY_DOCUMENT:
        publish_period(work, ward, form.movement, form, form.kind, now)
    offsets = {form.period: movement["reminder_offsets"]}
    await lay(work, ward, asked_by_hand(form, asked), offsets)
    facts = form.model_dump(mode="json")
    await record_act(work, "period-opened", form.period, person.actor, facts)
    return len(asked)
