"""A worker that dies, stalls or loses its database: what was handed over is never sent twice."""

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.local.infrastructure import Provided
from services.notify.commands import LEASE
from shared.post import Relay
from tests.component.notify_stage import (
    Stage,
    Story,
    all_of,
    basics,
    many,
    one_database,
    staged,
    statuses,
)
from tests.component.test_post import Script, relay

pytestmark = pytest.mark.component

STORY = Story()


@pytest.fixture(scope="module")
def url(infrastructure: Provided) -> Iterator[str]:
    with one_database(infrastructure, "notify_crashes") as url:
        yield url


@pytest.fixture
async def stage(url: str) -> AsyncIterator[Stage]:
    async with staged(url) as stage:
        yield stage


class Slow(Script):
    """Waits in one phase of the transaction until it is told to go on."""

    def __init__(self, phase: str, after: int = 0) -> None:
        super().__init__()
        self.phase, self.after = phase, after
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()

    async def _wait(self, phase: str) -> None:
        if phase == self.phase and len(self.taken) >= self.after and not self.go_on.is_set():
            self.reached.set()
            await self.go_on.wait()

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        await self._wait("rcpt")
        return await super().handle_RCPT(server, session, envelope, address, options)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        await self._wait("data")
        return await super().handle_DATA(server, session, envelope)


WORKER = """
import asyncio, sys
from tests.component.notify_stage import HOUSE, Hands, Stage
from shared.post import Relay
from shared.database import connect

async def main() -> None:
    stage = Stage(connect(sys.argv[1]))
    await stage.room(Relay.at(sys.argv[2]), sys.argv[3]).turn()

asyncio.run(main())
"""


async def killed_while(script: Slow, to: Relay, url: str, worker: str = "0") -> None:
    """Run a turn in a process of its own and end it with -9 where the relay waits."""
    command = [sys.executable, "-c", WORKER, url, f"{to.host}:{to.port}", worker]
    root = Path(__file__).parents[2]
    process = await asyncio.create_subprocess_exec(*command, cwd=root)
    try:
        await asyncio.wait_for(script.reached.wait(), 60)
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()
        script.go_on.set()


def url_of(stage: Stage) -> str:
    return stage.engine.url.render_as_string(hide_password=False)


async def test_killed_before_data_is_sent_again_once(stage: Stage) -> None:
    await stage.tell(*basics(STORY), STORY.result())
    script = Slow("rcpt")
    async with relay(script) as to:
        await killed_while(script, to, url_of(stage))
        assert await stage.states() == {"own-result": "sending"}
        await all_of(stage.room(to))
    assert await stage.states() == {"own-result": "sent"}
    assert len(script.taken) == 1


async def test_killed_between_data_and_its_answer_leaves_one_mail_in_doubt(stage: Stage) -> None:
    """The third of five is in doubt: the two before it are known to be sent, two go out later."""
    await stage.tell(*many(5))
    script = Slow("data", after=2)
    async with relay(script) as to:
        await killed_while(script, to, url_of(stage))
        assert await statuses(stage) == {"data": 3, "sending": 2}
        await all_of(stage.room(to))
    assert await statuses(stage) == {"sent": 4, "uncertain": 1}
    told: Sequence[dict[str, object]] = await stage.published("mail-sent")
    assert len(told) == 4
    [failed] = await stage.published("mail-failed")
    assert failed["uncertain"] is True
    recipients = Counter(recipients[0] for _, recipients, _ in script.taken)
    assert set(recipients.values()) == {1}


async def test_another_worker_takes_over_only_when_the_lease_has_ended(stage: Stage) -> None:
    await stage.tell(*basics(STORY), STORY.result())
    script = Slow("rcpt")
    async with relay(script) as to:
        await killed_while(script, to, url_of(stage), worker="0")
        other = stage.room(to, "1")
        await all_of(other)
        assert await stage.states() == {"own-result": "sending"}
        assert await other.pending() == 1
        stage.system.pass_by(LEASE + timedelta(seconds=1))
        await all_of(other)
    assert await stage.states() == {"own-result": "sent"}
    assert len(script.taken) == 1


async def test_a_worker_that_lost_its_claim_sends_nothing(stage: Stage) -> None:
    """Slow before DATA, and meanwhile its lease ends and another has the mail in hand."""
    await stage.tell(*basics(STORY), STORY.result())
    slow, script = Slow("rcpt"), Slow("rcpt")
    async with relay(slow) as there, relay(script) as here:
        late = asyncio.create_task(stage.room(there, "0").turn())
        await asyncio.wait_for(slow.reached.wait(), 60)
        stage.system.pass_by(LEASE + timedelta(seconds=1))
        other = asyncio.create_task(all_of(stage.room(here, "1")))
        await asyncio.wait_for(script.reached.wait(), 60)
        slow.go_on.set()
        await late
        script.go_on.set()
        await other
    assert (len(script.taken), len(slow.taken)) == (1, 0)
    assert await stage.states() == {"own-result": "sent"}
    assert len(await stage.published("mail-sent")) == 1


async def test_answers_survive_a_database_that_is_away(stage: Stage) -> None:
    """What the relay said is kept in memory until it can be written down."""
    await stage.tell(*basics(STORY), STORY.result())
    script = Slow("data")
    async with relay(script) as to:
        room = stage.room(to)
        turn = asyncio.create_task(room.turn())
        await asyncio.wait_for(script.reached.wait(), 60)
        async with stage.engine.begin() as connection:
            await connection.exec_driver_sql("ALTER TABLE outbox RENAME TO elsewhere")
        script.go_on.set()
        with pytest.raises(sa.exc.ProgrammingError):
            await turn
        async with stage.engine.begin() as connection:
            await connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO outbox")
        await all_of(room)
    assert await stage.states() == {"own-result": "sent"}
    assert len(script.taken) == 1
