"""How a domain says no."""


class Refusal(Exception):
    """A rule forbids it.

    `name` is stable and machine-readable (kebab-case); `detail` says why, in Vietnamese, to a
    civil servant; `pointer` is the JSON pointer of the field at fault, or "".
    """

    def __init__(self, name: str, detail: str, pointer: str = "") -> None:
        super().__init__(f"{name}: {detail}")
        self.name = name
        self.detail = detail
        self.pointer = pointer
