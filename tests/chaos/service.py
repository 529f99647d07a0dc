"""`python -m tests.chaos.service <name> serve|migrate|parked …`: a real service under watch.

It is the service itself, with a ledger of what its handlers were given (`ledger`), with poison
(`poison`) and, where `CHAOS_PLANTED` says so, with one planted bug (`planted`).
"""

import asyncio
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from shared.service import Service
from tests.chaos import planted
from tests.chaos.ledger import make_ledger, watch
from tests.chaos.poison import FOLDER, Poison


def main(name: str, arguments: list[str]) -> None:
    service: Service[Any] = import_module(f"services.{name}.app").service
    watch(service.consumer, Poison(Path(os.environ[FOLDER]), name))
    planted.plant(os.environ.get(planted.VARIABLE, ""))
    service.main(arguments)
    if arguments[:1] == ["migrate"]:
        asyncio.run(make_ledger(os.environ["THIDUA_DATABASE_URL"]))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
