"""Rules that hold between the parts of a ward's files. Each problem lands on its source."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import TypeVar, get_args

from deploy.wards.fields import Kind, Role
from deploy.wards.models import (
    Block,
    CriterionPoints,
    Group,
    GroupPoints,
    Movement,
    Participant,
    ParticipantsFile,
    PeopleFile,
    Person,
    PublishersFile,
    ScoreSheet,
)
from deploy.wards.source import NodePath, Source

Placed = Sequence[tuple[NodePath, str]]
Item = TypeVar("Item")

STAFF_NEEDED: tuple[Role, ...] = (
    "officer",
    "substitute-officer",
    "assessor",
    "chairman",
    "council-secretary",
    "council",
    "clerk",
)


def check_movement(movement: Movement, source: Source) -> None:
    """Codes are said once, reward forms exist, every kind of participant has a duty."""
    groups = movement.groups
    _once(source, "mã nhóm", _places("groups", groups, lambda group: group.code))
    _once(
        source,
        "mã tiêu chí",
        [
            (("groups", g, "criteria", c, "code"), criterion.code)
            for g, group in enumerate(groups)
            for c, criterion in enumerate(group.criteria)
        ],
    )
    _once(source, "mã ý", _places("purposes", movement.purposes, lambda clause: clause.code))
    _once(
        source, "mã ý", _places("requirements", movement.requirements, lambda clause: clause.code)
    )
    numbers = _places("contents", movement.contents, lambda item: str(item.number), "number")
    _once(source, "số nội dung", numbers)
    numbers = _places("phases", movement.phases, lambda item: str(item.number), "number")
    _once(source, "số giai đoạn", numbers)
    _once(source, "mã hình thức", _places("final_forms", movement.final_forms, lambda f: f.code))
    _once(
        source, "mã việc phải làm", _places("obligations", movement.obligations, lambda o: o.code)
    )
    _check_annual_forms(movement, source)
    _check_years(movement, source)
    for kind in get_args(Kind):
        if kind not in movement.duties.by_kind:
            message = "thiếu loại đơn vị này; cần một trong: owes, invited, voluntary, none"
            source.report(("duties", "by_kind", kind), message)


def _check_annual_forms(movement: Movement, source: Source) -> None:
    decided_here = {form.code for form in movement.final_forms if form.decided_here}
    for index, code in enumerate(movement.annual_rewards.forms):
        if code not in decided_here:
            _unknown(
                source,
                ("annual_rewards", "forms", index),
                "hình thức do phường quyết định có trong final_forms",
                decided_here,
                code,
            )


def _check_years(movement: Movement, source: Source) -> None:
    first, last = movement.first_year, movement.last_year
    for number, phase in enumerate(movement.phases):
        if not first <= phase.first_year <= phase.last_year <= last:
            message = f"năm kết thúc không hợp; cần từ {phase.first_year} đến {last}"
            source.report(("phases", number, "last_year"), f"{message}; đang là {phase.last_year}")
    for number, rule in enumerate(movement.obligations):
        for position, year in enumerate(rule.years):
            if not first <= year <= last:
                path = ("obligations", number, "years", position)
                source.report(
                    path, f"năm ngoài phong trào; cần từ {first} đến {last}; đang là {year}"
                )


def check_sheet(sheet: ScoreSheet, movement: Movement, source: Source) -> None:
    """The sheet scores the movement's own groups and criteria, and its points add up."""
    if sheet.movement != movement.code:
        _unknown(source, ("movement",), "mã phong trào", {movement.code}, sheet.movement)
    groups = {group.code: group for group in movement.groups}
    _once(source, "mã nhóm", _places("groups", sheet.groups, lambda group: group.code))
    missing = groups.keys() - {group.code for group in sheet.groups}
    if missing:
        source.report(("groups",), f"thiếu nhóm; cần có cả {_listed(missing)}")
    for index, scored in enumerate(sheet.groups):
        group = groups.get(scored.code)
        if group is None:
            _unknown(source, ("groups", index, "code"), "mã nhóm", groups, scored.code)
        else:
            _check_group_points(sheet, scored, group, ("groups", index), source)
    _check_grades(sheet, source)


def _check_group_points(
    sheet: ScoreSheet, scored: GroupPoints, group: Group, path: NodePath, source: Source
) -> None:
    criteria = {criterion.code: criterion for criterion in group.criteria}
    here = (*path, "criteria")
    _once(source, "mã tiêu chí", _places(here, scored.criteria, lambda item: item.code))
    strange = False
    for index, item in enumerate(scored.criteria):
        if item.code not in criteria:
            strange = True
            place = (*here, index, "code")
            _unknown(source, place, f"mã tiêu chí của nhóm {group.code}", criteria, item.code)
        _check_parts(item, (*here, index), source)
    missing = criteria.keys() - {item.code for item in scored.criteria}
    if missing and not strange:
        source.report(here, f"thiếu tiêu chí; cần có cả {_listed(missing)}")
    if not missing and not strange:
        _check_totals(sheet, scored, group, here, source)


