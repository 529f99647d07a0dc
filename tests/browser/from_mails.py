"""People who only ever start from a mail: they follow its link, and sign in by the next one."""

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

from playwright.sync_api import Page, expect

from deploy.cycle.story import STORY
from tests.browser.keyboard import press, write
from tests.browser.visit import Visit
from tests.played import Played, playing

LINK = re.compile(r"https?://\S+")
SIGN_IN = "/intake/sign-in/"
PATIENCE = 30.0
"""Seconds after which a mail that should come by itself is missed."""
PICTURES = os.environ.get("THIDUA_PICTURES")
"""A folder for pictures of what is looked at; none without it."""


def link_in(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    [link, *_] = LINK.findall(body.get_content())
    return str(link)


@dataclass
class Letterbox:
    """Mails as they arrive at the catcher by SMTP; each is read once."""

    folder: Path
    _unread: dict[str, EmailMessage] = field(default_factory=dict)
    _known: set[str] = field(default_factory=set)

    def _look(self) -> None:
        parser = BytesParser(policy=policy.default)
        for file in sorted(self.folder.glob("*.eml")):
            if file.name not in self._known:
                self._known.add(file.name)
                self._unread[file.name] = parser.parsebytes(file.read_bytes())

    def _newest(self, address: str, fits: Callable[[EmailMessage], bool]) -> EmailMessage | None:
        """The last unread mail that fits; those before it that do are read with it."""
        self._look()
        found = [
            name
            for name, mail in self._unread.items()
            if str(mail["Delivered-To"]) == address and fits(mail)
        ]
        mails = [self._unread.pop(name) for name in found]
        return mails[-1] if mails else None

    def read_all(self) -> None:
        """What has come until now is no news any more."""
        self._look()
        self._unread.clear()

    def newest(self, address: str, kind: str, words: str = "") -> EmailMessage:
        """Of a kind, and with these words in its subject; it may still be on its way."""

        def fits(mail: EmailMessage) -> bool:
            subject = str(mail["Subject"]).lower()
            return mail["X-Thidua-Kind"] == kind and words.lower() in subject

        return self._wait(address, fits, f"{kind} {words}")

    def forget_links(self, address: str) -> None:
        """What was asked for before is of no use any more."""
        self._newest(address, lambda mail: SIGN_IN in link_in(mail))

    def sign_in_link(self, address: str) -> str:
        return link_in(self._wait(address, lambda mail: SIGN_IN in link_in(mail), "sign-in link"))

    def _wait(self, address: str, fits: Callable[[EmailMessage], bool], what: str) -> EmailMessage:
        deadline = time.monotonic() + PATIENCE
        while (mail := self._newest(address, fits)) is None:
            assert time.monotonic() < deadline, f"no {what} came to {address}"
            time.sleep(0.1)
        return mail


@dataclass
class Somebody:
    """One person with a mailbox and a browser."""

    name: str
    address: str
    one: Visit
    box: Letterbox
    _pictures: int = 0

    @property
    def page(self) -> Page:
        return self.one.page

    def follow(self, kind: str, words: str = "") -> Page:
        """From a mail to the page that it is about, signing in where that is asked."""
        link = link_in(self.box.newest(self.address, kind, words))
        self.page.goto(link)
        if self.page.locator(".who").count() == 0:
            self.ask_to_sign_in()
            press(self.page, self.page.get_by_role("button", name="Đăng nhập", exact=True))
        expect(self.page).to_have_url(link)
        expect(self.page.locator(".who")).to_be_visible()
        return self.page

    def ask_to_sign_in(self) -> None:
        """From the sign-in page by the link of a mail to the one button that signs in."""
        page = self.page
        expect(page.get_by_role("heading", name="Đăng nhập", exact=True)).to_be_visible()
        self.box.forget_links(self.address)
        write(page, "Địa chỉ thư điện tử", self.address)
        press(page, page.get_by_role("button", name="Gửi liên kết đăng nhập"))
        expect(page.get_by_role("heading", name="Hãy xem hộp thư")).to_be_visible()
        page.goto(self.box.sign_in_link(self.address))
        expect(page.get_by_role("heading", name="Xác nhận đăng nhập")).to_be_visible()

    def sign_out(self) -> None:
        press(self.page, self.page.locator(".who summary"))
        press(self.page, self.page.locator(".who").get_by_role("button", name="Đăng xuất"))
        expect(self.page.locator(".who")).to_have_count(0)

    def looks(self, at: str) -> None:
        """The page as it stands is accessible; a picture of it is called `at`."""
        if PICTURES:
            self._pictures += 1
            name = f"{self.name}-{self._pictures:02}-{at}.png"
            self.page.screenshot(path=Path(PICTURES) / name, full_page=True)
        assert self.one.faults() == []


def box_of(ward: Played) -> Letterbox:
    return Letterbox(Path(ward.addresses["mail"]))


@contextmanager
def launched_wards() -> Iterator[Callable[[datetime], Played]]:
    """Gives the sample ward as its movement begins on 01/08/2025, or later on the same stack, but
    no later than a moment: what was started for another test goes on where it is not past that.
    """
    with ExitStack() as stack:
        up: list[Played] = []

        def not_after(moment: datetime) -> Played:
            if not up or up[-1].now() > moment:
                ward = stack.enter_context(playing())
                ward.player._play(STORY[0], 1)
                up.append(ward)
            return up[-1]

        yield not_after
