"""From a letter (what is said) to a mail (what is sent)."""

from services.notify.letters.compose import compose

__all__ = ["compose"]
