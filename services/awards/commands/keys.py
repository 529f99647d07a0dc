"""Which locks a command takes before it reads: the dossiers it speaks of, and what it numbers."""

from collections.abc import Iterable
from datetime import date


def dossier_key(ward: str, dossier: str) -> str:
    """Also the Kafka key of the dossier's facts."""
    return f"{ward}/{dossier}"


def dossier_keys(ward: str, dossiers: Iterable[str]) -> list[str]:
    return [dossier_key(ward, dossier) for dossier in dossiers]


def achievement_key(ward: str, period: str, participant: str) -> str:
    """Two officers must not open a dossier each for one achievement."""
    return f"{ward}/achievement/{period}/{participant}"


def session_key(ward: str, session: str) -> str:
    return f"{ward}/session/{session}"


def numbers_key(ward: str, decided_on: date) -> str:
    """The book of decision numbers of a year."""
    return f"{ward}/decisions/{decided_on.year}"
