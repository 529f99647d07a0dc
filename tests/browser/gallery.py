"""Every component of the shell on one page, and every error page, without a stack behind them."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request, Response

from shared.fields import FieldProblem
from shared.web.assets import static_router
from shared.web.charts import bars
from shared.web.export import export
from shared.web.identity import Person
from shared.web.listing import Column, Listing
from shared.web.pages import Pages, error_page
from shared.web.problems import Problem

ERRORS = (400, 401, 403, 404, 405, 409, 412, 413, 422, 429, 500, 503)
SOMEBODY = Person(
    "officer",
    "Công chức phụ trách thi đua, khen thưởng - Phòng Văn hóa - Xã hội",
    frozenset({"officer"}),
    "phong-vhxh",
    "tu-minh",
    acting_for="van-phong.substitute-officer",
)
Unit = tuple[str, str, Decimal]
UNITS: list[Unit] = [
    (f"Tổ dân phố số {number}", ("Khối A", "Khối B")[number % 2], Decimal(number) / 2 + 60)
    for number in range(1, 62)
]
COLUMNS: tuple[Column[Unit], ...] = (
    Column("name", "Đơn vị", lambda unit: unit[0]),
    Column("block", "Khối", lambda unit: unit[1], chosen=True),
    Column("points", "Điểm", lambda unit: unit[2], numeric=True),
)
POLICY = "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; form-action 'self'"


@dataclass(frozen=True)
class Act:
    at: datetime
    who: str
    what: str
    rule: str


ACTS = [
    Act(datetime(2025, 11, 20, 2, 5, tzinfo=UTC), "Đầu mối báo cáo", "gửi báo cáo", ""),
    Act(
        datetime(2025, 11, 21, 3, 0, tzinfo=UTC),
        "Công chức phụ trách",
        "tiếp nhận báo cáo",
        "mục IV.2 của Kế hoạch",
    ),
]


def app() -> FastAPI:
    """The gallery at `/gallery/`, errors at `/gallery/errors/<status>`."""
    made = FastAPI()
    made.state.parts = None
    pages = Pages("gallery", Path(__file__).parent / "templates")

    @made.middleware("http")
    async def somebody(request: Request, call_next):  # type: ignore[no-untyped-def]
        request.state.person = SOMEBODY
        request.state.request_id = "0195f2d0-7e2c"
        answer = await call_next(request)
        answer.headers["Content-Security-Policy"] = POLICY
        return answer

    @made.get("/gallery/")
    async def gallery(request: Request) -> Response:
        view = Listing(COLUMNS, UNITS, request.query_params, size=10)
        picture = bars(
            "Điểm của các tổ dân phố",
            "Điểm tăng dần từ 60,5 đến 62,5.",
            "Đơn vị",
            [unit[0] for unit in UNITS[:5]],
            {"Điểm": [unit[2] for unit in UNITS[:5]]},
        )
        values = {"view": view, "picture": picture, "acts": ACTS}
        return export(view, "don-vi") or pages.render(request, "gallery.html", values)

    @made.get("/gallery/errors/{status}")
    async def error(request: Request, status: int) -> Response:
        errors = [FieldProblem("/name", "Tên chưa điền.")] if status == 422 else []
        detail = "Một câu nói rõ chuyện gì đã xảy ra."
        return error_page(
            request, Problem(HTTPStatus(status), "some", "Không thực hiện được", detail, errors)
        )

    made.include_router(static_router(), prefix="/gallery")
    return made


@contextmanager
def gallery() -> Iterator[str]:
    """The gallery's origin, while it is up."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        server = uvicorn.Server(uvicorn.Config(app(), log_level="warning"))
        thread = threading.Thread(
            target=lambda: asyncio.run(server.serve(sockets=[door])), daemon=True
        )
        thread.start()
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)
