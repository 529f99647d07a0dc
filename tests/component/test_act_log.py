"""The log of official acts in the database: one chain, however many write at once."""

import asyncio

import pytest
import sqlalchemy as sa

from shared.messaging.tables import act
from shared.records import Act, commit_to, first_break, record_act
from tests.component.kernel_bench import Bench

pytestmark = pytest.mark.component


async def acts_of(bench: Bench) -> list[Act]:
    columns = [act.c[name] for name in Act.__dataclass_fields__]
    return [Act(*row) for row in await bench.rows(*columns)]


async def decide(bench: Bench, number: int, *, fails: bool = False) -> None:
    async with bench.works.begin(f"tu-minh/{number}") as work:
        await record_act(work, "decided", f"d-{number}", "chairman", {"number": number})
        if fails:
            raise LookupError("after the act")


async def test_acts_that_are_recorded_at_once_form_one_chain(bench: Bench) -> None:
    work = [decide(bench, number, fails=number == 3) for number in range(8)]
    ends = await asyncio.gather(*work, return_exceptions=True)
    assert [type(end) for end in ends if end is not None] == [LookupError]
    acts = await acts_of(bench)
    assert {entry.subject for entry in acts} == {f"d-{n}" for n in range(8) if n != 3}
    assert first_break(acts) is None


async def test_the_salt_opens_the_commitment_and_its_erasure_keeps_the_chain(bench: Bench) -> None:
    await decide(bench, 1)
    await decide(bench, 2)
    async with bench.engine.begin() as connection:
        row = (await connection.execute(sa.select(act).where(act.c.subject == "d-1"))).one()
        assert row.commitment == commit_to({"number": 1}, row.salt)
        await connection.execute(sa.update(act).values(salt=None))
    assert first_break(await acts_of(bench)) is None


async def test_a_change_behind_our_back_is_found(bench: Bench) -> None:
    for number in range(3):
        await decide(bench, number)
    async with bench.engine.begin() as connection:
        forged = sa.update(act).where(act.c.subject == "d-1").values(actor="nobody")
        await connection.execute(forged)
    assert first_break(await acts_of(bench)) == 2
