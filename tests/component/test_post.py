"""Sending on real SMTP: a scripted server answers, the outcome says what it means."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date, datetime
from email import message_from_bytes
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from services.notify.domain.letter import (
    SECTIONS,
    About,
    Deadline,
    Duty,
    Manner,
    Obligation,
    Reminder,
    Sender,
)
from services.notify.letters import compose
from shared.calendar import WARD_ZONE, last_moment_before
from shared.mailbox import Mailbox
from shared.post import (
    Fault,
    Outcome,
    Phase,
    Post,
    Refused,
    Relay,
    Retry,
    SenderFault,
    Sent,
    Uncertain,
    classify,
    shown,
)

pytestmark = pytest.mark.component

WHOM = "dau-moi@thcs-tu-minh.example"
FROM = "thi-dua@tu-minh.example"


class Script:
    """Answers from lists, and "250 OK" when a list is used up; keeps what it took."""

    def __init__(self) -> None:
        self.mail: list[str] = []
        self.rcpt: list[str] = []
        self.data: list[str] = []
        self.slow = 0.0
        self.hang_up_after_data = False
        self.hang_up_between_mails = False
        self.connections = 0
        self.taken: list[tuple[str, list[str], bytes]] = []

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.mail.pop(0) if self.mail else "250 2.1.0 OK"
        if answer.startswith("2"):
            envelope.mail_from = address
        return answer

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.rcpt.pop(0) if self.rcpt else "250 2.1.5 OK"
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = self.data.pop(0) if self.data else "250 2.0.0 OK queued"
        if answer.startswith("2"):
            content = envelope.original_content or b""
            self.taken.append((str(envelope.mail_from), list(envelope.rcpt_tos), content))
        transport = server.transport
        assert isinstance(transport, asyncio.WriteTransport)
        if self.hang_up_after_data:
            transport.abort()
        await asyncio.sleep(self.slow)
        if self.hang_up_between_mails:
            asyncio.get_running_loop().call_later(0.02, transport.close)
        return answer


@asynccontextmanager
async def relay(
    script: Script, answer_timeout: float = 5.0, **options: Any
) -> AsyncIterator[Relay]:
    def connected() -> SMTP:
        script.connections += 1
        return SMTP(script, hostname="relay.example", **options)

    server = await asyncio.get_running_loop().create_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield Relay(
            "127.0.0.1", port, hello="ward.example", timeout=5.0, answer_timeout=answer_timeout
        )
    finally:
        server.close()


def a_mail(event: str = "event-1") -> EmailMessage:
    deadline = Deadline(last_moment_before(date(2025, 12, 10)), "trước ngày 10/12/2025")
    duty = Duty.ANNUAL_REPORT
    desk = Mailbox("Phòng Văn hóa - Xã hội phường Tứ Minh", FROM)
    return compose(
        Reminder(
            About("thcs-tu-minh", "Trường THCS Tứ Minh", "2025-annual", "năm 2025"),
            "/intake/reports/2025-annual/thcs-tu-minh",
            Obligation(duty, Manner.OWES, deadline, SECTIONS[duty]),
            days_left=7,
        ),
        to=Mailbox("Đầu mối báo cáo Trường THCS Tứ Minh", WHOM),
        sender=Sender(
            desk,
            desk,
            "tu-minh.example",
            "https://thidua.tu-minh.example",
            "phường Tứ Minh",
            "Kế hoạch",
        ),
        event=event,
        sent_at=datetime(2025, 12, 2, 7, 30, tzinfo=WARD_ZONE),
    )


async def send(post: Post, event: str = "event-1", whom: str = WHOM) -> Outcome:
    return await post.send(a_mail(event), sender=FROM, recipient=whom)


async def test_250_is_sent_and_arrives_byte_for_byte() -> None:
    script = Script()
    async with relay(script) as at, Post(at) as post:
        outcome = await send(post)
    assert outcome == Sent(250, "2.0.0 OK queued")
    [(sender, recipients, content)] = script.taken
    assert (sender, recipients) == (FROM, [WHOM])
    assert content == a_mail().as_bytes()
    assert message_from_bytes(content)["Message-ID"] == a_mail()["Message-ID"]


async def test_451_then_250_is_one_mail() -> None:
    script = Script()
    script.rcpt = ["451 4.7.1 Greylisted, come back"]
    async with relay(script) as at, Post(at) as post:
        assert await send(post) == Retry(451, "4.7.1 Greylisted, come back")
        assert await send(post) == Sent(250, "2.0.0 OK queued")
    assert len(script.taken) == 1
    assert script.connections == 1


async def test_550_is_refused_and_the_next_mail_goes_through() -> None:
    script = Script()
    script.rcpt = ["550 5.1.1 No such user", "550 No such user here"]
    async with relay(script) as at, Post(at) as post:
        assert await send(post) == Refused(550, "5.1.1 No such user", bad_address=True)
        assert await send(post) == Refused(550, "No such user here", bad_address=True)
        assert isinstance(await send(post), Sent)
    assert script.connections == 1


async def test_one_bad_recipient_in_fifty_over_one_connection() -> None:
    script = Script()
    script.rcpt = ["250 OK"] * 17 + ["550 5.1.1 No such user"]
    async with relay(script) as at, Post(at) as post:
        outcomes = [await send(post, f"event-{n}", f"person-{n}@x.example") for n in range(50)]
    assert [n for n, outcome in enumerate(outcomes) if not isinstance(outcome, Sent)] == [17]
    assert len(script.taken) == 49
    assert all(len(recipients) == 1 for _, recipients, _ in script.taken)
    assert script.connections == 1


async def test_tasks_share_one_connection_in_turn() -> None:
    script = Script()
    async with relay(script) as at, Post(at) as post:
        outcomes = await asyncio.gather(*(send(post, f"event-{n}") for n in range(20)))
    assert all(isinstance(outcome, Sent) for outcome in outcomes)
    assert len(script.taken) == 20
    assert script.connections == 1


async def test_no_answer_after_data_is_uncertain_though_the_mail_was_taken() -> None:
    script = Script()
    script.slow = 3.0
    async with relay(script, answer_timeout=1.0) as at, Post(at) as post:
        outcome = await send(post)
        assert isinstance(outcome, Uncertain)
        assert "Timed out" in outcome.reason
        assert len(script.taken) == 1
        script.slow = 0.0
        assert isinstance(await send(post, "event-2"), Sent)
    assert script.connections == 2


async def test_a_cut_after_data_is_uncertain() -> None:
    script = Script()
    script.hang_up_after_data = True
    async with relay(script) as at, Post(at) as post:
        assert isinstance(await send(post), Uncertain)
    assert len(script.taken) == 1


async def test_an_answer_nobody_can_read_ends_the_connection() -> None:
    script = Script()
    script.data = ["what?"]
    async with relay(script) as at, Post(at) as post:
        assert isinstance(await send(post), Uncertain)
        script.rcpt = ["what?"]
        assert isinstance(await send(post, "event-2"), Retry)
        assert isinstance(await send(post, "event-3"), Sent)
    assert script.connections == 3


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("451 4.3.0 Try later", Retry(451, "4.3.0 Try later")),
        ("421 4.3.2 Going down", Retry(421, "4.3.2 Going down")),
        ("552 5.2.2 Mailbox full", Retry(552, "5.2.2 Mailbox full")),
        ("552 Too much mail data", Refused(552, "Too much mail data", bad_address=False)),
        ("554 Rejected", Refused(554, "Rejected", bad_address=False)),
        ("550 5.7.1 Looks like spam", SenderFault(550, "5.7.1 Looks like spam", Fault.POLICY)),
        ("250", Sent(250, "")),
    ],
)
async def test_answers_to_data(answer: str, expected: Outcome) -> None:
    script = Script()
    script.data = [answer]
    async with relay(script) as at, Post(at) as post:
        assert await send(post) == expected
        assert isinstance(await send(post, "event-2"), Sent)


async def test_a_relay_that_says_421_between_mails_is_met_anew() -> None:
    script = Script()
    async with relay(script) as at, Post(at) as post:
        assert isinstance(await send(post), Sent)
        script.mail = ["421 4.7.0 Too many messages in this connection"]
        assert isinstance(await send(post, "event-2"), Sent)
    assert len(script.taken) == 2
    assert script.connections == 2


async def test_421_on_a_new_connection_is_for_later() -> None:
    script = Script()
    script.mail = ["421 4.3.2 Shutting down", "421 4.3.2 Shutting down"]
    async with relay(script) as at, Post(at) as post:
        assert await send(post) == Retry(421, "4.3.2 Shutting down")
    assert script.connections == 1


async def test_a_connection_that_died_idle_is_opened_anew() -> None:
    script = Script()
    script.hang_up_between_mails = True
    async with relay(script) as at, Post(at) as post:
        assert isinstance(await send(post), Sent)
        for _ in range(10):
            await asyncio.sleep(0.02)
        assert isinstance(await send(post, "event-2"), Sent)
    assert script.connections == 2


async def test_a_wrong_password_pauses_the_sender() -> None:
    script = Script()
    no: dict[str, Any] = {"authenticator": lambda *_: AuthResult(success=False, handled=False)}
    async with relay(script, auth_require_tls=False, **no) as at:
        known = Relay(at.host, at.port, "thi-dua", "wrong", hello="ward.example", timeout=5.0)
        async with Post(known) as post:
            outcome = await send(post)
    assert isinstance(outcome, SenderFault)
    assert outcome.code == 535
    assert outcome.fault is Fault.CREDENTIALS
    assert outcome.pauses_everything
    assert script.taken == []


async def test_a_relay_that_wants_a_password_pauses_the_sender() -> None:
    script = Script()
    script.mail = ["530 5.7.0 Authentication required"]
    async with relay(script) as at, Post(at) as post:
        outcome = await send(post)
    assert isinstance(outcome, SenderFault)
    assert (outcome.code, outcome.fault) == (530, Fault.CREDENTIALS)


async def test_a_refused_sender_pauses_the_sender() -> None:
    script = Script()
    script.mail = ["553 5.1.8 Sender unknown"]
    async with relay(script) as at, Post(at) as post:
        outcome = await send(post)
    assert outcome == SenderFault(553, "5.1.8 Sender unknown", Fault.SENDER)


async def test_an_encrypted_relay_is_demanded_and_missing() -> None:
    script = Script()
    async with relay(script) as at:
        strict = Relay(at.host, at.port, start_tls=True, hello="ward.example")
        async with Post(strict) as post:
            outcome = await send(post)
    assert isinstance(outcome, SenderFault)
    assert outcome.fault is Fault.RELAY


async def test_no_relay_is_for_later() -> None:
    async with relay(Script()) as at:
        pass
    async with Post(at) as post:
        outcome = await send(post)
    assert isinstance(outcome, Retry)
    assert outcome.code is None
    assert "Error connecting" in outcome.reply


async def test_a_relay_that_greets_with_554_is_our_fault_and_with_421_for_later() -> None:
    for greeting, expected in ((b"554 No service", SenderFault), (b"421 Busy", Retry)):

        async def greet(
            _: asyncio.StreamReader, writer: asyncio.StreamWriter, line: bytes = greeting
        ) -> None:
            writer.write(line + b"\r\n")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(greet, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, Post(Relay("127.0.0.1", port, timeout=5.0)) as post:
            assert isinstance(await send(post), expected)


async def test_before_data_runs_after_rcpt_and_before_the_message() -> None:
    script = Script()
    seen: list[int] = []

    async def note() -> None:
        seen.append(len(script.taken))

    script.rcpt = ["550 5.1.1 No such user"]
    async with relay(script) as at, Post(at) as post:
        await post.send(a_mail(), sender=FROM, recipient=WHOM, before_data=note)
        assert seen == []
        await post.send(a_mail(), sender=FROM, recipient=WHOM, before_data=note)
    assert seen == [0]
    assert len(script.taken) == 1


async def test_nothing_is_sent_when_before_data_fails() -> None:
    script = Script()

    async def fail() -> None:
        raise RuntimeError("the row is gone")

    async with relay(script) as at, Post(at) as post:
        with pytest.raises(RuntimeError, match="the row is gone"):
            await post.send(a_mail(), sender=FROM, recipient=WHOM, before_data=fail)
        assert script.taken == []
        assert isinstance(await send(post), Sent)
    assert len(script.taken) == 1


async def test_a_cancelled_mail_leaves_no_half_conversation_behind() -> None:
    script = Script()
    script.slow = 1.0
    async with relay(script) as at, Post(at) as post:
        task = asyncio.create_task(send(post))
        while not script.taken:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        script.slow = 0.0
        assert isinstance(await send(post, "event-2"), Sent)
    assert script.connections == 2


CODES = (421, 450, 451, 452, 454, 455, 500, 501, 502, 503, 504, 530, 535, 550, 551, 552, 553, 554)
STATUSES = (
    "",
    "4.2.2 ",
    "5.1.1 ",
    "5.1.8 ",
    "5.2.1 ",
    "5.2.2 ",
    "5.3.4 ",
    "5.4.4 ",
    "5.6.0 ",
    "5.7.1 ",
)


def test_only_two_fives_are_final() -> None:
    for phase, code, status in itertools.product(Phase, CODES, STATUSES):
        outcome = classify(phase, code, f"{status}text")
        assert isinstance(outcome, Retry | Refused | SenderFault)
        if code < 500 or status.startswith("4"):
            assert outcome == Retry(code, f"{status}text")


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ((Phase.RCPT, 550, "5.1.1 x"), "bad address"),
        ((Phase.RCPT, 550, "5.4.4 x"), "bad address"),
        ((Phase.RCPT, 553, "x"), "bad address"),
        ((Phase.DATA, 550, "5.1.1 x"), "bad address"),
        ((Phase.RCPT, 550, "5.2.1 disabled"), "refused"),
        ((Phase.DATA, 550, "x"), "refused"),
        ((Phase.DATA, 554, "5.6.0 x"), "refused"),
        ((Phase.MAIL, 552, "5.3.4 too big"), "refused"),
        ((Phase.RCPT, 552, "x"), "retry"),
        ((Phase.RCPT, 550, "5.2.2 full"), "retry"),
        ((Phase.RCPT, 450, "5.1.1 soft bounce"), "retry"),
        ((Phase.LOGIN, 454, "4.7.0 later"), "retry"),
        ((Phase.MAIL, -1, "garbage"), "retry"),
        ((Phase.DATA, -1, "garbage"), "uncertain"),
        ((Phase.LOGIN, 535, "5.7.8 x"), "credentials"),
        ((Phase.MAIL, 530, "5.7.0 x"), "credentials"),
        ((Phase.CONNECT, 554, "x"), "relay"),
        ((Phase.MAIL, 550, "x"), "sender"),
        ((Phase.RCPT, 550, "5.1.8 x"), "sender"),
        ((Phase.RCPT, 503, "x"), "protocol"),
        ((Phase.RCPT, 554, "5.7.1 relay denied"), "policy"),
    ],
)
def test_meaning(says: tuple[Phase, int, str], expected: str) -> None:
    meant: dict[type[Outcome], Callable[[Outcome], str]] = {
        Retry: lambda _: "retry",
        Uncertain: lambda _: "uncertain",
        Refused: lambda o: "bad address" if isinstance(o, Refused) and o.bad_address else "refused",
        SenderFault: lambda o: o.fault if isinstance(o, SenderFault) else "",
    }
    outcome = classify(*says)
    assert meant[type(outcome)](outcome) == expected


def test_policy_alone_does_not_pause_everything() -> None:
    paused = {fault for fault in Fault if SenderFault(550, "", fault).pauses_everything}
    assert paused == set(Fault) - {Fault.POLICY}


def test_a_reply_is_fit_to_keep() -> None:
    assert shown("a\r\nb\x00c \udcff") == "a b c \ufffd"
    assert len(shown("x" * 5000)) == 500


def test_a_relay_is_read_from_a_setting() -> None:
    assert Relay.at("127.0.0.1:2525") == Relay("127.0.0.1", 2525)
    assert Relay.at("[::1]:25") == Relay("::1", 25)
    for wrong in ("", "relay", "relay:", ":25", "relay:smtp"):
        with pytest.raises(ValueError, match="host:port"):
            Relay.at(wrong)