def _check_totals(
    sheet: ScoreSheet, scored: GroupPoints, group: Group, here: NodePath, source: Source
) -> None:
    for codes in _scored_together(group):
        total = sum((item.max_points for item in scored.criteria if item.code in codes), Decimal(0))
        if total != sheet.scale:
            names = ", ".join(sorted(codes))
            expected = f"cần tổng điểm của {names} bằng {sheet.scale}"
            place = _first_place(scored, codes, here)
            source.report(place, f"tổng điểm sai; {expected}; đang là {total}")


def _scored_together(group: Group) -> list[frozenset[str]]:
    """Sets of criteria that one participant of the group is scored by."""
    kinds = {kind for criterion in group.criteria for kind in criterion.only_for}
    if not kinds:
        return [frozenset(criterion.code for criterion in group.criteria)]
    together = {frozenset(c.code for c in group.criteria_for(kind)) for kind in kinds}
    return sorted(together, key=sorted)


def _first_place(scored: GroupPoints, codes: frozenset[str], here: NodePath) -> NodePath:
    if len(codes) == len(scored.criteria):
        return here
    index = next(i for i, item in enumerate(scored.criteria) if item.code in codes)
    return (*here, index, "max_points")


def _check_parts(item: CriterionPoints, path: NodePath, source: Source) -> None:
    here = (*path, "parts")
    _once(source, "mã phần", _places(here, item.parts, lambda part: part.code))
    total = sum((part.max_points for part in item.parts), Decimal(0))
    if item.parts and total != item.max_points:
        expected = f"cần tổng điểm các phần bằng {item.max_points}"
        source.report(here, f"tổng điểm sai; {expected}; đang là {total}")


def _check_grades(sheet: ScoreSheet, source: Source) -> None:
    _once(source, "mã mức", _places("grades", sheet.grades, lambda grade: grade.code))
    above = sheet.scale + Decimal("0.01")
    for index, grade in enumerate(sheet.grades):
        if grade.from_points >= above:
            message = f"sai thứ tự; cần nhỏ hơn {above}; đang là {grade.from_points}"
            source.report(("grades", index, "from_points"), message)
        above = grade.from_points
    if above != 0:
        place = ("grades", len(sheet.grades) - 1, "from_points")
        source.report(place, f'mức cuối phải nhận mọi điểm còn lại; cần "0"; đang là {above}')


def check_participants(listed: ParticipantsFile, movement: Movement, source: Source) -> None:
    """Blocks and groups exist and agree, individuals are proposed by a unit, nobody is twice."""
    groups = {group.code: group for group in movement.groups}
    blocks = {block.code: block for block in listed.blocks}
    units = {item.code for item in listed.participants if not item.is_individual}
    _once(source, "mã khối", _places("blocks", listed.blocks, lambda block: block.code))
    for index, block in enumerate(listed.blocks):
        if block.group not in groups:
            _unknown(source, ("blocks", index, "group"), "mã nhóm", groups, block.group)
    here = "participants"
    everyone = listed.participants
    _once(source, "mã đơn vị tham gia", _places(here, everyone, lambda item: item.code))
    _once(source, "mã người", _reporters(everyone, "person", lambda item: item.reporter.person))
    _once(source, "địa chỉ thư", _reporters(everyone, "email", lambda item: item.reporter.email))
    for index, item in enumerate(everyone):
        path = (here, index)
        if item.group not in groups:
            _unknown(source, (*path, "group"), "mã nhóm", groups, item.group)
        elif not groups[item.group].criteria_for(item.kind):
            source.report((*path, "kind"), _no_criteria(groups[item.group], item))
        if item.block not in blocks:
            _unknown(source, (*path, "block"), "mã khối", blocks, item.block)
        elif item.group in groups and blocks[item.block].group in groups:
            _check_block(item, listed.blocks, (*path, "block"), source)
        _check_proposal(item, units, path, source)


def _check_block(
    item: Participant, blocks: Iterable[Block], path: NodePath, source: Source
) -> None:
    right = [block.code for block in blocks if block.group == item.group]
    if item.block not in right:
        _unknown(source, path, f"khối của nhóm {item.group}", right, item.block)


def _no_criteria(group: Group, item: Participant) -> str:
    kinds = {kind for criterion in group.criteria for kind in criterion.only_for}
    lacking = f"nhóm {group.code} không có tiêu chí cho loại này"
    return f"{lacking}; cần {_listed(kinds)}; đang là {item.kind}"


