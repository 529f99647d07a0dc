"""The one decision on reports: every state and command, every reason with its place."""

import hashlib
import json
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any, get_args

import pytest

from services.intake.domain.deadline import Lateness, Return
from services.intake.domain.difference import SentBack
from services.intake.domain.report import (
    LARGEST_REPORT,
    TRANSITIONS,
    Command,
    Desk,
    OpenPeriod,
    Refused,
    Reporter,
    ReportState,
    State,
    Taken,
    Version,
    content_digest,
    decide_submission,
    transition,
)
from shared.contracts.inbound import ReportSubmitted
from shared.refusal import Refusal
from tests.unit.test_intake_deadline import DEADLINE, ON_TIME, moment

pytestmark = pytest.mark.unit

EARLY = moment("2025-12-01 09:00")
LATE = moment("2025-12-12 09:00")

LEADS_TO: dict[tuple[State, Command], State] = {
    ("none", "submit"): "received",
    ("received", "submit"): "received",
    ("returned", "submit"): "received",
    ("withdrawn", "submit"): "received",
    ("reopened", "submit"): "received",
    ("received", "return"): "returned",
    ("received", "accept"): "accepted",
    ("received", "withdraw"): "withdrawn",
    ("accepted", "reopen"): "reopened",
}
REFUSED_WITH: dict[Command, str] = {
    "submit": "đã được tiếp nhận chính thức",
    "return": "Chỉ trả lại được",
    "accept": "Chỉ tiếp nhận được",
    "withdraw": "Chỉ rút lại được",
    "reopen": "Chỉ mở lại được",
}


@pytest.mark.parametrize(("state", "command"), list(product(get_args(State), get_args(Command))))
def test_every_state_and_command(state: State, command: Command) -> None:
    expected = LEADS_TO.get((state, command))
    if expected is not None:
        assert transition(state, command) == expected
        return
    with pytest.raises(Refusal) as caught:
        transition(state, command)
    assert caught.value.name == f"cannot-{command}"
    assert REFUSED_WITH[command] in caught.value.detail


def test_the_table_is_this_one_and_nothing_else() -> None:
    assert TRANSITIONS == LEADS_TO


def submission(revision: int = 1, **changes: Any) -> ReportSubmitted:
    data: dict[str, Any] = {
        "ward": "tu-minh",
        "participant": "thcs-1",
        "period": "2025-annual",
        "report_id": "f0b7b1de-7c5a-4d0f-8f7e-3f6f5a2b2026",
        "revision": revision,
        "form_version": 1,
        "submitted_at": "2025-12-01T09:00:00+07:00",
        "contents": [{"content": 1, "text": "Đã triển khai."}],
        "items": [{"criterion": "a1", "self_score": "38.5"}],
        "nominations": [{"subject": "Tổ 1", "form": "giay-khen", "reason": "Dẫn đầu."}],
    }
    return ReportSubmitted.model_validate(data | changes)


def taken(
    sent: ReportSubmitted, received_at: datetime = EARLY, lateness: Lateness = ON_TIME
) -> Version:
    digest = content_digest(sent)
    return Version(sent.revision, str(sent.report_id), digest, received_at, lateness)


def desk(current: ReportState = ReportState(), **changes: Any) -> Desk:  # noqa: B008
    usual = Desk(
        reporter=Reporter("thcs-1", frozenset({"a1", "a2", "a3"})),
        period=OpenPeriod("2025-annual", DEADLINE),
        contents=frozenset({1, 2}),
        forms=frozenset({"giay-khen"}),
        current=current,
    )
    return replace(usual, **changes)


def reasons(decision: Taken | Refused) -> list[tuple[str, str]]:
    assert isinstance(decision, Refused)
    assert all(reason.detail for reason in decision.reasons)
    return [(reason.code, reason.pointer) for reason in decision.reasons]


def decided(decision: Taken | Refused) -> Taken:
    assert isinstance(decision, Taken), decision
    return decision


