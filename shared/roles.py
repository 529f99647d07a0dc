"""The roles that somebody can hold in a ward's emulation movement."""

from typing import Literal, get_args

Role = Literal[
    "reporter",
    "head",
    "officer",
    "substitute-officer",
    "assessor",
    "inspector",
    "council",
    "council-secretary",
    "chairman",
    "clerk",
    "communications-officer",
    "operator",
    "auditor",
]
ROLES: tuple[Role, ...] = get_args(Role)
