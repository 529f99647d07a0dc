"""The desk's own tasks in real Chromium, by keyboard alone: a plan, a return, an acceptance.

Intake alone on its own database, at a moment when there is something to do.
"""

import asyncio
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import Any

import httpx
import pytest
import uvicorn
from playwright.sync_api import Page

from deploy.local.infrastructure import Provided
from tests.browser.conftest import Visitor
from tests.browser.visit import Visit
from tests.component.intake_desk import (
    OFFICER,
    PERIOD,
    PLANS,
    SCHOOL,
    DeskRoom,
    moment,
    one_intake,
    open_the_year,
    report,
    returning,
    token,
)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

OTHER_SCHOOL = "thcs-1.reporter"
REPORT = f"/intake/reports/tieu-hoc-1/{PERIOD}/1"
EVIDENCE = [{"title": "Ảnh buổi tập huấn", "url": "https://kho.example/anh"}]
ITEMS = [{"criterion": "a1", "self_score": "38.50", "narrative": "Đủ.", "evidence": EVIDENCE}]


@dataclass(frozen=True)
class Desk:
    """Where it is, and the paths of duties by (participant, kind), as mails link to them."""

    origin: str
    duties: dict[tuple[str, str], str]


async def _prepare(room: DeskRoom) -> dict[tuple[str, str], str]:
    await open_the_year(room)
    opened = await room.said("obligation-opened")
    room.clock.time = moment("2025-12-01 09:00")
    await room.must(SCHOOL, "/reports", report("tieu-hoc-1", items=ITEMS))
    await room.must(OTHER_SCHOOL, "/reports", report("thcs-1", items=ITEMS))
    await room.must(OFFICER, "/reports/returns", returning("thcs-1"))
    return {
        (f.data["participant"], f.data["kind"]): f"/intake/duties/{f.data['obligation']}"
        for f in opened
    }


async def _serve(infrastructure: Provided, folder: Path, door: socket.socket, told: Any) -> None:
    async with one_intake(infrastructure, folder) as room:
        duties = await _prepare(room)
        transport = room.client._transport
        assert isinstance(transport, httpx.ASGITransport)
        config = uvicorn.Config(transport.app, log_level="warning", lifespan="off")
        server = uvicorn.Server(config)
        told.put((server, duties))
        await server.serve(sockets=[door])


@pytest.fixture
def desk(infrastructure: Provided, tmp_path: Path) -> Iterator[Desk]:
    """In a thread with a loop of its own: the browser's driver has this one's."""
    told: Queue[tuple[uvicorn.Server, dict[tuple[str, str], str]]] = Queue()
    with socket.create_server(("127.0.0.1", 0)) as door:
        running = _serve(infrastructure, tmp_path, door, told)
        thread = threading.Thread(target=lambda: asyncio.run(running), daemon=True)
        thread.start()
        server, duties = told.get(timeout=120)
        yield Desk(f"http://127.0.0.1:{door.getsockname()[1]}", duties)
        server.should_exit = True
        thread.join(30)


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the control of that id, name or text has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate(_HAS_FOCUS, name):
            return
    pytest.fail(f"the keyboard does not reach {name} on {page.url}")


_HAS_FOCUS = """name => {
  const at = document.activeElement;
  return [at.id, at.name, at.textContent.trim()].includes(name);
}"""


def is_sound(one: Visit) -> None:
    """No fault of WCAG 2.2 AA, and nothing lost at 200 % zoom and on a telephone."""
    assert one.every_fault() == []


def test_every_page_of_the_desk_is_sound(desk: Desk, visit: Visitor) -> None:
    pages = [
        (OFFICER, "/intake/"),
        (OFFICER, f"/intake/?period={PLANS}"),
        (OFFICER, "/intake/?q=khong-co"),
        (SCHOOL, "/intake/"),
        (SCHOOL, desk.duties["tieu-hoc-1", "annual-report"]),
        (SCHOOL, desk.duties["tieu-hoc-1", "unit-plan"]),
        (OTHER_SCHOOL, desk.duties["thcs-1", "annual-report"]),
        (OTHER_SCHOOL, f"/intake/reports/thcs-1/{PERIOD}/1"),
        (OFFICER, desk.duties["mttq", "annual-report"]),
        (OFFICER, f"/intake/files/giao-vien-1/{PERIOD}"),
        (OFFICER, REPORT),
        (OFFICER, f"{REPORT}/acceptance"),
        (OFFICER, f"{REPORT}/return"),
    ]
    for person, path in pages:
        one = visit(desk.origin, cookies={"thidua_token": token(person)})
        one.go(path)
        is_sound(one)


def test_a_plan_is_recorded_by_keyboard(desk: Desk, visit: Visitor) -> None:
    one = visit(desk.origin, cookies={"thidua_token": token(SCHOOL)})
    page = one.go(desk.duties["tieu-hoc-1", "unit-plan"])
    tab_to(page, "o-number")
    page.keyboard.type("12/KH-TH")
    page.keyboard.press("Tab")
    page.keyboard.type("31/02/2025")
    page.keyboard.press("Enter")
    page.wait_for_selector("#loi")
    assert page.evaluate("document.activeElement.id") == "loi"
    is_sound(one)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "o-issued_on"
    page.keyboard.press("Control+A")
    page.keyboard.type("20/08/2025")
    page.keyboard.press("Enter")
    page.wait_for_selector("[name=confirmed]")
    is_sound(one)
    tab_to(page, "Sửa lại")
    page.keyboard.press("Enter")
    page.wait_for_selector("#o-number")
    assert page.input_value("#o-number") == "12/KH-TH"
    tab_to(page, "Tiếp tục")
    page.keyboard.press("Enter")
    page.wait_for_selector("[name=confirmed]")
    tab_to(page, "confirmed")
    page.keyboard.press("Space")
    tab_to(page, "Ghi nhận kế hoạch")
    page.keyboard.press("Enter")
    page.wait_for_url("**?done=plan")
    assert "Đã ghi nhận kế hoạch" in page.inner_text("[role=status]")
    is_sound(one)


def test_a_report_is_returned_by_keyboard(desk: Desk, visit: Visitor) -> None:
    one = visit(desk.origin, cookies={"thidua_token": token(OFFICER)})
    page = one.go(desk.duties["tieu-hoc-1", "annual-report"])
    tab_to(page, "Xem và xét báo cáo")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{REPORT}")
    tab_to(page, "Trả lại để chỉnh sửa")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{REPORT}/return")
    tab_to(page, "o-reason-2")
    page.keyboard.type("Chưa nêu kết quả.")
    tab_to(page, "o-correct_by")
    page.keyboard.type("20/12/2025")
    page.keyboard.press("Enter")
    page.wait_for_selector("[name=confirmed]")
    is_sound(one)
    tab_to(page, "confirmed")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_url("**?done=returned")
    assert "Tiêu chí a1: Chưa nêu kết quả." in page.inner_text("main")


def test_a_report_is_accepted_by_keyboard(desk: Desk, visit: Visitor) -> None:
    one = visit(desk.origin, cookies={"thidua_token": token(OFFICER)})
    page = one.go(f"{REPORT}/acceptance")
    tab_to(page, "Tiếp nhận chính thức")
    page.keyboard.press("Enter")
    assert page.url.endswith("/acceptance")
    tab_to(page, "confirmed")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_url("**?done=accepted")
    assert "Đã tiếp nhận chính thức" in page.inner_text("[role=status]")
