"""Headers that carry Vietnamese intact.

The standard library loses spaces and overruns the 75 characters of RFC 2047 §2 when it folds long
non-ASCII headers; `email.header.Header` does not, so it folds them here.
"""

from email.header import Header
from email.headerregistry import Address
from email.policy import EmailPolicy
from typing import Any

LINE = 78
_WORD = 75


class VnPolicy(EmailPolicy):
    """Folds subjects, other free text and mailboxes to ASCII lines of at most 78 characters."""

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        """Keep a subject as it was written: parsing would decode what looks encoded in it."""
        if name.lower() == "subject" and isinstance(value, str):
            if "\r" in value or "\n" in value:
                raise ValueError("a subject is one line")
            return name, value
        return super().header_store_parse(name, value)

    def fold(self, name: str, value: str) -> str:
        """One header as text, line ends included."""
        return _folded(name, value, self.linesep) or super().fold(name, value)

    def fold_binary(self, name: str, value: str) -> bytes:
        """One header as it is sent."""
        ours = _folded(name, value, self.linesep)
        return ours.encode("ascii") if ours else super().fold_binary(name, value)


VN_POLICY = VnPolicy(linesep="\r\n", max_line_length=LINE, cte_type="7bit")


def _folded(name: str, value: str, end: str) -> str | None:
    mailboxes: tuple[Address, ...] | None = getattr(value, "addresses", None)
    if mailboxes is not None:
        lines = [_mailbox(name, mailbox, end) for mailbox in mailboxes]
        return f"{name}: {(',' + end + ' ').join(lines)}{end}"
    text = str(value)
    if name.lower() == "subject" and text.isascii() and _plain(f"{name}: {text}"):
        return f"{name}: {text}{end}"
    if name.lower() == "subject" or not text.isascii():
        return f"{name}: {_words(text, name, end)}{end}"
    return None if any(c.isspace() for c in text) else _whole(name, text, end)


def _whole(name: str, token: str, end: str) -> str:
    """An id stays in one piece: the standard library would encode a long one."""
    between = " " if len(name) + 2 + len(token) <= LINE else f"{end} "
    return f"{name}:{between}{token}{end}"


def _mailbox(name: str, mailbox: Address, end: str) -> str:
    if not mailbox.display_name:
        return mailbox.addr_spec
    shown = str(mailbox)
    if shown.isascii() and _plain(f"{name}: {shown}"):
        return shown
    return f"{_words(mailbox.display_name, name, end)}{end} <{mailbox.addr_spec}>"


def _words(text: str, name: str, end: str) -> str:
    return Header(text, "utf-8", maxlinelen=_WORD, header_name=name).encode(linesep=end)


def _plain(line: str) -> bool:
    return len(line) <= LINE and "=?" not in line
