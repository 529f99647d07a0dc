"""Sending: one recipient a transaction, many mails over one connection, a typed outcome for each.

What the outcome means for the mail's row is the caller's decision. Nothing is tried again here,
except that a connection which the relay closed between two mails is opened anew.
"""

import asyncio
import contextlib
import re
import ssl
import unicodedata
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.message import EmailMessage
from enum import StrEnum
from types import TracebackType
from typing import Self

import aiosmtplib

_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_LONGEST_REPLY = 500


class Phase(StrEnum):
    """How far a transaction had come. Up to RCPT nothing was handed over; after DATA, who knows."""

    CONNECT = "connect"
    LOGIN = "login"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"


class Fault(StrEnum):
    """What is wrong on our side. All but POLICY concern every mail: pause the whole sender."""

    RELAY = "relay"
    CREDENTIALS = "credentials"
    SENDER = "sender"
    PROTOCOL = "protocol"
    POLICY = "policy"


@dataclass(frozen=True)
class Sent:
    """The relay took the message (250 after DATA)."""

    code: int
    reply: str


@dataclass(frozen=True)
class Retry:
    """Not handed over, worth another attempt later; `code` None when there was no reply."""

    code: int | None
    reply: str


@dataclass(frozen=True)
class Refused:
    """Refused for good. `bad_address`: the address itself is at fault; suppress it."""

    code: int
    reply: str
    bad_address: bool


@dataclass(frozen=True)
class Uncertain:
    """The message was handed over and no answer came: never send again blindly (RFC 1047)."""

    reason: str


@dataclass(frozen=True)
class SenderFault:
    """Our fault or the relay's policy: alarm, keep the mail, do not suppress the person."""

    code: int | None
    reply: str
    fault: Fault

    @property
    def pauses_everything(self) -> bool:
        """True when the next mail would meet the same fault."""
        return self.fault is not Fault.POLICY


Outcome = Sent | Retry | Refused | Uncertain | SenderFault


@dataclass(frozen=True)
class Relay:
    """The SMTP server to hand mail to. Times in seconds; `answer_timeout` is how long the end of
    DATA may take (RFC 5321 §4.5.3.2.6 says ten minutes) and bounds the caller's lease.

    `start_tls` None: encrypt when the relay offers it. `hello`: our name in EHLO.
    """

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    use_tls: bool = False
    start_tls: bool | None = None
    hello: str | None = None
    timeout: float = 30.0
    answer_timeout: float = 600.0

    @classmethod
    def at(cls, address: str) -> "Relay":
        """`host:port`, as settings write it; raises ValueError."""
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal():
            raise ValueError(f"not host:port: {address!r}")
        return cls(host.strip("[]"), int(port))


