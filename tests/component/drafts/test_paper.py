"""What the office enters on behalf of a unit, from a document."""

import pytest

from tests.component.draft_room import FIELDS, UNIT, save, scan_of, submit, wrong
from tests.component.intake_desk import OFFICER, DeskRoom, moment

pytestmark = pytest.mark.component

SCAN = scan_of(UNIT)
PAPER = {
    "number": "15/BC-TH",
    "dated": "2025-12-03",
    "received_on": "2025-12-04",
    "came_by": "paper",
    "scan": SCAN,
}


class TestOnPaper:
    async def test_counts_from_the_day_of_its_receipt_and_keeps_both(self, room: DeskRoom) -> None:
        room.clock.time = moment("2025-12-15 09:00")
        await save(room, FIELDS, OFFICER)
        missing = await submit(room, OFFICER)
        assert missing.json()["type"].endswith("paper-needed")
        taken = (await submit(room, OFFICER, paper=PAPER)).json()
        assert (taken["late"], taken["received_at"]) == (False, "2025-12-04T23:59:59+07:00")
        stored = await room.rows(
            "SELECT door, submitted_by, number, dated::text, received_on::text"
            " FROM report JOIN paper USING (ward, participant, period, revision)"
        )
        assert stored == [("paper", OFFICER, "15/BC-TH", "2025-12-03", "2025-12-04")]
        assert await room.rows("SELECT taken_at FROM report") == [(room.clock.time,)]
        [received] = await room.said("report-received")
        assert received.data["paper"] == {
            **{name: told for name, told in PAPER.items() if name != "scan"},
            "recorded_by": OFFICER,
            "acting_for": "",
            "recorded_at": "2025-12-15T09:00:00+07:00",
        }

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"received_on": "2025-12-16"}, "/paper/received_on"),
            ({"received_on": "2025-12-01"}, "/paper/dated"),
            ({"received_on": "2025-07-01", "dated": "2025-07-01"}, "/paper/received_on"),
        ],
    )
    async def test_days_that_cannot_be_are_refused(
        self, room: DeskRoom, changes: dict[str, str], pointer: str
    ) -> None:
        room.clock.time = moment("2025-12-15 09:00")
        await save(room, FIELDS, OFFICER)
        assert wrong(await submit(room, OFFICER, paper=PAPER | changes)) == {pointer}

    async def test_a_unit_does_not_date_its_own_report(self, room: DeskRoom) -> None:
        await save(room, FIELDS)
        assert wrong(await submit(room, paper=PAPER)) == {"/paper"}

    @pytest.mark.parametrize("scan", [None, scan_of("thcs-1"), scan_of("nobody")])
    async def test_the_scan_is_there_and_of_this_report(
        self, room: DeskRoom, scan: str | None
    ) -> None:
        room.clock.time = moment("2025-12-15 09:00")
        await save(room, FIELDS, OFFICER)
        assert wrong(await submit(room, OFFICER, paper={**PAPER, "scan": scan})) == {"/paper/scan"}
