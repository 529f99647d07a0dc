"""One member's ballot paper: a choice for every dossier that the member may vote on."""

from collections.abc import Collection, Sequence

from services.awards.domain.session import Roll
from services.awards.domain.tally import Choice
from shared.refusal import Refusal


def check_voter(person: str, roll: Roll) -> None:
    """Raises Refusal unless the person is on the roll, present or in writing."""
    if person not in roll.voting:
        detail = "Bạn không có mặt và cũng không có ý kiến bằng văn bản tại phiên họp này."
        raise Refusal("not-on-the-roll", detail)


def fill_in(
    choices: Sequence[tuple[str, Choice]], agenda: Collection[str], own: Collection[str]
) -> dict[str, Choice]:
    """Dossier -> choice. Raises Refusal unless each dossier not of the member's own unit is there.

    `own` are the dossiers of the member's own unit (law 10), on which there is no vote.
    """
    paper: dict[str, Choice] = {}
    for place, (dossier, choice) in enumerate(choices):
        pointer = f"/choices/{place}/dossier"
        if dossier not in agenda:
            raise Refusal("not-on-the-agenda", "Phiên họp không xét hồ sơ này.", pointer)
        if dossier in own:
            detail = "Bạn không biểu quyết hồ sơ của đơn vị mình hoặc do đơn vị mình đề nghị."
            raise Refusal("own-unit", detail, pointer)
        if dossier in paper:
            raise Refusal("chosen-twice", "Hồ sơ này đã được chọn ở trên.", pointer)
        paper[dossier] = choice
    missing = sorted(set(agenda) - set(own) - set(paper))
    if missing:
        detail = f"Phiếu phải có đủ các hồ sơ của phiên họp; còn thiếu: {', '.join(missing)}."
        raise Refusal("incomplete-ballot", detail, "/choices")
    return paper
