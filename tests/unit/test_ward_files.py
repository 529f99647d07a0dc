"""A ward's files are read into models; a bad file names its line, its field and what it needs."""

import shutil
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from deploy.wards.__main__ import main
from deploy.wards.loader import WardFileError, load_ward
from deploy.wards.models import Ward
from tests.unit.bad_ward_files import BAD_FILES, Bad

pytestmark = pytest.mark.unit

TU_MINH = Path(__file__).resolve().parents[2] / "deploy" / "wards" / "tu-minh"


@pytest.fixture(scope="module")
def ward() -> Ward:
    return load_ward(TU_MINH)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TU_MINH, tmp_path / "tu-minh"))


def test_the_plan_is_whole(ward: Ward) -> None:
    movement = ward.movement
    assert [content.number for content in movement.contents] == [1, 2, 3, 4, 5, 6]
    assert {group.code: [c.code for c in group.criteria] for group in movement.groups} == {
        "a": ["a1", "a2", "a3", "a4"],
        "b": ["b1", "b2"],
        "c": ["c1", "c2", "c3"],
        "d": ["d1", "d2"],
    }
    assert [form.code for form in movement.final_forms] == [
        "huan-chuong-lao-dong",
        "co-thi-dua-chinh-phu",
        "bang-khen-thu-tuong",
        "co-thi-dua-thanh-pho",
        "bang-khen-chu-tich-thanh-pho",
        "giay-khen",
    ]
    assert not movement.plan.citable


def test_only_the_giay_khen_is_decided_in_the_ward_and_flags_are_for_collectives(
    ward: Ward,
) -> None:
    forms = ward.movement.final_forms
    assert [form.code for form in forms if form.decided_here] == ["giay-khen"]
    flags = {form.code: form.recipients for form in forms if form.kind == "flag"}
    assert flags == {
        "co-thi-dua-chinh-phu": ("collective",),
        "co-thi-dua-thanh-pho": ("collective",),
    }
    assert ward.movement.annual_rewards.forms == ("giay-khen",)


def test_before_the_tenth_of_december_lasts_until_the_end_of_the_ninth(ward: Ward) -> None:
    occurrences = {found.period: found for found in ward.movement.occurrences()}
    assert list(occurrences) == [
        "2025-plan",
        *(f"{year}-annual" for year in range(2025, 2031)),
        "2027-so-ket",
        "2030-tong-ket",
        "2025-binh-dan-hoc-vu-so",
    ]
    assert occurrences["2025-annual"].due_at == datetime(2025, 12, 9, 16, 59, 59, tzinfo=UTC)
    assert occurrences["2025-plan"].due_at == datetime(2025, 8, 31, 16, 59, 59, tzinfo=UTC)
    assert occurrences["2025-plan"].opens_at == datetime(2025, 7, 31, 17, 0, 0, tzinfo=UTC)
    assert occurrences["2027-so-ket"].due_at is None
    assert occurrences["2030-tong-ket"].due_at is None


def test_the_sheet_is_a_proposal_that_sums_to_the_scale(ward: Ward) -> None:
    sheet = ward.sheet
    assert sheet.status_text == "đề xuất, chờ Hội đồng duyệt"
    points = {c.code: c.max_points for group in sheet.groups for c in group.criteria}
    assert points["a1"] == Decimal(40)
    assert sum(points[code] for code in ("c1", "c2", "c3")) == sheet.scale == Decimal(100)
    assert [grade.from_points for grade in sheet.grades] == [90, 80, 65, 50, 0]


def test_individuals_are_scored_by_the_one_criterion_of_their_kind(ward: Ward) -> None:
    groups = {group.code: group for group in ward.movement.groups}
    scored_by = {
        participant.kind: [c.code for c in groups["d"].criteria_for(participant.kind)]
        for participant in ward.participants
        if participant.is_individual
    }
    assert scored_by == {"individual-official": ["d1"], "individual-other": ["d2"]}


def test_every_kind_of_the_distribution_list_takes_part_under_example_addresses(
    ward: Ward,
) -> None:
    kinds = Counter(participant.kind for participant in ward.participants)
    assert kinds.keys() == ward.movement.duties.by_kind.keys()
    assert kinds["neighbourhood-group"] == 22
    assert 55 <= len(ward.participants) <= 65
    emails = [participant.reporter.email for participant in ward.participants]
    emails += [person.email for person in ward.people]
    assert all(email.endswith(".example") for email in emails)


