"""The load: another system's stream, people at the HTTP doors, and a clerk's acts, all at once."""

import random
import threading
import time
import traceback
from collections.abc import Callable
from functools import partial

from deploy.cycle.story import OFFICER
from tests.chaos.door import Door, Refused
from tests.chaos.inputs import Inputs, Revisions
from tests.chaos.journal import Journal
from tests.chaos.pace import Pace
from tests.chaos.publisher import Publisher
from tests.chaos.world import FORM, World, accept

WRITERS = 2
SHARE_BY_HTTP = 0.2
CLERK_SECONDS = 3.0
CLERK_TURNS = 10
"""How often the clerk does something unasked."""


class Load:
    """Runs until it is stopped; an error in one of its threads ends the run.

    `make_door` makes a client of its own for each thread.
    """

    def __init__(
        self,
        world: World,
        journal: Journal,
        publisher: Publisher,
        make_door: Callable[[], Door],
        pace: Pace,
        seed: int,
    ) -> None:
        self.world, self.journal, self.publisher = world, journal, publisher
        self._make_door, self._pace, self._seed = make_door, pace, seed
        revisions = Revisions(world, len(world.flood) * 40)
        self._inputs = Inputs(world, revisions, journal, f"{seed}/inbound")
        self._writers = [
            Inputs(world, revisions, journal, f"{seed}/writer-{n}") for n in range(WRITERS)
        ]
        self._asked = threading.Event()
        self._acts_wanted = threading.Event()
        self._mails_wanted = threading.Event()
        self._stopping = threading.Event()
        self._sending = threading.Lock()
        self._newcomers = 0
        self._dossiers = list(world.candidates)
        self._errors: list[str] = []
        work: list[Callable[[], None]] = [self._stream, self._clerk]
        work += [partial(self._write, number) for number in range(WRITERS)]
        self._threads = [
            threading.Thread(target=self._guarded, args=(one,), daemon=True) for one in work
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """No new input; what was begun is brought to its answer."""
        self._stopping.set()
        self._pace.open()
        for thread in self._threads:
            thread.join()
        for _ in range(20):
            if self.publisher.flush(10):
                break
        else:
            raise TimeoutError(f"{self.publisher.unacknowledged} records not acknowledged")
        self.check()

    def check(self) -> None:
        """Raises RuntimeError when a thread of the load has failed."""
        if self._errors:
            raise RuntimeError("the load failed:\n" + "\n".join(self._errors))

    def stir(self, service: str, *, to_publish: bool = False) -> None:
        """See to it that a service gets something to apply, or even to publish."""
        if service == "awards":
            if to_publish:
                self._acts_wanted.set()
            self._asked.set()
        elif service == "notify":
            self._mails_wanted.set()

    def send_poisoned(self, code: str, before: Callable[[str], None]) -> str:
        """A letter that `before` is told the id of, then two of the same key; returns the id."""
        with self._sending:
            first = self._inputs.good(code)
            before(first.identity)
            for letter in (first, *self._inputs.good_ones(code, 2)):
                self.publisher.send(letter)
        return first.identity

    def register_poisoned(self, door: Door, before: Callable[[str], None]) -> str:
        """A newcomer whose key `before` is told, then a report of it, accepted; returns the key."""
        code = self._newcomer()
        key = f"{self.world.ward}/{code}"
        before(key)
        self._register(door, code)
        period = self.world.periods[0]
        chance = random.Random(code)
        body = self.world.report(code, period, 1, f"{code}/{period}/1", chance)
        door.post(OFFICER, "/intake/reports", body)
        self.journal.report(body, taken=True)
        accept(door, self.journal, code, period, 1)
        return key

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException:
            self._errors.append(traceback.format_exc())

    def _stream(self) -> None:
        while self._pace.take(1 - SHARE_BY_HTTP, self._stopping):
            with self._sending:
                self.publisher.send(self._inputs.letter())

    def _write(self, number: int) -> None:
        door, inputs = self._make_door(), self._writers[number]
        while self._pace.take(SHARE_BY_HTTP / WRITERS, self._stopping):
            live = self._mails_wanted.is_set()
            self._mails_wanted.clear()
            code = self.world.live[number] if live else inputs.code()
            body = inputs.report(code)
            try:
                door.post(OFFICER, "/intake/reports", body)
            except Refused as refused:
                if refused.status != 409:
                    raise
                self.journal.report(body, taken=False)
            else:
                self.journal.report(body, taken=True)
        door.close()

    def _clerk(self) -> None:
        """Registers newcomers; when asked, or now and then, does something about a candidate."""
        door = self._make_door()
        opened: list[tuple[str, str]] = []
        turn = 0
        while not self._stopping.is_set():
            self._register(door, self._newcomer())
            wanted = self._acts_wanted.is_set() or turn % CLERK_TURNS == 0
            self._acts_wanted.clear()
            turn += 1
            if wanted and opened:
                self._publish(door, opened.pop())
            elif wanted and self._dossiers:
                opened.append(self._open(door, *self._dossiers.pop()))
            self._asked.wait(CLERK_SECONDS)
            self._asked.clear()
        door.close()

    def _newcomer(self) -> str:
        with self._sending:
            self._newcomers += 1
            return f"nguoi-moi-{self._newcomers:05}"

    def _register(self, door: Door, code: str) -> None:
        self.journal.participant(code)
        people = [self.world.participant(code)]
        door.post(OFFICER, "/intake/participants", {"participants": people})

    def _open(self, door: Door, period: str, code: str) -> tuple[str, str]:
        dossier = f"{period}-{code}"
        body = {
            "dossier": dossier,
            "period": period,
            "participant": code,
            "form": FORM,
            "achievement": "Đã có thành tích xuất sắc trong phong trào",
            "reason": "Dẫn đầu khối.",
        }
        door.post(OFFICER, "/awards/dossiers", body)
        self.journal.act("dossier-opened", dossier)
        return period, dossier

    def _publish(self, door: Door, opened: tuple[str, str]) -> None:
        period, dossier = opened
        today = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 7 * 3600 + 86400))
        body = {
            "period": period,
            "dossiers": [dossier],
            "window_from": today,
            "window_until": "2027-06-30",
        }
        door.post(OFFICER, "/awards/publications", body)
        self.journal.act("candidate-published", dossier)
