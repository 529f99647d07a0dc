"""Plays the 2025 cycle for tests, and reads what came of it from outside."""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

from deploy.cycle.__main__ import player_for
from deploy.cycle.doors import Doors
from deploy.cycle.play import Player
from deploy.cycle.story import Step
from deploy.local.stack import Stack
from shared.clock import BusinessClock, SystemClock
from tests.topics import messages


@dataclass(frozen=True)
class Fact:
    """One record as a stranger reads it; `data` None for a tombstone."""

    topic: str
    key: str
    headers: dict[str, str]
    data: dict[str, Any] | None

    @property
    def name(self) -> str:
        """`report-received` of `vn.thidua.intake.report-received.v1`."""
        return self.headers["ce_type"].split(".")[-2]


@dataclass
class Played:
    """A ward whose 2025 is behind it, or on its way; still up."""

    stack: Stack
    player: Player

    @property
    def doors(self) -> Doors:
        return self.player.stage.doors

    @property
    def addresses(self) -> dict[str, Any]:
        return self.stack.addresses

    def until(self, name: str) -> None:
        """Play on to a step, which is then about to be done."""
        assert name not in self.player.journal.done(), f"{name} is behind: tests run in its order"
        self.player.play_until(name)

    def now(self) -> datetime:
        return BusinessClock(SystemClock(), self.stack.state.clock).now()

    def stand_at(self, moment: datetime) -> None:
        """It is this moment, which is not behind, and all that it brings has happened."""
        assert self.now() <= moment
        self.player.flow.wait_until_quiet()
        self.player.clock.stand_at(moment)
        self.player.flow.wait_until_quiet()

    def to_the_end(self) -> None:
        self.player.play()
        self.player.flow.wait_until_quiet()

    def facts(self, *topics: str) -> list[Fact]:
        """Everything on the topics, per partition in order, first occurrences only."""
        return read_all(self.addresses["kafka"], topics)

    def mails(self) -> list[EmailMessage]:
        parser = BytesParser(policy=policy.default)
        files = sorted(Path(self.addresses["mail"]).glob("*.eml"))
        return [parser.parsebytes(file.read_bytes()) for file in files]


def read_all(kafka: str, topics: tuple[str, ...]) -> list[Fact]:
    """All records up to the present end of the topics; a repeated id counts once."""
    facts: dict[str, Fact] = {}
    for message in messages(kafka, topics):
        fact = _fact(message)
        facts.setdefault(fact.headers["ce_id"], fact)
    return list(facts.values())


def _fact(message: Any) -> Fact:
    headers = {name: value.decode() for name, value in message.headers() or []}
    body = message.value()
    data = json.loads(body) if body else None
    return Fact(message.topic(), message.key().decode(), headers, data)


@contextmanager
def state_folder() -> Iterator[Path]:
    """A folder for a stack's state, outside pytest's own: another session starting at the same
    time closes that one to PostgreSQL's account.
    """
    folder = Path(tempfile.mkdtemp(prefix="thidua-test-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def played(
    before_step: Callable[[Stack, Step], None] = lambda _stack, _step: None,
) -> Iterator[Played]:
    """A stack on which the whole story was played."""
    with playing(before_step) as ward:
        ward.to_the_end()
        yield ward


@contextmanager
def playing(
    before_step: Callable[[Stack, Step], None] = lambda _stack, _step: None,
) -> Iterator[Played]:
    """A stack on which nothing of the story was played yet."""
    with state_folder() as folder, up(folder, before_step) as ward:
        yield ward


@contextmanager
def up(
    folder: Path, before_step: Callable[[Stack, Step], None] = lambda _stack, _step: None
) -> Iterator[Played]:
    """A stack on what the folder holds of the story."""
    with Stack(folder, say=lambda _: None) as stack:
        player = player_for(stack)
        player.before_step = lambda step: before_step(stack, step)
        with closing(player.stage.doors):
            yield Played(stack, player)
