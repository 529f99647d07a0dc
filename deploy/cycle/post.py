"""What the sample publishers send: good reports, and every kind of bad record."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid5

from deploy.cycle.year import PERIOD, Year, report_id

Record = Mapping[str, Any]

UNKNOWN = "to-chuc-la"
NOT_GRANTED = "tdp-01"


def _id(name: str) -> str:
    return str(uuid5(report_id("publisher"), name))


def good(year: Year, code: str, *, suffix: str = "") -> dict[str, Any]:
    """One report as a publisher sends it."""
    ward = year.ward.movement.ward.code
    return {"id": _id(f"{code}{suffix}"), "key": f"{ward}/{code}", "data": year.report(code)}


def mail_bag(year: Year) -> Sequence[Record]:
    """e-office's reports, with bad ones in front of a good one of the same key.

    The first participant's key gets an unreadable record, a wrong field and another key's body;
    then its good report, the same again, and another body under the same id.
    """
    first, *others = [p.code for p in year.by_kafka]
    key = f"{year.ward.movement.ward.code}/{first}"
    report = year.report(first)
    wrong = {**report, "items": [{**report["items"][0], "self_score": 38.5}]}
    return [
        {"id": _id("unreadable"), "key": key, "raw": "đây không phải JSON {"},
        {"id": _id("wrong-field"), "key": key, "data": wrong},
        {"id": _id("other-key"), "key": key, "data": year.report(others[0])},
        {"id": _id("wrong-period"), "key": key, "data": {**report, "period": "2024-annual"}},
        good(year, first),
        good(year, first),
        {"id": _id(first), "key": key, "data": {**report, "difficulties": "Nội dung khác."}},
        {**good(year, first), "id": _id("unknown"), **_unknown(year, report)},
        *[good(year, code) for code in others],
    ]


def _unknown(year: Year, report: Mapping[str, Any]) -> Record:
    ward = year.ward.movement.ward.code
    return {"key": f"{ward}/{UNKNOWN}", "data": {**report, "participant": UNKNOWN}}


def trial_bag(year: Year) -> Sequence[Record]:
    """The trial publisher reports for somebody whom it was not granted."""
    return [{**good(year, NOT_GRANTED, suffix="/trial"), "data": year.report(NOT_GRANTED)}]


def late_bag(year: Year, codes: Sequence[str]) -> Sequence[Record]:
    """Good reports that come after the deadline."""
    return [good(year, code) for code in codes]


__all__ = ["NOT_GRANTED", "PERIOD", "UNKNOWN", "good", "late_bag", "mail_bag", "trial_bag"]
