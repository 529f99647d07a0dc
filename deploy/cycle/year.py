"""The year 2025 of the sample ward as data: who does what when. Nothing here is random."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID, uuid5

from deploy.wards.models import Participant, Ward
from shared.calendar import WARD_ZONE

PLAN_PERIOD = "2025-plan"
PERIOD = "2025-annual"
NEXT_PERIOD = "2026-annual"
_NAMESPACE = UUID("c0a6a1ce-3b57-5f0c-8a44-6a7b6f1f2025")

NEVER_REPORT = frozenset({"tdp-21", "tdp-22", "doanh-nghiep-7", "doanh-nghiep-8"})
LATE_BY_HTTP = ("tdp-19",)
LATE_BY_KAFKA = ("tdp-20", "hoi-nong-dan")
RETURNED = "thcs-2"
LATE_PLANS = ("tdp-17", "tdp-18")


def at(text: str) -> datetime:
    """A moment of the ward's clock: `at("2025-12-09 23:30")`."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=WARD_ZONE)


def stable(name: str, modulus: int) -> int:
    """A number below `modulus` that is always the same for a name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) % modulus


def report_id(participant: str, period: str = PERIOD) -> UUID:
    return uuid5(_NAMESPACE, f"report/{period}/{participant}")


@dataclass(frozen=True)
class Year:
    """What the sample ward's people and systems do in 2025."""

    ward: Ward

    @cached_property
    def participants(self) -> Mapping[str, Participant]:
        return {one.code: one for one in self.ward.participants}

    @cached_property
    def planners(self) -> Sequence[Participant]:
        """Those who issue a plan of their own: asked for it, in the plan's order."""
        asked = [p for p in self.ward.participants if p.manner in {"owes", "invited"}]
        return [p for p in asked if p.code not in LATE_PLANS]

    @cached_property
    def by_kafka(self) -> Sequence[Participant]:
        """Offices, health stations and a part of the neighbourhood groups use e-office."""
        kinds = {"office", "centre", "armed-force", "health-station"}
        chosen = [p for p in self.ward.participants if p.kind in kinds]
        groups = [f"tdp-{number:02}" for number in range(1, 11)]
        return [p for p in chosen if not self._special(p)] + [
            self.participants[code] for code in groups
        ]

    @cached_property
    def by_http(self) -> Sequence[Participant]:
        """All the others who report on time, individuals by their units."""
        elsewhere = {p.code for p in self.by_kafka}
        return [
            p for p in self.ward.participants if p.code not in elsewhere and not self._special(p)
        ]

    def _special(self, participant: Participant) -> bool:
        return participant.code in {*NEVER_REPORT, *LATE_BY_HTTP, *LATE_BY_KAFKA, RETURNED}

    def sender(self, participant: Participant) -> str:
        """Who sends the report: the participant's reporter, or its proposing unit's."""
        unit = participant.proposed_by or participant.code
        return self.participants[unit].reporter.person

    def criteria(self, participant: Participant) -> list[tuple[str, Decimal]]:
        """The codes and highest points of the criteria that apply to a participant."""
        group = next(g for g in self.ward.movement.groups if g.code == participant.group)
        codes = {criterion.code for criterion in group.criteria_for(participant.kind)}
        sheet = next(g for g in self.ward.sheet.groups if g.code == participant.group)
        return [(c.code, c.max_points) for c in sheet.criteria if c.code in codes]

    def report(self, code: str, *, period: str = PERIOD, revision: int = 1) -> dict[str, Any]:
        """A complete report; the first version of the returned one lacks its first narrative."""
        participant = self.participants[code]
        complete = code != RETURNED or revision > 1
        nominations = [
            {
                "subject": one.name,
                "form": "giay-khen",
                "reason": "Có sáng kiến số hóa được áp dụng tại đơn vị.",
            }
            for one in self.ward.participants
            if one.proposed_by == code
        ]
        return {
            "ward": self.ward.movement.ward.code,
            "participant": code,
            "period": period,
            "report_id": str(report_id(code, period)),
            "revision": revision,
            "form_version": 1,
            "submitted_at": f"{period[:4]}-12-01T08:00:00+07:00",
            "contents": [
                {"content": content.number, "text": f"Đã triển khai: {content.short_title}."}
                for content in self.ward.movement.contents
            ],
            "items": [
                self._item(code, criterion, most, complete=complete or place > 0)
                for place, (criterion, most) in enumerate(self.criteria(participant))
            ],
            "indicators": [{"code": "online-procedure-rate", "value": "0.93"}],
            "role_models": [],
            "nominations": nominations,
            "difficulties": "Thiết bị còn thiếu so với nhu cầu.",
        }

    def _item(self, code: str, criterion: str, most: Decimal, *, complete: bool) -> dict[str, Any]:
        if criterion == "a4" and self.participants[code].kind == "school":
            return {"criterion": criterion, "self_score": None, "not_applicable": True}
        score = most * (100 - stable(f"{code}/{criterion}", 22)) / 100
        return {
            "criterion": criterion,
            "self_score": str(score.quantize(Decimal("0.1"))),
            "narrative": "Đã hoàn thành các nhiệm vụ được giao, có minh chứng." if complete else "",
            "evidence": [{"title": "Báo cáo số liệu", "url": "https://van-ban.example/minh-chung"}]
            if complete
            else [],
        }

    def marks(self, code: str) -> list[dict[str, str]]:
        """What assessors verify: up to a tenth less than the unit claimed."""
        verified = []
        for item in self.report(code, revision=2)["items"]:
            if item.get("self_score") is None:
                continue
            cut = stable(f"verified/{code}/{item['criterion']}", 10)
            points = Decimal(item["self_score"]) * (100 - cut) / 100
            verified.append(
                {
                    "criterion": item["criterion"],
                    "points": str(points.quantize(Decimal("0.1"))),
                    "reason": "Đã đối chiếu minh chứng.",
                }
            )
        return verified

    def assessor(self, code: str) -> str:
        """An assessor who belongs neither to the participant nor to its proposing unit."""
        own = {code, self.participants[code].proposed_by}
        able = [p for p in self.ward.people if "assessor" in p.roles and p.unit not in own]
        return able[stable(f"assessor/{code}", len(able))].person
