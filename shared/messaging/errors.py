"""Faults as types. "Transient" is a closed list: all else ends, or a typo would loop.

Transient faults are tried again for ever, permanent ones never; what is in neither list is
unknown: tried a bounded number of times, and then taken for permanent.
"""

import errno
import socket
from enum import Enum

import asyncpg
from aiokafka.errors import KafkaError
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from shared.refusal import Refusal

_TRANSIENT_STATES = ("08", "40", "53", "57P", "55P03", "25006", "25P03", "25P04")
"""SQLSTATE prefixes: connection, serialization and deadlock, resources, shutdown, lock timeout,
read-only (a standby during a fail-over), a transaction that said nothing or lasted too long."""
_NETWORK = frozenset(
    {None, errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.ENETUNREACH, errno.ENETDOWN, errno.ENETRESET}
)
"""None: asyncio's "Multiple exceptions", when no address of a host could be reached."""


_PERMANENT_STATES = ("0A", "22", "23", "42")
"""SQLSTATE classes: not supported, bad data, broken constraints, wrong SQL or no right to it."""


class Fault(Enum):
    """What trying again can do about an error."""

    TRANSIENT = "transient"
    PERMANENT = "permanent"
    UNKNOWN = "unknown"


class Transient(Exception):
    """It may work later: roll back, pause, try again, for ever."""


class Permanent(Exception):
    """It will never work: a broken rule, or a bug. The event is parked."""


class WaitsBehind(Permanent):
    """Nothing is wrong with this event; an earlier one of its key is parked."""


class Unreadable(Permanent):
    """A record of ours that no handler can be given."""


class StopAndAlarm(Exception):
    """One error parks too many keys: it is a bug, not bad data. The consumer stops."""


class DuplicateId(Permanent):
    """One id was given to two facts (rule 8: give them a discriminator)."""


class KeyNotLocked(Permanent):
    """Something was published for a key whose lock is not held."""


def fault_of(error: BaseException) -> Fault:
    """How an error is treated."""
    if is_transient(error):
        return Fault.TRANSIENT
    if isinstance(error, Permanent | Refusal | ValidationError):
        return Fault.PERMANENT
    if isinstance(error, DBAPIError) and _state(error).startswith(_PERMANENT_STATES):
        return Fault.PERMANENT
    return Fault.UNKNOWN


def is_transient(error: BaseException) -> bool:
    """Whether trying again later can help."""
    if isinstance(error, Transient | PoolTimeoutError):
        return True
    if isinstance(error, OSError):
        return _is_network_error(error)
    if isinstance(error, KafkaError):
        return bool(error.retriable)
    if isinstance(error, DBAPIError):
        return _is_transient_database_error(error)
    return isinstance(error, asyncpg.PostgresConnectionError)


def _is_network_error(error: OSError) -> bool:
    known = isinstance(error, ConnectionError | TimeoutError | socket.gaierror)
    return known or error.errno in _NETWORK


def _is_transient_database_error(error: DBAPIError) -> bool:
    if error.connection_invalidated or isinstance(error, InterfaceError):
        return error.connection_invalidated or "closed" in str(error.orig)
    return _state(error).startswith(_TRANSIENT_STATES)


def _state(error: DBAPIError) -> str:
    state: str = getattr(error.orig, "sqlstate", None) or ""
    return state
