"""`python -m deploy.cycle [--once]`: what `make run` does."""

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from deploy.cycle.doors import DoorClosed, Doors
from deploy.cycle.flow import Flow, NotQuiet, WardClock
from deploy.cycle.journal import Journal
from deploy.cycle.play import Player
from deploy.cycle.story import STORY, Stage
from deploy.cycle.summary import look, tell
from deploy.cycle.view import Tail, View
from deploy.cycle.year import Year
from deploy.local.signals import StopRequestedError, stop_on_signals
from deploy.local.stack import Stack, StackError
from deploy.wards.loader import load_ward
from shared.clock import BusinessClock, SystemClock


def player_for(stack: Stack, watcher: View | None = None) -> Player:
    """A player of the sample ward's story on a stack that is up."""
    addresses = stack.addresses
    doors = Doors(
        origin=addresses["http"]["origin"],
        kafka=addresses["kafka"],
        ward=stack.ward.name,
        check=stack.check,
        authority=addresses["authority"],
    )
    folder = stack.state.folder
    stage = Stage(doors, Year(load_ward(stack.ward)), folder / "outgoing")
    flow = Flow(addresses["http"], stack.check)
    clock = WardClock(stack.state.clock)
    journal = Journal(folder / "cycle.json")
    return Player(stage, flow, clock, journal, watcher or _Silent())


class _Silent:
    def begin(self, *_: object) -> None:
        pass

    def end(self, *_: object) -> None:
        pass


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.cycle")
    parser.add_argument("--once", action="store_true", help="stop after the summary")
    parser.add_argument("--https", action="store_true", help="with a certificate of this machine")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    try:
        stop_on_signals()
        with Stack(https=options.https) as stack:
            _play(stack, began)
            if not options.once:
                print("Các dịch vụ đang chạy. Nhấn Ctrl-C để dừng.", flush=True)
                stack.wait()
    except StopRequestedError:
        print("Đã dừng.", flush=True)
    except (StackError, DoorClosed, NotQuiet) as failure:
        print(f"\n{failure}", file=sys.stderr, flush=True)
        return 1
    return 0


def _play(stack: Stack, began: float) -> None:
    addresses = stack.addresses
    with View(Tail(addresses["kafka"]), len(STORY)) as view:
        player = player_for(stack, view)
        with closing(player.stage.doors):
            played = player.play()
            player.flow.wait_until_quiet()
            documents = Path(addresses["documents"])
            outcome = look(player.stage.doors, documents, player.flow.parked())
    if not played:
        print("Diễn biến năm 2025 đã có từ trước; không diễn lại.", flush=True)
    clock = BusinessClock(SystemClock(), stack.state.clock).now()
    print("\n".join(tell(outcome, addresses, clock, time.monotonic() - began)), flush=True)


if __name__ == "__main__":
    sys.exit(main())