def _check_proposal(item: Participant, units: set[str], path: NodePath, source: Source) -> None:
    if not item.is_individual:
        if item.manner == "proposed":
            message = "chỉ cá nhân mới được đề xuất; cần một trong: owes, invited, voluntary"
            source.report((*path, "manner"), f"{message}; đang là proposed")
        if item.proposed_by is not None:
            message = "chỉ cá nhân mới có đơn vị đề xuất; cần bỏ trường này"
            source.report((*path, "proposed_by"), message, at_key=True)
        return
    if item.manner != "proposed":
        message = f"cá nhân do đơn vị đề xuất; cần proposed; đang là {item.manner}"
        source.report((*path, "manner"), message)
    if item.proposed_by is None:
        source.report((*path, "proposed_by"), "thiếu trường này; cần mã đơn vị đề xuất cá nhân")
    elif item.proposed_by not in units:
        _unknown(source, (*path, "proposed_by"), "mã một đơn vị tham gia", units, item.proposed_by)


def check_people(file: PeopleFile, listed: ParticipantsFile, source: Source) -> None:
    """Everyone is named once, of a known unit; every role that the cycle needs is filled."""
    people = file.people
    units = {item.code for item in listed.participants if not item.is_individual}
    here = "people"
    reporters = [item.reporter for item in listed.participants]
    persons = _places(here, people, lambda item: item.person, "person")
    _once(source, "mã người", persons, [reporter.person for reporter in reporters])
    emails = _places(here, people, lambda item: item.email, "email")
    _once(source, "địa chỉ thư", emails, [reporter.email for reporter in reporters])
    for index, person in enumerate(people):
        if person.unit and person.unit not in units:
            expected = 'mã một đơn vị tham gia, hoặc ""'
            _unknown(source, (here, index, "unit"), expected, units, person.unit)
        if "head" in person.roles and not person.unit:
            message = "thủ trưởng đứng đầu một đơn vị; cần mã đơn vị đó"
            source.report((here, index, "unit"), message)
        _check_substitute(person, units, (here, index), source)
    held = {role for person in people for role in person.roles}
    for role in STAFF_NEEDED:
        if role not in held:
            source.report((here,), f"chưa ai giữ vai trò {role}; cần ít nhất một người")


def _check_substitute(person: Person, units: set[str], path: NodePath, source: Source) -> None:
    here = (*path, "substitute_for")
    replaced = person.substitute_for
    if "substitute-officer" not in person.roles:
        if replaced is not None:
            message = "chỉ người có vai trò substitute-officer mới thay; cần bỏ trường này"
            source.report(here, message, at_key=True)
    elif replaced is None:
        source.report(here, "thiếu trường này; cần mã đơn vị có hồ sơ do người này xử lý thay")
    elif replaced not in units:
        _unknown(source, here, "mã một đơn vị tham gia", units, replaced)
    elif replaced == person.unit:
        message = "không ai xử lý hồ sơ của đơn vị mình; cần một đơn vị khác"
        source.report(here, f"{message}; đang là {replaced}")


def check_publishers(
    file: PublishersFile, listed: ParticipantsFile, movement: Movement, source: Source
) -> None:
    """Publishers are told apart, and are granted this ward's own participants."""
    names = [((index, "name"), item.name) for index, item in enumerate(file.root)]
    _once(source, "tên bên gửi", names)
    origins = [((index, "source"), item.source) for index, item in enumerate(file.root)]
    _once(source, "tên nguồn", origins)
    codes = {item.code for item in listed.participants}
    ward = movement.ward.code
    for index, publisher in enumerate(file.root):
        for number, grant in enumerate(publisher.grants):
            path = (index, "grants", number)
            if grant.ward != ward:
                _unknown(source, (*path, "ward"), "mã phường", {ward}, grant.ward)
            named = () if grant.participants == "all" else grant.participants
            for position, code in enumerate(named):
                if code not in codes:
                    place = (*path, "participants", position)
                    _unknown(source, place, "mã một đơn vị tham gia", codes, code)


def _places(
    at: str | NodePath, items: Iterable[Item], value: Callable[[Item], str], field: str = "code"
) -> Placed:
    path = (at,) if isinstance(at, str) else at
    return [((*path, index, field), value(item)) for index, item in enumerate(items)]


def _reporters(
    participants: Iterable[Participant], field: str, value: Callable[[Participant], str]
) -> Placed:
    return [
        (("participants", index, "reporter", field), value(item))
        for index, item in enumerate(participants)
    ]


def _once(source: Source, what: str, placed: Placed, taken: Iterable[str] = ()) -> None:
    """Report every value that was said before, at its later place."""
    seen: dict[str, str] = dict.fromkeys(taken, "trong participants.yaml")
    for path, value in placed:
        if value in seen:
            message = f"{what} bị trùng; cần một giá trị chưa dùng; {value} đã có {seen[value]}"
            source.report(path, message)
        else:
            seen[value] = f"ở dòng {source.line(path)}"


def _unknown(source: Source, path: NodePath, what: str, known: Iterable[str], found: str) -> None:
    source.report(path, f"không có mã này; cần {what}{_among(known)}; đang là {found}")


def _among(known: Iterable[str]) -> str:
    codes = sorted(known)
    return f" ({', '.join(codes)})" if len(codes) <= 12 else ""


def _listed(codes: Iterable[str]) -> str:
    return ", ".join(sorted(codes))
