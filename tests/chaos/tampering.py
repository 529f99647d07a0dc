"""Faults that need more than one hand: poison with an operator's retry, and a second instance."""

import subprocess
import time
from collections.abc import Callable
from contextlib import closing

from deploy.local.state import ROOT
from tests.chaos.field import DidNotHappen, Field
from tests.chaos.schedule import Fault

REGISTERED = "vn.thidua.intake.participant-registered.v1"
OPERATOR = "operator"
ROUNDS = 2
RETRY_SECONDS = 60


def poison(field: Field, fault: Fault, before_it_parks: Callable[[], None] = lambda: None) -> float:
    """One event fails, those behind it wait; a person mends the bug and retries, all is applied."""
    service = fault.service
    put: list[str] = []

    def add(name: str) -> None:
        put.append(name)
        field.chest.add(service, name)

    if service in {"intake", "scoring"}:
        code = field.load.world.flood[-1 - fault.number % 20]
        key = f"{field.load.world.ward}/{code}"
        field.load.send_poisoned(code, add)
    else:
        with closing(field.make_door()) as door:
            key = field.load.register_poisoned(door, lambda key: add(f"{REGISTERED}|{key}"))
    field.load.journal.poison(service, key)
    before_it_parks()
    field.await_parked(service, key)
    field.chest.mend(service, put[0])
    over = time.monotonic()
    _retry(field, fault, key)
    return over


def _retry(field: Field, fault: Fault, key: str) -> None:
    """By HTTP or by the command line, until nothing of the key is parked."""
    deadline = time.monotonic() + RETRY_SECONDS
    while field.parked(fault.service, key):
        if time.monotonic() > deadline:
            raise DidNotHappen(f"{fault.service}: {key} stays parked")
        if fault.number % 2:
            _retry_by_command(field, fault.service, key)
        else:
            with closing(field.make_door()) as door:
                door.post(OPERATOR, f"/{fault.service}/parked/retries", {"key": key})


def _retry_by_command(field: Field, service: str, key: str) -> None:
    command = [*field.stack.commands[service].serve[:-1], "parked", "retry", "--key", key]
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env=field.stack.environment_of(service),
        capture_output=True,
        text=True,
        timeout=RETRY_SECONDS,
        check=False,
    )
    if done.returncode not in {0, 1, 4}:
        raise DidNotHappen(f"parked retry ended with {done.returncode}: {done.stderr[-500:]}")


def rebalance(field: Field, fault: Fault) -> float:
    """A second instance joins and leaves, politely and by SIGKILL, and again."""
    service, second = fault.service, f"{fault.service}-1"
    for turn in range(ROUNDS):
        field.stack.start_second(service)
        time.sleep(fault.seconds / 2)
        if (turn + fault.nth) % 2:
            field.stack.terminate(second)
        else:
            field.stack.bury(second)
    return time.monotonic()
