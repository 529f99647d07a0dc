"""Faults as types. "Transient" is a closed list: all else is permanent, or a typo would loop."""

import errno
import socket

import asyncpg
from aiokafka.errors import KafkaError
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

_TRANSIENT_STATES = ("08", "40", "53", "57P", "55P03", "25006")
"""SQLSTATE prefixes: connection, serialization and deadlock, resources, shutdown, lock timeout,
read-only (a standby during a fail-over)."""
_NETWORK = frozenset(
    {None, errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.ENETUNREACH, errno.ENETDOWN, errno.ENETRESET}
)
"""None: asyncio's "Multiple exceptions", when no address of a host could be reached."""


class Transient(Exception):
    """It may work later: roll back, pause, try again, for ever."""


class Permanent(Exception):
    """It will never work: a broken rule, or a bug. The event is parked."""


class DuplicateId(Permanent):
    """One id was given to two facts (rule 8: give them a discriminator)."""


class KeyNotLocked(Permanent):
    """Something was published for a key whose lock is not held."""


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
    state = getattr(error.orig, "sqlstate", None) or ""
    return state.startswith(_TRANSIENT_STATES)