class Post:
    """One connection to the relay, opened when first needed and kept for the next mail.

    Safe to share between tasks: transactions wait for each other.
    """

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._client: aiosmtplib.SMTP | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Say QUIT and let go; the next `send` connects again."""
        async with self._turn:
            if self._client is not None and self._client.is_connected:
                with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                    await self._client.quit()
            self._drop()

    async def send(
        self,
        mail: EmailMessage,
        *,
        sender: str,
        recipient: str,
        before_data: Callable[[], Awaitable[None]] | None = None,
    ) -> Outcome:
        """Hand one mail over to one recipient, in an SMTP transaction of its own.

        `sender` is the envelope's. `before_data` runs once the recipient is accepted and before
        the first byte of the message: commit "phase = data" there, so that a crash from then on
        is known to be uncertain. When it raises, nothing is sent and the error passes through.
        """
        message = mail.as_bytes()
        async with self._turn:
            try:
                opened = await self._envelope(sender, recipient)
                if not isinstance(opened, aiosmtplib.SMTP):
                    return opened
                if before_data is not None:
                    await before_data()
                return await self._hand_over(opened, message)
            except BaseException:
                self._drop()
                raise

    async def _envelope(self, sender: str, recipient: str) -> aiosmtplib.SMTP | Outcome:
        reused = self._connected
        outcome = await self._try_envelope(sender, recipient)
        if reused and not self._connected and isinstance(outcome, Retry):
            return await self._try_envelope(sender, recipient)
        return outcome

    async def _try_envelope(self, sender: str, recipient: str) -> aiosmtplib.SMTP | Outcome:
        phase = Phase.CONNECT
        try:
            client = await self._connection()
            phase = Phase.MAIL
            await client.mail(sender)
            phase = Phase.RCPT
            await client.rcpt(recipient)
        except (aiosmtplib.SMTPException, OSError) as error:
            return await self._settle(failed(phase, error))
        return client

    async def _hand_over(self, client: aiosmtplib.SMTP, message: bytes) -> Outcome:
        try:
            response = await client.data(message, timeout=self._relay.answer_timeout)
        except (aiosmtplib.SMTPException, OSError) as error:
            return await self._settle(failed(Phase.DATA, error))
        return Sent(response.code, shown(response.message))

    @property
    def _connected(self) -> bool:
        return self._client is not None and self._client.is_connected

    async def _connection(self) -> aiosmtplib.SMTP:
        if self._client is not None and self._client.is_connected:
            return self._client
        self._drop()
        relay = self._relay
        client = aiosmtplib.SMTP(
            hostname=relay.host,
            port=relay.port,
            username=relay.username,
            password=relay.password,
            use_tls=relay.use_tls,
            start_tls=relay.start_tls,
            local_hostname=relay.hello,
            timeout=relay.timeout,
        )
        await client.connect()
        self._client = client
        return client

    async def _settle(self, outcome: Outcome) -> Outcome:
        """After a plain refusal clear the envelope for the next mail; else hang up."""
        code = None if isinstance(outcome, Uncertain) else outcome.code
        if self._client is None or not self._connected or code is None or code < 400:
            self._drop()
            return outcome
        try:
            await self._client.rset()
        except (aiosmtplib.SMTPException, OSError):
            self._drop()
        return outcome

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None


def failed(phase: Phase, error: Exception) -> Outcome:
    """What an error of aiosmtplib or of the network means, by how far the transaction had come."""
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        phase = Phase.LOGIN
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        error = error.recipients[0]
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return classify(phase, error.code, error.message)
    if phase is Phase.DATA:
        return Uncertain(f"{type(error).__name__}: {shown(str(error))}")
    if isinstance(error, ssl.SSLError):
        return SenderFault(None, shown(str(error)), Fault.RELAY)
    if isinstance(error, OSError):
        return Retry(None, shown(str(error)) or type(error).__name__)
    return SenderFault(None, shown(str(error)), Fault.RELAY)


def classify(phase: Phase, code: int, reply: str) -> Outcome:
    """What a refusal means: the code says for now (4xx) or for good (5xx), the enhanced status
    (RFC 3463) says of what; without one, the code and the phase stand in.
    """
    reply = shown(reply)
    kind, subject, detail = _status(reply)
    if code // 100 == 4 or (code // 100 == 5 and kind == 4):
        return Retry(code, reply)
    if code // 100 != 5:
        return Uncertain(f"{code} {reply}") if phase is Phase.DATA else Retry(code, reply)
    fault = _fault(phase, code, subject, detail)
    if fault is not None:
        return SenderFault(code, reply, fault)
    if _mailbox_full(phase, code, subject, detail):
        return Retry(code, reply)
    return Refused(code, reply, _bad_address(phase, code, subject, detail))


def shown(reply: str) -> str:
    """A reply fit to keep: one line, no control characters, at most 500 characters."""
    text = reply.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    text = "".join(" " if unicodedata.category(c) == "Cc" else c for c in text)
    return " ".join(text.split())[:_LONGEST_REPLY]


def _status(reply: str) -> tuple[int | None, int | None, int | None]:
    match = _STATUS.match(reply)
    if match is None:
        return None, None, None
    return int(match[1]), int(match[2]), int(match[3])


def _fault(phase: Phase, code: int, subject: int | None, detail: int | None) -> Fault | None:
    if phase is Phase.LOGIN or code in {530, 534, 535, 538}:
        return Fault.CREDENTIALS
    if phase is Phase.CONNECT:
        return Fault.RELAY
    if code in {500, 502, 503, 504}:
        return Fault.PROTOCOL
    if subject == 7:
        return Fault.POLICY
    if (subject, detail) in {(1, 7), (1, 8)}:
        return Fault.SENDER
    too_big = code == 552 or (subject, detail) == (3, 4)
    return Fault.SENDER if phase is Phase.MAIL and not too_big else None


def _mailbox_full(phase: Phase, code: int, subject: int | None, detail: int | None) -> bool:
    if subject is None:
        return phase is Phase.RCPT and code == 552
    return (subject, detail) == (2, 2)


def _bad_address(phase: Phase, code: int, subject: int | None, detail: int | None) -> bool:
    if subject is None:
        return phase is Phase.RCPT and code in {501, 550, 551, 553}
    return subject == 1 or (subject, detail) == (4, 4)
