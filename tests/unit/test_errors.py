"""What trying again can do: the closed lists of transient and of permanent faults, and the rest."""

import errno
import socket

import asyncpg
import pytest
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError, RequestTimedOutError
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from shared.messaging.errors import (
    DuplicateId,
    Fault,
    KeyNotLocked,
    Permanent,
    Transient,
    Unreadable,
    fault_of,
    is_transient,
)
from shared.refusal import Refusal

pytestmark = pytest.mark.unit


class Original(Exception):
    def __init__(self, sqlstate: str | None, words: str = "") -> None:
        super().__init__(words)
        self.sqlstate = sqlstate


def database_error(sqlstate: str | None) -> DBAPIError:
    return DBAPIError("SELECT 1", {}, Original(sqlstate))


@pytest.mark.parametrize(
    "sqlstate",
    [
        "08006",
        "08003",
        "40001",
        "40P01",
        "53100",
        "53300",
        "57P01",
        "57P02",
        "57P03",
        "55P03",
        "25006",
        "25P03",
        "25P04",
        "57P05",
    ],
)
def test_states_of_the_database_that_pass(sqlstate: str) -> None:
    assert is_transient(database_error(sqlstate))


@pytest.mark.parametrize(
    "sqlstate",
    [
        "23505",
        "23514",
        "23503",
        "22P02",
        "22021",
        "25P02",
        "42601",
        "42P01",
        "42501",
        "3D000",
        "",
        None,
    ],
)
def test_states_of_the_database_that_stay(sqlstate: str | None) -> None:
    assert not is_transient(database_error(sqlstate))


@pytest.mark.parametrize(
    "error",
    [
        Transient("said so"),
        PoolTimeoutError(),
        TimeoutError(),
        ConnectionResetError(),
        ConnectionRefusedError(),
        BrokenPipeError(),
        socket.gaierror(socket.EAI_NONAME, "name not known"),
        OSError(errno.EHOSTUNREACH, "no route"),
        OSError("Multiple exceptions: [Errno 111] ..., [Errno 111] ..."),
        KafkaConnectionError(),
        RequestTimedOutError(),
        asyncpg.ConnectionDoesNotExistError("gone"),
        DBAPIError("", {}, Original(None), connection_invalidated=True),
        InterfaceError("", {}, Original(None, "connection is closed")),
    ],
    ids=repr,
)
def test_faults_that_pass(error: Exception) -> None:
    assert is_transient(error)
    assert fault_of(error) is Fault.TRANSIENT


@pytest.mark.parametrize(
    "error",
    [
        Permanent("said so"),
        DuplicateId("twice"),
        KeyNotLocked("no lock"),
        Refusal("closed", "Đã khóa sổ."),
        FileNotFoundError(errno.ENOENT, "no template"),
        PermissionError(errno.EACCES, "not ours"),
        KeyError("typo"),
        AttributeError("typo"),
        ValueError("bad"),
        RuntimeError("bug"),
        MessageSizeTooLargeError(),
        IntegrityError("", {}, Original("23505")),
        ProgrammingError("", {}, Original("42703")),
        InterfaceError("", {}, Original(None, "the server expects 2 arguments")),
    ],
    ids=repr,
)
def test_faults_that_stay(error: Exception) -> None:
    assert not is_transient(error)


def invalid() -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(int).validate_python("x")
    return caught.value


@pytest.mark.parametrize(
    "error",
    [
        Permanent("said so"),
        Unreadable("no headers"),
        KeyNotLocked("no lock"),
        Refusal("closed", "Đã khóa sổ."),
        invalid(),
        IntegrityError("", {}, Original("23505")),
        DataError("", {}, Original("22P02")),
        ProgrammingError("", {}, Original("42703")),
        DBAPIError("", {}, Original("0A000")),
    ],
    ids=repr,
)
def test_what_is_known_never_to_work_is_permanent(error: Exception) -> None:
    assert fault_of(error) is Fault.PERMANENT


@pytest.mark.parametrize(
    "error",
    [
        KeyError("typo"),
        RuntimeError("who knows"),
        FileNotFoundError(errno.ENOENT, "no template"),
        MessageSizeTooLargeError(),
        DBAPIError("", {}, Original("XX000")),
        DBAPIError("", {}, Original(None)),
        InterfaceError("", {}, Original(None, "the server expects 2 arguments")),
    ],
    ids=repr,
)
def test_what_nobody_has_named_is_unknown(error: Exception) -> None:
    assert fault_of(error) is Fault.UNKNOWN
