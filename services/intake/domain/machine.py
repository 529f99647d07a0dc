"""Other systems that call with a token of their own."""

import re
from collections.abc import Iterable

from shared.refusal import Refusal


def machine_id(ward: str, name: str) -> str:
    """The client id of a ward's machine; no other ward can have it."""
    return f"{ward}.{name}"


_ID = re.compile(r"[a-z0-9-]{1,80}\.[a-z0-9-]{1,80}")


def may_be_machine_id(text: str) -> bool:
    """Whether a machine could be called so."""
    return _ID.fullmatch(text) is not None


def granted(asked: str | None, held: Iterable[str]) -> frozenset[str]:
    """The scopes of a token: all that the machine holds, or fewer that it asks for.

    `asked` is a list with spaces (RFC 6749 §3.3). Raises Refusal on one that it does not hold.
    """
    own = frozenset(held)
    wanted = frozenset((asked or "").split()) or own
    if not wanted <= own:
        raise Refusal("invalid_scope", "Hệ thống này không được cấp phạm vi ấy.")
    return wanted
