"""A participant's file for a period, as the pages tell it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.office import Subject
from services.intake.pages.words import DOCUMENTS, SECTIONS, lateness_words, reminder_words
from services.intake.store import desk as store
from services.intake.store import duty as duties
from services.intake.store import reminding
from shared.calendar import vietnamese_date, vietnamese_time
from shared.tokens import MACHINE
from shared.web.identity import Person

PLANNER = "Hệ thống"
ERASED = "Người đã xóa thông tin"


@dataclass(frozen=True, slots=True)
class Act:
    """One line of the timeline: who did what when, under which rule."""

    at: datetime
    who: str
    what: str
    rule: str = ""


def href_of(participant: str, period: str, obligation: UUID | None) -> str:
    """Where a file is shown: where duty mails lead, or by its name where nothing is asked."""
    if obligation is not None:
        return f"/intake/duties/{obligation}"
    return f"/intake/files/{participant}/{period}"


def subject_of(file: Any) -> Subject:
    return Subject(file.participant, file.proposed_by, file.reporter)


def is_own(person: Person, file: Any) -> bool:
    """Whether law 10 keeps somebody from judging it."""
    people = {person.id, person.acting_for}
    return subject_of(file).is_own_file_of(people, person.stakes)


async def names_of(
    connection: AsyncConnection, ward: str, people: Iterable[str]
) -> Mapping[str, str]:
    """Names of people by id; machines by the name of the system."""
    ids = {person for person in people if person}
    known = await store.contacts(connection, ward, ids)
    names = {person: row.name or ERASED for person, row in known.items()}
    return {person: names.get(person) or _unknown(person) for person in ids}


def _unknown(person: str) -> str:
    system = person.removeprefix(MACHINE)
    return person if system == person else f"Hệ thống {system.rpartition('.')[2]}"


async def story(
    connection: AsyncConnection, file: Any, versions: Sequence[Any]
) -> tuple[list[Act], str]:
    """What happened in a file, the oldest first, and the name of whoever is told of its duties."""
    people = {file.reporter, file.plan_recorded_by, file.plan_acting_for}
    for version in versions:
        people |= {version.submitted_by, version.acting_for, version.judged_by, version.judged_for}
        people |= {version.reopened_by, version.reopened_acting_for}
    by_hand = await reminding.of_duty(connection, file.obligation) if file.obligation else []
    people |= {person for row in by_hand for person in (row.reminded_by, row.acting_for)}
    names = await names_of(connection, file.ward, (person or "" for person in people))
    told = await duties.sent_reminders(connection, file.obligation) if file.obligation else []
    acts = [*_of_duty(file, told), *_of_plan(file, names), *_of_versions(versions, names)]
    acts += [
        Act(row.sent_at, who_acted(names, row.reminded_by, row.acting_for), "nhắc thêm, ngoài lịch")
        for row in by_hand
    ]
    return sorted(acts, key=lambda act: act.at), names.get(file.reporter, "")


def _of_duty(file: Any, told: Sequence[Any]) -> Iterator[Act]:
    section = SECTIONS[file.duty_kind]
    if file.opened_at is not None:
        what = f"mở kỳ, hạn {file.due_text}"
        yield Act(file.opened_at, "Phòng Văn hóa - Xã hội", what, section)
    for row in told:
        yield Act(row.due_at, PLANNER, reminder_words(row.offset_days), "mục VI.2.c của Kế hoạch")


def _of_plan(file: Any, names: Mapping[str, str]) -> Iterator[Act]:
    if file.plan_recorded_at is not None:
        issued = vietnamese_date(file.plan_issued_on)
        document = DOCUMENTS.get(file.duty_kind, "văn bản")
        what = f"ghi nhận {document} số {file.plan_number} ngày {issued}"
        what += "" if file.plan_on_time else " (ban hành muộn)"
        who = who_acted(names, file.plan_recorded_by, file.plan_acting_for)
        yield Act(file.plan_recorded_at, who, what, SECTIONS[file.duty_kind])


def _of_versions(versions: Sequence[Any], names: Mapping[str, str]) -> Iterator[Act]:
    for row in versions:
        rules = f"phong trào, phiên bản {row.movement_version}"
        late = f", {lateness_words(row.days_late)}" if row.late else ""
        by = row.publisher if row.door == "kafka" else None
        who = f"Hệ thống {by}" if by else who_acted(names, row.submitted_by, row.acting_for)
        what = "nhập thay từ văn bản" if row.door == "paper" else "gửi"
        yield Act(row.received_at, who, f"{what} bản số {row.revision}{late}", rules)
        if row.outcome == "returned":
            until = vietnamese_time(row.correct_by)
            what = f"trả lại bản số {row.revision}, {len(row.reasons)} chỗ cần sửa, hạn {until}"
            yield Act(row.judged_at, who_acted(names, row.judged_by, row.judged_for), what, rules)
        elif row.outcome == "withdrawn":
            what = f"rút lại bản số {row.revision}"
            yield Act(row.judged_at, who_acted(names, row.judged_by, row.judged_for), what, rules)
        elif row.outcome == "accepted":
            what = f"tiếp nhận chính thức bản số {row.revision}"
            yield Act(row.judged_at, who_acted(names, row.judged_by, row.judged_for), what, rules)
        if row.reopened_at is not None:
            what = f"mở lại bản số {row.revision}, hạn {vietnamese_time(row.reopened_until)}"
            who = who_acted(names, row.reopened_by, row.reopened_acting_for)
            yield Act(row.reopened_at, who, what, rules)


def who_acted(names: Mapping[str, str], person: str, acting_for: str | None) -> str:
    """Somebody, and in whose place, in words."""
    name = names.get(person, person)
    return f"{name} (thay {names.get(acting_for, acting_for)})" if acting_for else name
