"""What came of the cycle, for whoever started it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from deploy.cycle.doors import Doors
from deploy.cycle.story import OFFICER
from deploy.cycle.year import NEXT_PERIOD, PERIOD
from shared.calendar import vietnamese_time
from shared.web.pages import vietnamese_number


@dataclass(frozen=True, slots=True)
class Outcome:
    """Results by khối, decided awards, mails by status, certificates on disk."""

    blocks: list[dict[str, Any]]
    awards: list[dict[str, Any]]
    mails: Mapping[str, int]
    certificates: list[Path]
    parked: int


def look(doors: Doors, documents: Path, parked: int) -> Outcome:
    """Ask the services, as an officer would."""
    results = _all(doors, f"/scoring/results?period={PERIOD}")
    dossiers = _all(doors, f"/awards/dossiers?period={PERIOD}")
    counts = doors.get("operator", "/notify/counts")
    return Outcome(
        blocks=[
            {"title": title, "results": list(lines)}
            for title, lines in groupby(results, key=itemgetter("block_title"))
        ],
        awards=[dossier for dossier in dossiers if dossier["decision"]],
        mails=counts["by_status"],
        certificates=sorted(documents.rglob("*.pdf")),
        parked=parked,
    )


def _all(doors: Doors, path: str) -> list[dict[str, Any]]:
    """Every item of a list that comes in pages."""
    page = doors.get(OFFICER, path)
    items: list[dict[str, Any]] = page["items"]
    while page["next"]:
        page = doors.get(OFFICER, f"{path}&cursor={page['next']}")
        items += page["items"]
    return items


def tell(
    outcome: Outcome, addresses: Mapping[str, Any], clock: datetime, seconds: float
) -> list[str]:
    """The summary's lines, Vietnamese."""
    lines = ["", "KẾT QUẢ NĂM 2025", ""]
    for block in outcome.blocks:
        ranked = [line for line in block["results"] if line["rank"] is not None]
        lines.append(f"  {block['title']} ({len(ranked)} được xếp hạng)")
        lines += [
            f"    {line['rank']}. {line['name']} – "
            f"{vietnamese_number(Decimal(line['total']))} điểm, {line['grade']}"
            for line in ranked[:3]
        ]
    forms = Counter(award["form_title"] for award in outcome.awards)
    decided = ", ".join(f"{count} {form}" for form, count in forms.items()) or "chưa có"
    mails = ", ".join(f"{status} {count}" for status, count in sorted(outcome.mails.items()))
    origin = addresses["http"]["origin"]
    lines += [
        "",
        f"Khen thưởng đã quyết định: {decided}",
        f"Giấy khen đã in: {len(outcome.certificates)} tệp PDF",
        f"Thư: {mails}",
        f"Sự kiện phải để riêng: {outcome.parked}",
        f"Đồng hồ của phường: {vietnamese_time(clock)} (đang chạy); kỳ {NEXT_PERIOD} đang mở",
        f"Thời gian: {seconds:.1f} s",
        "",
        f"  Trang đầu          {origin}/",
        f"  Việc của tôi       {origin}/notify/",
        f"  Vinh danh          {origin}/notify/honours",
        f"  Bảng báo cáo       {origin}/intake/",
        f"  Chấm điểm          {origin}/scoring/",
        f"  Khen thưởng        {origin}/awards/",
        f"  Thư đã gửi         {origin}/notify/mails",
        f"  Hộp thư thử        {origin}/mail/",
        f"  Giấy khen (PDF)    {addresses['documents']}",
        f"  Thư (.eml)         {addresses['mail']}",
        f"  Kafka              {addresses['kafka']}",
        "",
    ]
    return lines
