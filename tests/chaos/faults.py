"""How each kind of fault is brought about. Each returns the moment at which it was over.

Every one of them proves that it happened (a process that is gone, a line in a log, connections
that were there to be cut, a parked row), or raises DidNotHappen.
"""

import contextlib
import signal
import time
from collections.abc import Callable, Mapping
from functools import partial

from tests.chaos.field import DidNotHappen, Field
from tests.chaos.migrating import migrate_and_die
from tests.chaos.schedule import CUTS, SIDES, Fault
from tests.chaos.tampering import poison, rebalance
from tests.faults.proxy import Proxy


def killed(field: Field, fault: Fault) -> float:
    """SIGKILL, and a new process at once."""
    field.stack.bury(fault.service)
    over = time.monotonic()
    field.stack.start_service(fault.service)
    return over


def restarted(field: Field, fault: Fault) -> float:
    """SIGTERM: it drains; then a new process."""
    field.stack.terminate(fault.service)
    over = time.monotonic()
    field.stack.start_service(fault.service)
    return over


def rolling_restart(field: Field, _: Fault) -> float:
    """Each service in turn, the next when the one before is ready."""
    for service in field.services:
        field.stack.terminate(service)
        field.stack.start_service(service)
    return time.monotonic()


def failpoint(name: str) -> Callable[[Field, Fault], float]:
    """The service is started anew with the failpoint, and dies there; awards is passed seldom."""

    def happen(field: Field, fault: Fault) -> float:
        stack, service = field.stack, fault.service
        said = stack.reached(service, name)
        stack.bury(service)
        nth = 1 if service == "awards" else fault.nth
        stack.start_armed(service, f"{name}:{nth}")
        return _dead_and_started_again(field, fault, name, said)

    return happen


def during_shutdown(field: Field, fault: Fault) -> float:
    """It dies while it drains."""
    stack, service = field.stack, fault.service
    said = stack.reached(service, "during-shutdown")
    stack.bury(service)
    stack.start_armed(service, "during-shutdown")
    stack.await_ready(service)
    stack.signal(service, signal.SIGTERM)
    return _dead_and_started_again(field, fault, "during-shutdown", said)


def inside_parking(field: Field, fault: Fault) -> float:
    """It dies while it sets a poisoned event aside; afterwards the event is parked and retried."""
    stack, service = field.stack, fault.service
    said = stack.reached(service, "inside-parking")
    stack.bury(service)
    stack.start_armed(service, "inside-parking")

    def dead() -> None:
        stack.await_death(service, "inside-parking", said, meanwhile=lambda: None)
        stack.bury(service)
        stack.start_service(service)

    return poison(field, fault, before_it_parks=dead)


def _dead_and_started_again(field: Field, fault: Fault, name: str, said: int) -> float:
    stir = partial(field.load.stir, fault.service, to_publish=True)
    field.stack.await_death(fault.service, name, said, meanwhile=stir)
    over = time.monotonic()
    field.stack.bury(fault.service)
    field.stack.start_service(fault.service)
    return over


def cut(side: str, how: str) -> Callable[[Field, Fault], float]:
    """The service's own way to the broker or to the database is harmed for a while."""

    def happen(field: Field, fault: Fault) -> float:
        proxy = _proxy(field, side, fault.service)
        if not proxy.connections:
            raise DidNotHappen(f"{fault.service} has no connection to the {side}")
        harms: Mapping[str, Callable[[], None]] = {
            "reset": proxy.reset,
            "refuse": proxy.refuse,
            "black-hole": proxy.black_hole,
            "slow": lambda: proxy.slow(0.1),
            "half-open": proxy.half_open,
        }
        harms[how]()
        if how != "reset":
            time.sleep(fault.seconds)
            proxy.heal()
        return time.monotonic()

    return happen


def _proxy(field: Field, side: str, service: str) -> Proxy:
    doors = field.stack.faults
    return doors.kafka[service] if side == "broker" else doors.postgres[service]


def backends_terminated(field: Field, fault: Fault) -> float:
    """The database server ends every session of the service."""
    query = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = $1 AND usename = $1"
    )
    if not field.databases.value("postgres", query, fault.service):
        raise DidNotHappen(f"{fault.service} had no session")
    return time.monotonic()


def infrastructure_killed(*names: str) -> Callable[[Field, Fault], float]:
    """SIGKILL to broker or database server, or both; they stay away for a while."""

    def happen(field: Field, fault: Fault) -> float:
        for name in names:
            field.stack.kill(name)
        time.sleep(fault.seconds)
        for name in names:
            field.stack.start_service(name)
        return time.monotonic()

    return happen


FAULTS: dict[str, Callable[[Field, Fault], float]] = {
    "killed": killed,
    "restarted": restarted,
    **{
        f"failpoint-{name}": failpoint(name)
        for name in (
            "mid-batch",
            "committed-before-offsets",
            "claimed-before-send",
            "acknowledged-before-delete",
        )
    },
    "failpoint-inside-parking": inside_parking,
    "failpoint-during-shutdown": during_shutdown,
    "failpoint-during-migration": migrate_and_die,
    **{f"{side}-{how}": cut(side, how) for side in SIDES for how in CUTS},
    "backends-terminated": backends_terminated,
    "rebalance": rebalance,
    "poison": poison,
    "rolling-restart": rolling_restart,
    "broker-killed": infrastructure_killed("kafka"),
    "database-killed": infrastructure_killed("postgres"),
    "both-killed": infrastructure_killed("kafka", "postgres"),
}


def services_of(field: Field, fault: Fault) -> tuple[str, ...]:
    return (fault.service,) if fault.service else tuple(field.services)


def bring_about(field: Field, fault: Fault) -> float:
    """Let a fault happen and wait until all that it concerns get on; returns seconds.

    Recovery is from the fault's end to the first new effect of the service that takes longest.
    What was killed is started again at once, so there it includes the start of a new process.
    """
    services = services_of(field, fault)
    with contextlib.ExitStack() as held:
        for service in services:
            held.enter_context(field.locks[service])
        over = FAULTS[fault.kind](field, fault)
        before = {service: field.applied_when_it_answers(service) for service in services}
        moments = [field.await_effect(service, before[service]) for service in services]
        for service in services:
            if field.stack.died(service):
                raise DidNotHappen(f"{service} is gone after {fault.kind}")
    return max(moments) - over
