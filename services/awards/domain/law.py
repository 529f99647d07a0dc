"""Which dossiers the law lets an officer open: dated, labelled rules, each with its source.

`label` says how sure we are: `found` (read in a public copy), `plan` (the ward's plan),
`design-reading` (ours, to be confirmed by a person). Only the first two are shown as law.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from shared.refusal import Refusal

Label = Literal["found", "plan", "design-reading"]
PeriodKind = Literal["annual", "review", "final"]
_LAW_IN_FORCE = date(2024, 1, 1)
_TWO_TIER_WARDS = date(2025, 7, 1)
_KINDS: dict[str, PeriodKind] = {"annual": "annual", "so-ket": "review", "tong-ket": "final"}


def period_kind(period: str) -> PeriodKind:
    """annual, review (`2027-so-ket`) or final (`2030-tong-ket`), by the end of the code.

    Raises Refusal when the code says none of them: the menu of forms would be a guess.
    """
    kind = _KINDS.get(period.partition("-")[2])
    if kind is None:
        detail = "Không xác định được đây là kỳ hàng năm, sơ kết hay tổng kết."
        raise Refusal("unknown-period-kind", detail, "/period")
    return kind


@dataclass(frozen=True, slots=True)
class OfferedForm:
    """A reward form as the movement offers it."""

    code: str
    title: str
    collectives: bool
    individuals: bool
    decided_here: bool
    annual: bool


@dataclass(frozen=True, slots=True)
class Case:
    """What an officer asks for. `form` None: the movement has no such form.

    `live_dossier` is the other dossier of the same participant and period, or "".
    """

    kind: PeriodKind
    form: OfferedForm | None
    collective: bool
    has_result: bool
    live_dossier: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """In force from `since` until the day before `until` (None: no end known)."""

    name: str
    broken: Callable[[Case], bool]
    says: str
    source: str
    label: Label
    pointer: str
    since: date = _LAW_IN_FORCE
    until: date | None = None

    def in_force(self, day: date) -> bool:
        return self.since <= day and (self.until is None or day < self.until)


def _not_in_menu(case: Case) -> bool:
    return case.form is not None and case.kind != "final" and not case.form.annual


def _only_collectives(case: Case) -> bool:
    return case.form is not None and not case.collective and not case.form.individuals


def _only_individuals(case: Case) -> bool:
    return case.form is not None and case.collective and not case.form.collectives


def _decided_elsewhere(case: Case) -> bool:
    return case.form is not None and not case.form.decided_here


RULES: tuple[Rule, ...] = (
    Rule(
        "unknown-form",
        lambda case: case.form is None,
        "Phong trào thi đua này không có hình thức khen thưởng đã chọn.",
        "Kế hoạch phát động, mục III.2",
        "plan",
        "/form",
    ),
    Rule(
        "form-not-offered",
        _not_in_menu,
        "{form} chỉ xét khi tổng kết phong trào; kỳ hàng năm và sơ kết chỉ xét hình thức thuộc "
        "thẩm quyền của phường.",
        "Kế hoạch phát động, mục III.2.a",
        "design-reading",
        "/form",
        _TWO_TIER_WARDS,
    ),
    Rule(
        "collectives-only",
        _only_collectives,
        "{form} chỉ tặng cho tập thể, không tặng cho cá nhân.",
        "Luật Thi đua, khen thưởng số 06/2022/QH15, Điều 25 và Điều 26",
        "found",
        "/form",
    ),
    Rule(
        "individuals-only",
        _only_individuals,
        "{form} chỉ tặng cho cá nhân, không tặng cho tập thể.",
        "Luật Thi đua, khen thưởng số 06/2022/QH15, Điều 5 khoản 2 điểm b",
        "found",
        "/form",
    ),
    Rule(
        "decided-elsewhere",
        _decided_elsewhere,
        "{form} không do Chủ tịch Ủy ban nhân dân phường quyết định mà phải trình cấp trên; "
        "phần mềm chưa có chức năng trình cấp trên.",
        "Luật Thi đua, khen thưởng số 06/2022/QH15, Điều 75 và Điều 80 khoản 3",
        "found",
        "/form",
        _TWO_TIER_WARDS,
    ),
    Rule(
        "no-frozen-result",
        lambda case: not case.has_result,
        "Chưa có kết quả đã chốt của đơn vị, cá nhân này trong kỳ; xét khen thưởng phải căn cứ "
        "thành tích trong phong trào.",
        "Kế hoạch phát động, mục III.2",
        "plan",
        "/participant",
    ),
    Rule(
        "one-achievement-one-award",
        lambda case: case.live_dossier != "",
        "Thành tích của kỳ này đã có hồ sơ {other}; không khen thưởng nhiều lần, nhiều hình thức "
        "cho một thành tích.",
        "Luật Thi đua, khen thưởng số 06/2022/QH15, Điều 5 khoản 2 điểm c",
        "found",
        "/participant",
    ),
)


def rules_in_force(day: date, rules: Sequence[Rule] = RULES) -> tuple[Rule, ...]:
    """The rules that a dossier opened on a day is judged by.

    Raises Refusal on a day without any: what no law covers is not decided by a guess.
    """
    found = tuple(rule for rule in rules if rule.in_force(day))
    if not found:
        raise Refusal("no-law-in-force", "Không có quy định nào có hiệu lực vào ngày này.")
    return found


def check(case: Case, rules: Sequence[Rule]) -> None:
    """Raises Refusal with the first rule that the case breaks."""
    for rule in rules:
        if rule.broken(case):
            title = case.form.title if case.form else ""
            words = rule.says.format(form=title, other=case.live_dossier)
            cited = "" if rule.label == "design-reading" else f" (Căn cứ: {rule.source}.)"
            raise Refusal(rule.name, words + cited, rule.pointer)


def version_of(rules: Sequence[Rule]) -> str:
    """How a dossier remembers its rules: the newest of their days in force, `2025-07-01`."""
    return max(rule.since for rule in rules).isoformat()