class TestTaking:
    def test_a_first_report(self) -> None:
        sent = submission()
        found = decided(decide_submission(desk(), sent, EARLY))
        assert found.version == taken(sent)
        assert found.after == ReportState("received", (taken(sent),))
        assert not found.duplicate

    @pytest.mark.parametrize(
        ("received", "expected"),
        [
            (DEADLINE + timedelta(microseconds=999_000), ON_TIME),
            (DEADLINE + timedelta(seconds=1), Lateness(True, 1)),
        ],
    )
    def test_late_is_taken_and_flagged_by_receipt_whatever_the_sender_claims(
        self, received: datetime, expected: Lateness
    ) -> None:
        for claimed in ("2025-11-01T00:00:00+07:00", "2026-03-01T00:00:00+07:00"):
            sent = submission(submitted_at=claimed)
            found = decided(decide_submission(desk(), sent, received))
            assert found.version.lateness == expected

    def test_a_higher_revision_replaces_what_is_not_judged_yet(self) -> None:
        first, second = submission(1), submission(5, difficulties="Thiếu thiết bị.")
        before = ReportState("received", (taken(first),))
        found = decided(decide_submission(desk(before), second, EARLY))
        assert found.after == ReportState("received", (taken(first), taken(second)))

    def test_what_replaces_on_its_own_account_is_judged_by_the_deadline(self) -> None:
        before = ReportState("received", (taken(submission(1)),))
        found = decided(decide_submission(desk(before), submission(2), LATE))
        assert found.version.lateness == Lateness(True, 3)

    def test_a_correction_by_the_offices_date_is_on_time(self) -> None:
        returned = Return(moment("2025-12-20 17:00"), ON_TIME)
        before = ReportState("returned", (taken(submission(1)),), returned)
        found = decided(decide_submission(desk(before), submission(2), LATE))
        assert found.after.state == "received"
        assert found.version.lateness == ON_TIME

    def test_unless_the_ward_judges_corrections_by_the_deadline(self) -> None:
        returned = Return(moment("2025-12-20 17:00"), ON_TIME)
        before = ReportState("returned", (taken(submission(1)),), returned)
        strict = desk(before, period=OpenPeriod("2025-annual", DEADLINE, "by-the-deadline"))
        found = decided(decide_submission(strict, submission(2), LATE))
        assert found.version.lateness == Lateness(True, 3)

    def test_not_applicable_needs_no_score(self) -> None:
        sent = submission(items=[{"criterion": "a2", "not_applicable": True}])
        assert decided(decide_submission(desk(), sent, EARLY)).version == taken(sent)


class TestKnowingAgain:
    """The same content under the same revision is a duplicate, whatever happened since."""

    FIRST = taken(submission(1), EARLY)
    LATER = taken(submission(2, difficulties="Bổ sung."), LATE, Lateness(True, 3))

    @pytest.mark.parametrize("state", ["received", "returned", "accepted"])
    def test_the_newest(self, state: State) -> None:
        before = ReportState(state, (self.FIRST, self.LATER))
        again = submission(2, difficulties="Bổ sung.")
        found = decided(decide_submission(desk(before), again, LATE + timedelta(days=9)))
        assert found == Taken(self.LATER, before, duplicate=True)

    @pytest.mark.parametrize("state", ["received", "returned", "accepted"])
    def test_an_older_one(self, state: State) -> None:
        before = ReportState(state, (self.FIRST, self.LATER))
        found = decided(decide_submission(desk(before), submission(1), LATE))
        assert found == Taken(self.FIRST, before, duplicate=True)

    def test_with_another_claimed_time(self) -> None:
        again = submission(1, submitted_at="2025-12-02T10:00:00+07:00")
        before = ReportState("received", (self.FIRST,))
        assert decided(decide_submission(desk(before), again, LATE)).duplicate

    def test_even_when_the_rules_have_changed_since(self) -> None:
        before = ReportState("received", (self.FIRST,))
        stricter = desk(before, forms=frozenset[str](), contents=frozenset[int]())
        assert decided(decide_submission(stricter, submission(1), LATE)).duplicate


OTHER = "Nội dung khác."