def test_manners_follow_the_duty_of_the_kind(ward: Ward) -> None:
    duties = ward.movement.duties.by_kind
    for participant in ward.participants:
        duty = duties[participant.kind]
        assert participant.manner == ("proposed" if duty == "none" else duty), participant.code


def test_the_culture_society_file_goes_to_a_substitute_of_another_unit(ward: Ward) -> None:
    (substitute,) = [person for person in ward.people if person.substitute_for]
    assert (substitute.unit, substitute.substitute_for) == ("van-phong", "phong-vhxh")
    assert sum("council" in person.roles for person in ward.people) == 9
    assessors = [person.unit for person in ward.people if "assessor" in person.roles]
    assert len(set(assessors)) == len(assessors) >= 3


def test_text_is_normalised_to_composed_vietnamese(folder: Path) -> None:
    rewrite(folder, "movement.yaml", "place: Tứ Minh", "place: Tu\u031b\u0301 Minh")
    assert load_ward(folder).movement.ward.place == "Tứ Minh"


def rewrite(folder: Path, file: str, old: str, new: str) -> str:
    text = (folder / file).read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
    text = text.replace(old, new)
    (folder / file).write_text(text, encoding="utf-8")
    return text


@pytest.mark.parametrize("bad", BAD_FILES.values(), ids=BAD_FILES.keys())
def test_a_bad_file_names_its_line_its_field_and_what_was_expected(bad: Bad, folder: Path) -> None:
    text = rewrite(folder, bad.file, bad.old, bad.new)
    assert text.count(bad.marker) == 1
    line = text[: text.index(bad.marker) + len(bad.marker)].count("\n") + 1
    with pytest.raises(WardFileError) as caught:
        load_ward(folder)
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.field) == (bad.file, line, bad.field)
    assert bad.expected in problem.message


def test_all_problems_are_told_at_once_in_reading_order(folder: Path) -> None:
    rewrite(folder, "movement.yaml", "  city: Hải Phòng\n", "")
    rewrite(folder, "movement.yaml", "years: [2027]", "years: 2027")
    rewrite(folder, "publishers.yaml", "- name: trial", "- name: Trial")
    with pytest.raises(WardFileError) as caught:
        load_ward(folder)
    found = [(problem.file, problem.field) for problem in caught.value.problems]
    assert found == [
        ("movement.yaml", "ward.city"),
        ("movement.yaml", "obligations[2].years"),
        ("publishers.yaml", "[1].name"),
    ]


def test_a_missing_or_empty_or_misencoded_file_is_a_problem(folder: Path) -> None:
    (folder / "people.yaml").unlink()
    (folder / "publishers.yaml").write_text("", encoding="utf-8")
    (folder / "score-sheet.yaml").write_bytes(b"movement: x\nstatus: \x07proposal\n")
    (folder / "movement.yaml").write_bytes(b"ward:\n  name: ph\xff\n")
    with pytest.raises(WardFileError) as caught:
        load_ward(folder)
    found = {problem.file: (problem.line, problem.message) for problem in caught.value.problems}
    assert found["people.yaml"] == (1, "không mở được tệp; cần có tệp này trong thư mục của phường")
    assert found["publishers.yaml"] == (1, "sai giá trị; cần một danh sách; đang là để trống")
    assert found["movement.yaml"] == (2, "có ký tự sai bảng mã; cần tệp lưu bằng UTF-8")
    assert found["score-sheet.yaml"][0] == 2
    assert "có ký tự không được phép" in found["score-sheet.yaml"][1]


def test_the_command_says_what_a_folder_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(TU_MINH)]) == 0
    printed = capsys.readouterr().out
    assert "6 nội dung, 4 nhóm, 11 tiêu chí, 6 hình thức khen thưởng, 2 giai đoạn" in printed
    assert "chưa ghi số và ngày" in printed


def test_the_command_prints_each_problem_and_fails(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rewrite(folder, "publishers.yaml", "- name: trial", "- name: Trial")
    assert main(["check", str(folder)]) == 1
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith("publishers.yaml:7: [1].name: sai giá trị; cần một mã")
    assert last.endswith("1 lỗi")
