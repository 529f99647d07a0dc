"""What scoring and awards tell somebody about themselves: their own acts, never others' words."""

import pytest

from deploy.local.infrastructure import Provided
from tests.component import awards_world, scoring_world
from tests.component.awards_world import COUNCIL, Story
from tests.component.test_scoring_api import a_ward, mark_all

pytestmark = pytest.mark.component


async def test_scoring_tells_the_marks_and_acts_of_whoever_asks(
    infrastructure: Provided, tmp_path_factory: pytest.TempPathFactory
) -> None:
    url = infrastructure.create_database("own_scoring")
    async with scoring_world.open_world(url, tmp_path_factory.mktemp("scoring")) as world:
        ward = await a_ward(world)
        await mark_all(world, ward)
        mine = (await world.get("/me", ward, "assessor", unit="other-unit")).json()["held"]
        assert {row["what"] for row in mine} == {"Điểm đã chấm"}
        assert len(mine) == 3
        assert all("thẩm định" in row["text"] and row["at"] for row in mine)
        acts = (await world.get("/me", ward, "council-secretary")).json()["held"]
        assert [row["what"] for row in acts] == ["Ghi bảng điểm được thông qua"]
        assert (await world.get("/me", ward, "assessor", unit="pb-1")).json()["held"] == []
        elsewhere = world.ward()
        other = await world.get("/me", elsewhere, "assessor", unit="other-unit")
        assert other.json()["held"] == []
    infrastructure.drop_database("own_scoring")


async def test_awards_tells_of_sittings_and_acts_but_not_how_anybody_voted(
    infrastructure: Provided, tmp_path_factory: pytest.TempPathFactory
) -> None:
    url = infrastructure.create_database("own_awards")
    async with awards_world.open_world(url, tmp_path_factory.mktemp("awards")) as world:
        story = Story(world, world.ward())
        await story.decided()
        member = next(iter(COUNCIL))

        async def held(ward: awards_world.Ward, person: str) -> list[dict[str, str]]:
            headers = world.token(ward, person, ["council"], "")
            answer = await world.client.get("/awards/me", headers=headers)
            found: list[dict[str, str]] = answer.json()["held"]
            return found

        mine = await held(story.ward, member)
        assert [row["what"] for row in mine] == ["Thành viên phiên họp"]
        assert "đã bỏ phiếu về" in mine[0]["text"]
        assert "0 hồ sơ (không lưu" not in mine[0]["text"]
        assert not any(choice in str(mine) for choice in ("yes", "abstain", "đồng ý"))
        officer = await held(story.ward, "the.officer")
        assert {row["what"] for row in officer} == {"Xử lý hồ sơ"}
        secretary = {row["what"] for row in await held(story.ward, "the.council-secretary")}
        assert {"Triệu tập phiên họp", "Điểm danh", "Kết thúc phiên họp"} <= secretary
        assert await held(world.ward(), "the.officer") == []
    infrastructure.drop_database("own_awards")