@pytest.mark.parametrize(
    ("current", "sent", "expected"),
    [
        (
            ReportState("received", (taken(submission(2)),)),
            submission(2, difficulties=OTHER),
            [("revision-conflict", "/revision")],
        ),
        (
            ReportState("received", (taken(submission(2)),)),
            submission(1),
            [("revision-conflict", "/revision")],
        ),
        (
            ReportState("returned", (taken(submission(1)),)),
            submission(1, difficulties=OTHER),
            [("revision-conflict", "/revision")],
        ),
        (
            ReportState("accepted", (taken(submission(1)),)),
            submission(2),
            [("already-accepted", "")],
        ),
        (
            ReportState("accepted", (taken(submission(1)),)),
            submission(1, difficulties=OTHER),
            [("already-accepted", "")],
        ),
    ],
)
def test_what_stands_in_the_way(
    current: ReportState, sent: ReportSubmitted, expected: list[tuple[str, str]]
) -> None:
    assert reasons(decide_submission(desk(current), sent, EARLY)) == expected


ITEM = {"criterion": "a1", "self_score": "38.5"}


@pytest.mark.parametrize(
    ("changes", "pointer", "words"),
    [
        ({"items": [{**ITEM, "criterion": "b1"}]}, "/items/0/criterion", "a1, a2, a3"),
        ({"items": [ITEM, ITEM]}, "/items/1/criterion", "đã có ở trên"),
        ({"items": [{"criterion": "a1"}]}, "/items/0/self_score", "không bỏ cả hai"),
        ({"items": [{**ITEM, "not_applicable": True}]}, "/items/0/self_score", "cả hai"),
        ({"contents": [{"content": 7, "text": ""}]}, "/contents/0/content", "nội dung"),
        (
            {"nominations": [{"subject": "Tổ 1", "form": "co-la", "reason": "Tốt."}]},
            "/nominations/0/form",
            "hình thức khen thưởng",
        ),
        ({"items": [{**ITEM, "narrative": "ệ" * 20_000}] * 13}, "", "700 KB"),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, Any], pointer: str, words: str) -> None:
    decision = decide_submission(desk(), submission(**changes), EARLY)
    assert ("invalid-field", pointer) in reasons(decision)
    assert isinstance(decision, Refused)
    detail = next(r.detail for r in decision.reasons if r.pointer == pointer)
    assert words in detail


def test_a_report_as_large_as_allowed_is_taken() -> None:
    fits = submission(items=[{**ITEM, "narrative": "x" * 20_000}])
    assert len(fits.model_dump_json().encode()) < LARGEST_REPORT
    decided(decide_submission(desk(), fits, EARLY))


def test_an_unknown_participant() -> None:
    nobody = desk(reporter=None)
    expected = [("unknown-participant", "/participant")]
    assert reasons(decide_submission(nobody, submission(), EARLY)) == expected


def test_a_period_that_is_not_open() -> None:
    nothing = frozenset[str]()
    closed = desk(
        reporter=Reporter("thcs-1", nothing), period=None, contents=frozenset[int](), forms=nothing
    )
    expected = [("wrong-period", "/period")]
    assert reasons(decide_submission(closed, submission(), EARLY)) == expected


def test_a_group_without_criteria_says_so() -> None:
    empty = desk(reporter=Reporter("thcs-1", frozenset()))
    decision = decide_submission(empty, submission(), EARLY)
    assert reasons(decision) == [("invalid-field", "/items/0/criterion")]


def test_all_reasons_at_once() -> None:
    sent = submission(
        1,
        items=[{"criterion": "b1"}, ITEM, ITEM],
        contents=[{"content": 9, "text": ""}, {"content": 1, "text": ""}],
        nominations=[{"subject": "Tổ 1", "form": "co-la", "reason": "Tốt."}],
    )
    current = ReportState("received", (taken(submission(3)),))
    assert reasons(decide_submission(desk(current), sent, LATE)) == [
        ("revision-conflict", "/revision"),
        ("invalid-field", "/items/0/criterion"),
        ("invalid-field", "/items/0/self_score"),
        ("invalid-field", "/items/2/criterion"),
        ("invalid-field", "/contents/0/content"),
        ("invalid-field", "/nominations/0/form"),
    ]
    nowhere = desk(reporter=None, period=None)
    assert reasons(decide_submission(nowhere, sent, LATE)) == [
        ("unknown-participant", "/participant"),
        ("wrong-period", "/period"),
    ]


