"""Every refusal is a problem document: a stable type, Vietnamese words, pointers to fields."""

from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

from shared.contracts.base import Code, Points
from shared.messaging.errors import Transient
from shared.refusal import Refusal
from shared.web.problems import answer_with_problems, conflict, not_found

pytestmark = pytest.mark.unit


class Mark(BaseModel, extra="forbid"):
    criterion: Code
    points: Annotated[Points, Field(ge=0)]


class Sheet(BaseModel, extra="forbid"):
    marks: Annotated[list[Mark], Field(min_length=1)]


def app() -> FastAPI:
    made = FastAPI()
    answer_with_problems(made)

    @made.post("/marks")
    async def mark(sheet: Sheet) -> dict[str, int]:
        return {"taken": len(sheet.marks)}

    faults: dict[str, Exception] = {
        "refusal": Refusal("own-unit", "Không được chấm đơn vị mình.", "/participant"),
        "bare-refusal": Refusal("closed", "Đã khóa sổ."),
        "not-found": not_found("báo cáo này"),
        "conflict": conflict("other-content", "Đã có bản khác."),
        "http": HTTPException(404),
        "outage": Transient("connection lost"),
        "bug": ZeroDivisionError("secret detail"),
    }

    @made.get("/faults/{name}")
    async def fault(name: str) -> None:
        raise faults[name]

    return made


async def ask(method: str, path: str, **more: Any) -> httpx.Response:
    transport = httpx.ASGITransport(app(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://ward.example") as client:
        return await client.request(method, path, **more)


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [
        ("refusal", 422, "own-unit"),
        ("bare-refusal", 422, "closed"),
        ("not-found", 404, "not-found"),
        ("conflict", 409, "other-content"),
        ("http", 404, "not-found"),
        ("outage", 503, "unavailable"),
        ("bug", 500, "internal"),
    ],
)
async def test_each_refusal_has_its_status_and_type(name: str, status: int, kind: str) -> None:
    answer = await ask("GET", f"/faults/{name}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["type"]) == (status, f"urn:thidua:problem:{kind}")
    assert body["title"]
    assert "secret" not in answer.text


async def test_a_refusal_points_at_its_field() -> None:
    body = (await ask("GET", "/faults/refusal")).json()
    assert body["errors"] == [{"pointer": "/participant", "detail": "Không được chấm đơn vị mình."}]
    assert "errors" not in (await ask("GET", "/faults/bare-refusal")).json()


async def pointers(**body: Any) -> dict[str, str]:
    answer = await ask("POST", "/marks", **body)
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:thidua:problem:invalid-request"
    return {error["pointer"]: error["detail"] for error in answer.json()["errors"]}


async def test_wrong_fields_are_pointed_at_with_what_was_expected() -> None:
    told = await pointers(
        json={"marks": [{"criterion": "A1", "points": 3}, {"points": "-1", "a/b~c": 1}], "x": 1}
    )
    assert told == {
        "/marks/0/criterion": "Không đúng định dạng.",
        "/marks/0/points": 'Phải là số thập phân viết dạng chuỗi, ví dụ "38.5".',
        "/marks/1/criterion": "Thiếu trường này.",
        "/marks/1/points": "Nhỏ hơn mức cho phép.",
        "/marks/1/a~1b~0c": "Không có trường này trong biểu mẫu.",
        "/x": "Không có trường này trong biểu mẫu.",
    }


async def test_a_body_that_is_no_json_has_no_place() -> None:
    told = await pointers(content=b"{", headers={"content-type": "application/json"})
    assert told == {"": "Nội dung không phải JSON hợp lệ."}


async def test_what_holds_is_taken() -> None:
    answer = await ask("POST", "/marks", json={"marks": [{"criterion": "a1", "points": "38.5"}]})
    assert answer.json() == {"taken": 1}
