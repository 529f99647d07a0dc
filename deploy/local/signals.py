"""Signals that ask a whole stack to stop."""

import signal
from types import FrameType
from typing import NoReturn


class StopRequestedError(BaseException):
    """SIGINT or SIGTERM came; not an Exception, so that nothing on the way swallows it."""


def stop_on_signals() -> None:
    """Turn the first SIGINT, SIGTERM or SIGHUP into StopRequestedError; later ones do nothing."""

    def requested(number: int, _: FrameType | None) -> NoReturn:
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        raise StopRequestedError(signal.Signals(number).name)

    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, requested)