@pytest.mark.parametrize(
    ("changes", "pointer", "words"),
    [
        ({"not_applicable": True}, "/items/0/reason", "Nêu lý do"),
        ({"nothing_arose": True}, "/items/0/reason", "Nêu lý do"),
        ({"nothing_arose": True, "reason": " "}, "/items/0/reason", "Nêu lý do"),
        (
            {"nothing_arose": True, "not_applicable": True, "reason": "Không có."},
            "/items/0/nothing_arose",
            "không ghi cả hai",
        ),
        (
            {"nothing_arose": True, "self_score": "3", "reason": "a"},
            "/items/0/self_score",
            "cả hai",
        ),
    ],
)
def test_form_2_wants_a_reason_for_what_is_not_scored(
    changes: dict[str, Any], pointer: str, words: str
) -> None:
    sent = submission(form_version=2, items=[{"criterion": "a1", **changes}])
    decision = decide_submission(desk(), sent, EARLY)
    assert reasons(decision) == [("invalid-field", pointer)]
    assert isinstance(decision, Refused)
    assert words in decision.reasons[0].detail


@pytest.mark.parametrize("version", [1, 2])
def test_nothing_arose_is_taken_with_its_reason(version: int) -> None:
    item = {"criterion": "a1", "nothing_arose": True, "reason": "Chưa có thủ tục nào."}
    decided(decide_submission(desk(), submission(form_version=version, items=[item]), EARLY))


def test_form_1_is_known_again_by_the_digest_that_it_had_before_there_was_a_form_2() -> None:
    sent = submission(indicators=[{"code": "dvc", "value": "80"}])
    old = sent.model_dump(
        mode="json",
        exclude={
            "submitted_at": True,
            "situation": True,
            "digital_literacy": True,
            "form": True,
            "aims": True,
            "lessons": True,
            "directions": True,
            "items": {"__all__": {"nothing_arose", "reason"}},
            "indicators": {"__all__": {"title", "unit", "criterion", "evidence"}},
        },
    )
    digest = hashlib.sha256(json.dumps(old, sort_keys=True).encode()).hexdigest()
    assert content_digest(sent) == digest
    changes: list[dict[str, Any]] = [
        {"situation": "Đã họp."},
        {"form": "midterm-review"},
        {"aims": [{"aim": "Số hóa hồ sơ", "reached": "partly"}]},
        {"lessons": "Làm sớm."},
        {"directions": "Làm tiếp."},
        {"indicators": [{"code": "dvc", "value": "80", "unit": "%"}]},
    ]
    usual = {"indicators": [{"code": "dvc", "value": "80"}]}
    digests = {content_digest(submission(**usual | one)) for one in changes}
    assert len(digests - {digest}) == len(changes)


def test_a_correction_that_changes_what_was_not_sent_back_is_refused_with_its_places() -> None:
    first = submission(1, contents=[{"content": 1, "text": "Đã triển khai."}])
    back = SentBack(1, first.model_dump(mode="json"), ("/items/0/narrative",))
    returned = Return(moment("2025-12-20 17:00"), ON_TIME)
    before = ReportState("returned", (taken(first),), returned, 1)
    corrected = submission(2, items=[{"criterion": "a1", "self_score": "39", "narrative": "Rõ."}])
    decided(decide_submission(desk(before, sent_back=back), corrected, LATE))
    wrong = submission(2, difficulties=OTHER, contents=[{"content": 1, "text": OTHER}])
    decision = decide_submission(desk(before, sent_back=back), wrong, LATE)
    assert reasons(decision) == [
        ("invalid-field", "/difficulties"),
        ("invalid-field", "/contents/0"),
    ]


def test_a_digest_knows_content_and_nothing_else() -> None:
    one = submission()
    assert content_digest(one) == content_digest(submission(submitted_at="2026-01-01T00:00:00Z"))
    others = [
        submission(2),
        submission(difficulties=OTHER),
        submission(items=[{**ITEM, "self_score": "38"}]),
        submission(report_id="f0b7b1de-7c5a-4d0f-8f7e-000000000000"),
    ]
    assert content_digest(one) not in {content_digest(other) for other in others}
