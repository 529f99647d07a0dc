"""``python -m deploy.wards check <folder>``: are a ward's files fit for use?"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.wards.loader import WardFileError, load_ward
from deploy.wards.models import Ward


def summary(ward: Ward) -> str:
    """What the files hold, in lines for a person."""
    movement = ward.movement
    criteria = sum(len(group.criteria) for group in movement.groups)
    plan = movement.plan
    number = f"số {plan.number}, ngày {plan.issued_on}" if plan.citable else "chưa ghi số và ngày"
    lines = [
        f"{movement.ward.name}: {movement.title}",
        f"  Kế hoạch: {number}",
        f"  {len(movement.contents)} nội dung, {len(movement.groups)} nhóm, {criteria} tiêu chí, "
        f"{len(movement.final_forms)} hình thức khen thưởng, {len(movement.phases)} giai đoạn",
        f"  Bảng điểm bản {ward.sheet.version}: {ward.sheet.status_text}",
        f"  {len(ward.participants)} đơn vị và cá nhân trong {len(ward.blocks)} khối, "
        f"{len(ward.people)} người làm việc, {len(ward.publishers)} bên gửi",
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 with a summary, or 1 with every problem on a line of its own."""
    parser = argparse.ArgumentParser(prog="python -m deploy.wards", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="read a ward's folder and report what is wrong")
    check.add_argument("folder", type=Path)
    folder: Path = parser.parse_args(arguments).folder
    try:
        ward = load_ward(folder)
    except WardFileError as error:
        print(error)
        print(f"{folder}: {len(error.problems)} lỗi")
        return 1
    print(summary(ward))
    return 0


if __name__ == "__main__":
    sys.exit(main())
