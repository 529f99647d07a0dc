"""How Python looks for garbage in a service."""

import gc

THRESHOLD = 20_000
"""New objects before the youngest are gone through: more than a batch makes (some ten thousand),
few enough that requests do not wait long for a search."""


def settle() -> None:
    """What is loaded by now lives as long as the process: never go through it again.

    A batch's objects die together with it, by their reference counts. With Python's threshold of
    700 each batch set off dozens of searches, a sixth of the consumer's CPU (`make bench`).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(THRESHOLD)
