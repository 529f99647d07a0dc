"""From a mail in the mailbox to the thing done and the door shut behind it, by keyboard alone."""

import re
import time
from collections.abc import Iterator
from contextlib import closing
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from deploy.cycle.__main__ import player_for
from deploy.cycle.story import STORY
from deploy.local.stack import Stack
from tests.browser.conftest import Visitor
from tests.browser.keyboard import press, tab_to, write
from tests.played import state_folder

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

UNIT = "tieu-hoc-1"
ADDRESS = f"{UNIT}@tu-minh.example"
LINK = re.compile(r"https?://\S+")


@pytest.fixture(scope="module")
def launched() -> Iterator[Stack]:
    """The sample ward on the day the movement begins: every unit owes a plan."""
    with state_folder() as folder, Stack(folder, say=lambda _: None) as stack:
        player = player_for(stack)
        with closing(player.stage.doors):
            player._play(STORY[0], 1)
            yield stack


def mails_to(stack: Stack, address: str, *, newer_than: float = 0) -> list[EmailMessage]:
    """Mails that the catcher holds, the oldest first."""
    parser = BytesParser(policy=policy.default)
    files = sorted(Path(stack.state.mail).glob("*.eml"))
    found = [parser.parsebytes(f.read_bytes()) for f in files if f.stat().st_mtime >= newer_than]
    return [mail for mail in found if address in str(mail["Delivered-To"])]


def link_in(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    [link, *_] = LINK.findall(body.get_content())
    return str(link)


def mail_about_the_plan(stack: Stack) -> EmailMessage:
    mails = [m for m in mails_to(stack, ADDRESS) if "/intake/" in link_in(m)]
    [mail] = [m for m in mails if "kế hoạch" in str(m["Subject"]).lower()][:1]
    return mail


def sign_in_link(stack: Stack, asked_at: float) -> str:
    """The link of the mail that the issuer sends; it comes by itself, in seconds."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for mail in mails_to(stack, ADDRESS, newer_than=asked_at - 1):
            if "/intake/sign-in/" in link_in(mail):
                return link_in(mail)
        time.sleep(0.2)
    raise AssertionError("no sign-in link came")


def sign_in(page: Page, stack: Stack) -> None:
    """From the sign-in page, by the link in a mail."""
    asked_at = time.time()
    write(page, "Địa chỉ thư điện tử", ADDRESS)
    press(page, page.get_by_role("button", name="Gửi liên kết đăng nhập"))
    expect(page.get_by_role("heading", name="Hãy xem hộp thư")).to_be_visible()
    page.goto(sign_in_link(stack, asked_at))
    expect(page.get_by_role("heading", name="Xác nhận đăng nhập")).to_be_visible()


def sign_out(page: Page) -> None:
    press(page, page.locator(".who summary"))
    press(page, page.locator(".who").get_by_role("button", name="Đăng xuất"))
    expect(page.locator(".who")).to_have_count(0)


def test_a_reporter_follows_a_mail_records_the_plan_and_signs_out(
    launched: Stack, visit: Visitor
) -> None:
    one = visit(launched.http["origin"], width=360)
    page, link = one.page, link_in(mail_about_the_plan(launched))
    page.goto(link)
    expect(page.get_by_role("heading", name="Đăng nhập", exact=True)).to_be_visible()
    sign_in(page, launched)
    assert one.every_fault() == []
    press(page, page.get_by_role("button", name="Đăng nhập", exact=True))

    expect(page).to_have_url(link)
    expect(page.get_by_text("Trường Tiểu học số 1").first).to_be_visible()
    write(page, "Ngày ban hành", "32/08/2025")
    write_number(page, "05/KH-TH")
    press(page, page.get_by_role("button", name="Tiếp tục"))
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_label("Số kế hoạch")).to_have_value("05/KH-TH")
    assert one.faults() == []

    write(page, "Ngày ban hành", "01/08/2025")
    press(page, page.get_by_role("button", name="Tiếp tục"))
    expect(page.get_by_text("không sửa được nữa")).to_be_visible()
    assert one.faults() == []
    tab_to(page, page.get_by_role("checkbox"))
    page.keyboard.press("Space")
    press(page, page.get_by_role("button", name="Ghi nhận kế hoạch"))
    expect(page.get_by_text("số 05/KH-TH ngày 01/08/2025").first).to_be_visible()
    assert page.get_by_role("button", name="Tiếp tục").count() == 0

    sign_out(page)
    page.goto(link)
    expect(page.get_by_role("heading", name="Đăng nhập", exact=True)).to_be_visible()


def write_number(page: Page, text: str) -> None:
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_label("Số kế hoạch")).to_be_focused()
    page.keyboard.type(text)


def test_a_used_link_and_a_link_in_another_browser_open_nothing(
    launched: Stack, visit: Visitor
) -> None:
    page = visit(launched.http["origin"]).page
    page.goto(launched.http["origin"] + "/intake/sign-in")
    asked_at = time.time()
    write(page, "Địa chỉ thư điện tử", ADDRESS)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Hãy xem hộp thư")).to_be_visible()
    link = sign_in_link(launched, asked_at)
    stranger = visit(launched.http["origin"]).page
    stranger.goto(link)
    expect(stranger.get_by_role("button", name="Đăng nhập", exact=True)).to_have_count(0)
    page.goto(link)
    press(page, page.get_by_role("button", name="Đăng nhập", exact=True))
    expect(page.locator(".who")).to_be_visible()
    page.goto(link)
    expect(page.get_by_role("button", name="Đăng nhập", exact=True)).to_have_count(0)
