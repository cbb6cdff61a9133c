"""The bench still runs: every measurement, tiny. No time is asserted."""

import pytest

from benchmarks.__main__ import MEASUREMENTS
from benchmarks.place import place
from benchmarks.table import show


@pytest.fixture(scope="module")
async def here():
    async with place(rounds=1, share=0.01) as tiny:
        yield tiny


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(MEASUREMENTS))
async def test_a_measurement_runs_to_its_end(here, name, capsys):
    rows = await MEASUREMENTS[name](here)

    show(rows, here.rounds)
    printed = capsys.readouterr().out
    assert rows
    for row in rows:
        assert f"| {row.what} | {row.ours} |" in printed
