"""Measure Glem beside the plainest programs that do the same work: `python -m benchmarks [--rounds 3] [--only desk]`."""

import argparse
import logging
import time
from collections.abc import Awaitable, Callable, Collection

import structlog
import uvloop

from benchmarks import desk, erasure, events, preview, proofs, timed
from benchmarks.place import Place, place
from benchmarks.table import Row, show
from glem.service import spare_collector

MEASUREMENTS: dict[str, Callable[[Place], Awaitable[list[Row]]]] = {
    "desk": desk.measure,
    "events": events.measure,
    "erasure": erasure.measure,
    "timed": timed.measure,
    "preview": preview.measure,
    "proofs": proofs.measure,
}


async def run(rounds: int, only: Collection[str], share: float = 1.0) -> list[Row]:
    """Measure what `only` names, or everything, one after the other, at `share` of the full size."""
    rows = []
    async with place(rounds, share) as here:
        for name, measure in MEASUREMENTS.items():
            if not only or name in only:
                started = time.monotonic()
                rows += await measure(here)
                print(f"{name}: {time.monotonic() - started:.0f} s", flush=True)
    return rows


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of each measurement; the median counts")
    parser.add_argument("--only", action="append", default=[], choices=sorted(MEASUREMENTS))
    wanted = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    spare_collector()
    show(uvloop.run(run(wanted.rounds, wanted.only)), wanted.rounds)


if __name__ == "__main__":
    main()
