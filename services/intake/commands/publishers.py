"""The register of publishers: register, grant, revoke, end; consumers honour it from their next
batch on.

A publisher has one name for all wards, and a ward decides only about its own participants.
"""

from datetime import date, datetime
from typing import Any, cast

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.publisher import Grant
from services.intake.forms.publishers import PublisherForm, PublisherGrantForm, PublisherRow
from services.intake.store import people as people_store
from services.intake.store import publishers as store
from shared.calendar import ward_day
from shared.messaging import UnitOfWork
from shared.records import record_act
from shared.refusal import Refusal
from shared.web.identity import Person
from shared.web.problems import conflict, forbidden, not_found


async def rows_of(connection: AsyncConnection, ward: str, name: str = "") -> list[PublisherRow]:
    """The ward's publishers by name; of one name alone, where given."""
    found = [row for row in await store.of_ward(connection, ward) if name in ("", row.name)]
    grants = await store.grants_of(connection, ward, [row.name for row in found])
    return [PublisherRow.of(row, grants[row.name], ward) for row in found]


def key_of(name: str) -> str:
    """The lock of a publisher, for whoever changes what is known of it or granted to it."""
    return f"publisher/{name}"


async def register(work: UnitOfWork, form: PublisherForm, by: Person) -> bool:
    """Whether it is new. The same again is no news; a name or source is never given again."""
    source = form.source or f"urn:thidua:publisher:{form.name}"
    known = await store.find(work.connection, form.name)
    if known is not None:
        if known.ended_at is not None:
            raise conflict("publisher-ended", f"Hệ thống {form.name} đã thôi; hãy dùng tên khác.")
        if known.ce_source != source:
            detail = f"Tên {form.name} đã dùng cho một hệ thống có ce_source khác."
            raise conflict("publisher-exists", detail)
        return False
    row = {
        "name": form.name,
        "ce_source": source,
        "ward": by.ward,
        "document": form.document,
        "registered_by": by.actor,
        "registered_at": work.business.now(),
    }
    if not await store.add(work.connection, row):
        raise Refusal("source-taken", "Một hệ thống khác đã dùng ce_source này.", "/source")
    await record_act(work, "publisher-registered", form.name, by.actor, row)
    return True


async def grant(
    work: UnitOfWork, name: str, form: PublisherGrantForm, by: Person
) -> tuple[int, bool]:
    """The grant's number, and whether it is new; one that stands already is no news."""
    known = await _known(work, name)
    if known.ended_at is not None:
        raise conflict("publisher-ended", f"Hệ thống {name} đã thôi, không giao thêm được.")
    wanted = form.grant(by.ward, ward_day(work.business.now()))
    if wanted.until is not None and wanted.until < wanted.since:
        raise Refusal("wrong-days", "Ngày cuối không được trước ngày đầu.", "/until")
    rows = await store.grants_of(work.connection, by.ward, [name])
    for row in rows[name]:
        if row.ended_at is None and _same(row, wanted):
            return int(row.id), False
    await _check_participants(work, wanted)
    row = {
        "publisher": name,
        "ward": by.ward,
        "participants": None if wanted.participants is None else sorted(wanted.participants),
        "since": wanted.since,
        "until": wanted.until,
        "document": form.document,
        "granted_by": by.actor,
        "granted_at": work.business.now(),
    }
    number = await store.add_grant(work.connection, row)
    await record_act(work, "publisher-granted", name, by.actor, row | {"id": number})
    return number, True


def _whom(row: Any) -> frozenset[str] | None:
    return None if row.participants is None else frozenset(row.participants)


def _same(row: Any, wanted: Grant) -> bool:
    held = (_whom(row), row.since, row.until)
    return held == (wanted.participants, wanted.since, wanted.until)


async def _check_participants(work: UnitOfWork, wanted: Grant) -> None:
    """Before anybody is registered, participants cannot be looked up."""
    for code in sorted(wanted.participants or ()):
        if await people_store.is_off_the_roll(work.connection, wanted.ward, code):
            detail = f"Không có đơn vị, cá nhân nào mang mã {code}."
            raise Refusal("unknown-participant", detail, "/participants")


async def enter(work: UnitOfWork, form: PublisherForm, by: Person) -> bool:
    """Register what a file says, unless that publisher has ended; whether it is new."""
    known = await store.find(work.connection, form.name)
    if known is not None and known.ended_at is not None:
        return False
    return await register(work, form, by)


async def enter_grant(work: UnitOfWork, name: str, form: PublisherGrantForm, by: Person) -> bool:
    """Grant what a file says, unless that was granted before, be it taken back since."""
    known = await _known(work, name)
    rows = await store.grants_of(work.connection, by.ward, [name])
    whom = form.grant(by.ward, form.since or date.min).participants
    if known.ended_at is not None or any(_whom(row) == whom for row in rows[name]):
        return False
    _, new = await grant(work, name, form, by)
    return new


async def _known(work: UnitOfWork, name: str) -> Any:
    known = await store.find(work.connection, name)
    if known is None:
        raise not_found(f"hệ thống mang tên {name}")
    return known


async def revoke(work: UnitOfWork, name: str, number: int, reason: str, by: Person) -> datetime:
    """Take a grant of this ward back; returns when. Taken back before: that moment."""
    rows = await store.grants_of(work.connection, by.ward, [name])
    row = next((row for row in rows[name] if row.id == number), None)
    if row is None:
        raise not_found(f"quyền số {number} của hệ thống {name}")
    if row.ended_at is not None:
        return cast(datetime, row.ended_at)
    now, table = work.business.now(), store.publisher_grant
    await store.end(work.connection, table, table.c.id == number, (now, by.actor, reason))
    facts = {"id": number, "reason": reason}
    await record_act(work, "publisher-grant-revoked", name, by.actor, facts)
    return now


async def end(work: UnitOfWork, name: str, reason: str, by: Person) -> datetime:
    """Nothing of it is taken any more, in any ward; only the ward that registered it may."""
    known = await _known(work, name)
    if known.ward != by.ward:
        raise forbidden(
            "Chỉ phường đã đăng ký hệ thống này mới cho thôi; hãy thu hồi quyền đã giao."
        )
    if known.ended_at is not None:
        return cast(datetime, known.ended_at)
    now, table = work.business.now(), store.publisher
    await store.end(work.connection, table, table.c.name == name, (now, by.actor, reason))
    await record_act(work, "publisher-ended", name, by.actor, {"reason": reason})
    return now
