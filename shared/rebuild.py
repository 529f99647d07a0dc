"""`python -m services.<name> rebuild …`: what operators do about a projection that went wrong."""

import argparse
import sys
from collections.abc import Callable

from shared.messaging.consumer import Consumer, Projection
from shared.messaging.errors import Transient
from shared.messaging.rebuild import Rebuild, RebuildFailed

EXIT_REFUSED = 4


def add_command(parsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command line of `rebuild`."""
    parser = parsers.add_parser("rebuild", help="make tables anew from the kept topics")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("projection", nargs="?", help="its name; see --list")
    which.add_argument("--list", action="store_true", help="what can be rebuilt, one a line")


async def run_command(
    consumer: Consumer, rebuild_of: Callable[[Projection], Rebuild], arguments: argparse.Namespace
) -> int:
    """Do what the command line says; returns the exit code."""
    if arguments.list:
        for projection in consumer.projections.values():
            tables = " ".join(table.name for table in projection.tables)
            _write("\t".join((projection.name, tables, " ".join(projection.topics))))
        return 0
    found = consumer.projections.get(arguments.projection)
    if found is None:
        sys.stderr.write(f"there is no projection {arguments.projection}; see rebuild --list\n")
        return EXIT_REFUSED
    try:
        rebuilt = await rebuild_of(found).run()
    except RebuildFailed as error:
        sys.stderr.write(f"nothing was changed: {error}\n")
        return EXIT_REFUSED
    except Transient as error:
        sys.stderr.write(f"interrupted, nothing was changed, run it again: {error}\n")
        return EXIT_REFUSED
    _write(f"events: {rebuilt.events}")
    _write(f"left out as parked: {rebuilt.left_out}")
    changed = rebuilt.changed
    rows = f"{changed.added} added, {changed.corrected} corrected, {changed.removed} removed"
    _write(f"rows: {rows}")
    return 0


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
