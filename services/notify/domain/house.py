"""Who writes a ward's mails."""

from dataclasses import dataclass

from services.notify.domain.letter import Sender
from shared.mailbox import Mailbox


@dataclass(frozen=True, slots=True)
class House:
    """Who writes, as the settings say; empty texts are filled in from the movement's place."""

    mailbox: Mailbox
    reply_to: Mailbox
    origin: str
    decided_by: str = ""

    def sender(self, place: str, title: str) -> Sender:
        """The sender of a ward's mails; `place` and `title` are those of its movement."""
        return Sender(
            self.mailbox,
            self.reply_to,
            self.mailbox.address.rpartition("@")[2],
            self.origin,
            ward_name(place),
            plan_name(title),
        )

    def chairman(self, place: str) -> str:
        return self.decided_by or f"Chủ tịch Ủy ban nhân dân {ward_name(place)}"


def ward_name(place: str) -> str:
    """ "phường Tứ Minh", whether or not the place already says what it is."""
    known = place.lower().startswith(("phường ", "xã ", "đặc khu "))
    return place if known else f"phường {place}"


def plan_name(title: str) -> str:
    """The plan by its movement's title: "Kế hoạch phát động Phong trào thi đua …"."""
    if title.startswith("Kế hoạch"):
        return title
    if title.startswith("Phát động"):
        return f"Kế hoạch p{title[1:]}"
    return f"Kế hoạch phát động {title}"
