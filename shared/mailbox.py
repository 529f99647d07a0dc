"""Whom a mail is from and to: one line of text and an address that mail can be sent to."""

import re
import unicodedata
from dataclasses import dataclass
from email.utils import parseaddr

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


class AddressError(ValueError):
    """An address that cannot be written to: no mail can be made, and no retry will help."""


def clean(text: str) -> str:
    """One line of NFC text: every run of white space or control characters is one space."""
    shown = "".join(" " if unicodedata.category(c) in {"Cc", "Cs"} else c for c in text)
    return unicodedata.normalize("NFC", " ".join(shown.split()))


@dataclass(frozen=True)
class Mailbox:
    """A display name (may be empty) and an ASCII address; raises AddressError."""

    name: str
    address: str

    def __post_init__(self) -> None:
        if len(self.address) > 254 or not _ADDRESS.fullmatch(self.address):
            raise AddressError(f"not an address that mail can be sent to: {self.address!r}")
        object.__setattr__(self, "name", clean(self.name))

    @classmethod
    def parse(cls, text: str) -> "Mailbox":
        """`Name <address>` or a bare address, as settings write it."""
        name, address = parseaddr(text)
        return cls(name, address)
