"""The wording of phường Tứ Minh's files is the plan's own, white space aside, typos included."""

import os
import re
import unicodedata
from pathlib import Path

import pytest

from deploy.wards.loader import load_ward
from deploy.wards.models import Movement

pytestmark = pytest.mark.contract

CHECKOUT = Path(__file__).resolve().parents[2]
SEED = CHECKOUT.parent / "shared" / "seed"


def normalised(text: str) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip()


@pytest.fixture(scope="module")
def plan() -> str:
    files = sorted(SEED.glob("*.txt"))
    if files:
        return normalised("\n".join(file.read_text(encoding="utf-8") for file in files))
    message = f"THE WORDING OF THE PLAN WAS NOT COMPARED: no text of the plan in {SEED}"
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="module")
def movement() -> Movement:
    return load_ward(CHECKOUT / "deploy" / "wards" / "tu-minh").movement


def between(text: str, start: str, end: str) -> str:
    """What stands between two headings that the plan has once, one after the other."""
    after = text.index(start) + len(start)
    return text[after : text.index(end, after)].strip()


def numbered(section: str, mark: str) -> dict[str, str]:
    """``mark`` captures an item's number or letter; what follows it, to the next, is its text."""
    _, *parts = re.split(rf"(?:^| ){mark} ", section)
    return {code: text.strip() for code, text in zip(parts[::2], parts[1::2], strict=True)}


def test_title(plan: str, movement: Movement) -> None:
    heading = between(plan, "KẾ HOẠCH ", " Thực hiện Kế hoạch số")
    assert movement.plan.heading == heading
    assert f"Phát động {movement.title}" == heading
    assert movement.title.startswith(f"{movement.short_title} trên địa bàn phường Tứ Minh")


def test_legal_bases(plan: str, movement: Movement) -> None:
    implemented, cited = movement.legal_bases
    assert implemented.text == between(plan, "Thực hiện ", ". Ủy ban nhân dân phường Tứ Minh")
    assert cited.text == between(plan, "vận động nhân dân thực hiện ", "; phát huy vai trò")
    for basis in movement.legal_bases:
        day = basis.issued_on
        assert basis.text.split(" của ")[0].endswith(
            f"số {basis.number} ngày {day.day}/{day.month}/{day.year}"
        )


def test_purposes_and_requirements(plan: str, movement: Movement) -> None:
    purposes = numbered(between(plan, "1. Mục đích", "2. Yêu cầu"), r"([a-z])\)")
    requirements = numbered(between(plan, "2. Yêu cầu", "II. NỘI DUNG"), r"([a-z])\)")
    assert {clause.code: clause.text for clause in movement.purposes} == purposes
    assert {clause.code: clause.text for clause in movement.requirements} == requirements


def test_contents(plan: str, movement: Movement) -> None:
    section = between(plan, "chủ yếu sau:", "III. TIÊU CHÍ THI ĐUA")
    contents = numbered(section, r"(\d)\.")
    assert len(contents) == 6
    assert {str(item.number): item.text for item in movement.contents} == contents


def test_groups_and_criteria(plan: str, movement: Movement) -> None:
    section = between(plan, "1. Tiêu chí thi đua", "2. Hình thức và tiêu chuẩn khen thưởng")
    groups = numbered(section, r"([a-z])\)")
    assert [group.code for group in movement.groups] == list(groups)
    for group in movement.groups:
        title, *criteria = groups[group.code].split(" - ")
        assert group.title == title
        assert [criterion.text for criterion in group.criteria] == criteria
        codes = [f"{group.code}{number}" for number in range(1, len(criteria) + 1)]
        assert [criterion.code for criterion in group.criteria] == codes
    assert sum(len(group.criteria) for group in movement.groups) == 11


def test_rewards(plan: str, movement: Movement) -> None:
    section = between(plan, "2. Hình thức và tiêu chuẩn khen thưởng", "IV. GIẢI PHÁP THỰC HIỆN")
    annual = movement.annual_rewards
    assert section.startswith(f"a) {annual.title} {annual.text} b) ")
    final = movement.final_rewards
    assert final.title == between(section, "b) ", " - Hình thức khen thưởng:")
    forms = between(section, "- Hình thức khen thưởng: + ", ". - Tiêu chuẩn khen thưởng:")
    assert [form.title for form in movement.final_forms] == forms.split("; + ")
    assert section.endswith(f"- Tiêu chuẩn khen thưởng: {final.standard}")


def test_phases(plan: str, movement: Movement) -> None:
    section = between(plan, "V. THỜI GIAN THỰC HIỆN", "VI. TỔ CHỨC THỰC HIỆN")
    phases = [f"{phase.number}. {phase.title} {phase.text}" for phase in movement.phases]
    assert section.split("các giai đoạn: ")[1] == " ".join(phases)
    for phase in movement.phases:
        assert f"(từ {phase.first_year} - {phase.last_year})" in phase.title
        assert f"vào năm {phase.review_year}" in phase.text
    assert f"từ năm {movement.first_year} đến năm {movement.last_year}," in section


def test_the_duty_to_report(plan: str, movement: Movement) -> None:
    duties = numbered(
        between(plan, "1. Các cơ quan, đơn vị", "2. Phòng Văn hóa - Xã hội"), r"(d)\)"
    )
    rules = {rule.code: rule for rule in movement.obligations}
    assert rules["annual-report"].text == duties["d"]
    assert rules["annual-report"].due_text in duties["d"]


def test_the_other_duties_are_clauses_of_the_phases(movement: Movement) -> None:
    rules = {rule.code: rule for rule in movement.obligations}
    first, second = (phase.text for phase in movement.phases)
    assert first.startswith(rules["unit-plan"].text + "; ")
    assert first.endswith("; " + rules["so-ket"].text + ".")
    assert second.endswith(" và " + rules["tong-ket"].text + ".")
    for code, text in (("unit-plan", first), ("so-ket", first), ("tong-ket", second)):
        assert rules[code].due_text in text
