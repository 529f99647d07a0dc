"""Files that were brought are named in a draft, so that nobody has to type their addresses."""

from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.commands.drafting import Desk
from services.intake.forms import attaching
from services.intake.forms import report as forms
from services.intake.forms.drafts import Attachment
from services.intake.store import evidence
from shared.fields import FieldProblem
from shared.web.identity import Person
from shared.web.problems import refused


async def with_files(
    connection: AsyncConnection,
    person: Person,
    desk: Desk,
    typed: Mapping[str, str],
    files: Sequence[Attachment],
    origin: str,
) -> Mapping[str, str]:
    """What was typed and, in rows that are free, the files by their addresses under `origin`.

    Raises Problem naming `/attach/<at>/file` where there is no such file of this report, and
    `/attach/<at>/part` where the part takes none, or stays as it was sent.
    """
    if not files:
        return typed
    rows = {row.id: row for row in await evidence.of_file(connection, person, desk.key)}
    known = {name: text for name, text in typed.items() if text}
    now, added = {**desk.fields, **known}, dict[str, str]()
    open_parts = _open_parts(desk, now)
    wrong: list[FieldProblem] = []
    for at, one in enumerate(files):
        row = rows.get(one.file)
        if one.part not in open_parts:
            words = "Chỗ này không nhận thêm minh chứng."
            wrong.append(FieldProblem(f"/attach/{at}/part", words))
        elif row is None:
            words = "Không có tệp minh chứng này trong hồ sơ của kỳ báo cáo."
            wrong.append(FieldProblem(f"/attach/{at}/file", words))
        else:
            address = f"{origin}/intake/evidence/{row.id}"
            added |= attaching.attach(now | added, one.part, row.id, row.name, address)
    if wrong:
        raise refused("no-such-file", "Có tệp không đưa được vào báo cáo.", wrong)
    return {**typed, **added}


def _open_parts(desk: Desk, fields: Mapping[str, str]) -> frozenset[str]:
    locked = frozenset(desk.locked())
    return frozenset(
        part.code
        for section in forms.sections(desk.asked, fields)
        for part in section.parts
        if part.code not in locked and attaching.takes_evidence(part)
    )
