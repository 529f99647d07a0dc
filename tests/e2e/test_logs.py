"""What the services write down while a year is played holds nobody's name and nobody's address."""

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.stack import SERVICES
from deploy.local.tokens import sample_people
from deploy.wards.loader import load_ward
from tests.e2e.made import MadeRun
from tests.played import Played

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

WATCHED = (*SERVICES, "proxy")
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")


def lines(*folders: Path) -> Iterator[tuple[str, str]]:
    """Every line that the watched processes wrote, with its file.

    What `admit` says to whoever calls it is no log.
    """
    for folder, name in itertools.product(folders, WATCHED):
        for file in {*folder.glob(f"{name}*.log")} - {*folder.glob("*-admit.log")}:
            for line in file.read_text("utf-8", "replace").splitlines():
                yield file.name, line


def personal(text: str, words: frozenset[str]) -> bool:
    """JSON may escape letters; what it says counts."""
    try:
        told = json.dumps(json.loads(text), ensure_ascii=False)
    except ValueError:
        told = text
    return ADDRESS.search(told) is not None or any(word in told for word in words)


@pytest.fixture(scope="module")
def words(ward: Played) -> frozenset[str]:
    """Ids and names of all sample people, and names of individuals who compete."""
    people = sample_people(ward.stack.ward)
    individuals = [
        one.name
        for one in load_ward(ward.stack.ward).participants
        if one.kind.startswith("individual")
    ]
    return frozenset(
        {*(one.person for one in people if "." in one.person), *(one.name for one in people)}
        | set(individuals)
    )


def test_logs_hold_no_personal_data(made_run: MadeRun, ward: Played, words: frozenset[str]) -> None:
    written = list(lines(made_run.logs, ward.stack.state.logs))
    asked = [line for _, line in written if '"route"' in line]
    assert len(asked) > 100, "the log of requests is looked at"
    assert [pair for pair in written if personal(pair[1], words)] == []


@pytest.mark.parametrize(
    "line",
    [
        '{"message": "mail to thcs-1@tu-minh.example"}',
        json.dumps(
            {"message": "Công chức phụ trách thi đua, khen thưởng - Phòng Văn hóa - Xã hội"}
        ),
        "phong-vhxh.officer signed in",
    ],
)
def test_a_line_with_a_name_or_address_would_be_found(line: str, words: frozenset[str]) -> None:
    assert personal(line, words)
