"""What the command line of parked events takes, and what it refuses to guess."""

import argparse
from datetime import UTC, datetime

import pytest

from shared import parked

pytestmark = pytest.mark.unit

WHY = ("--reason", "counted by hand", "--by", "operator-1")


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser()
    parked.add_command(made.add_subparsers(dest="command", required=True))
    return made


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("discard", "1"), "--reason, --by"),
        (("discard", "1", "--reason", " ", "--by", "x"), "must not be empty"),
        (("discard", "1", "--reason", "x", "--by", ""), "must not be empty"),
        (("discard", *WHY), "id"),
        (("discard", "1", "2", *WHY), "unrecognized arguments"),
        (("show", "a"), "invalid int"),
        (("list", "--since", "yesterday"), "not a time"),
        (("list", "--since", "2026-11-20T08:00"), "has no zone"),
        (("edit", "1"), "invalid choice"),
        ((), "action"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, tuple) else "",
)
def test_what_is_not_a_command_is_refused(
    parser: argparse.ArgumentParser,
    wrong: tuple[str, ...],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(["parked", *wrong])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_what_is_one_is_taken(parser: argparse.ArgumentParser) -> None:
    told = parser.parse_args(["parked", "retry", "1", "2", "--since", "2026-11-20T08:00Z"])
    assert (told.id, told.since) == ([1, 2], datetime(2026, 11, 20, 8, tzinfo=UTC))
    told = parser.parse_args(["parked", "discard", "3", *WHY])
    assert (told.id, told.reason, told.by) == (3, "counted by hand", "operator-1")
    assert parser.parse_args(["parked", "list"]).state == "parked"
