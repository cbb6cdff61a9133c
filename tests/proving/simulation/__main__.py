"""`python -m tests.proving.simulation`: the long form, with a bar of how far it is."""

import asyncio
import logging
import secrets
import sys
from datetime import timedelta
from typing import Annotated

import structlog
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from glem_local.postgres import temporary_postgres
from tests.proving.simulation.run import Outcome, Plan, simulate

FINDINGS_SHOWN = 20
PLAIN_TICKS = 20


def main(
    lives: Annotated[int, typer.Option(help="How many loans are lived.")] = 1_000_000,
    seed: Annotated[int | None, typer.Option(help="The seed of an earlier run, to live it again.")] = None,
    by_hand: Annotated[float, typer.Option(help="The share of lives whose every act is a whole action.")] = 0.05,
    days: Annotated[int, typer.Option(help="Within how many days lives begin.")] = 240,
) -> None:
    """Live many loan lives on real SQL among failures of every kind, and have the oracle judge them."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    plan = Plan(lives, secrets.randbelow(2**32) if seed is None else seed, by_hand, days)
    console = Console()
    console.print(f"{plan.lives:,} lives within {plan.days} days · --seed {plan.seed}", highlight=False)
    outcome = asyncio.run(_play(plan, console))
    _report(outcome, console)
    sys.exit(1 if outcome.findings else 0)


async def _play(plan: Plan, console: Console) -> Outcome:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("lives · {task.fields[figures]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("simulated", total=plan.lives, figures="")

        def show(outcome: Outcome, tick: int) -> None:
            rate = outcome.lives / outcome.seconds
            late = outcome.longest / timedelta(days=1)
            figures = f"{outcome.erased:,} erased · latest {late:.1f} d · {len(outcome.findings)} findings · {rate:,.0f} lives/s"
            bar.update(task, completed=outcome.lives, figures=figures)
            if not console.is_terminal and tick % PLAIN_TICKS == 0:
                console.print(f"day {tick} of {plan.ticks}: {outcome.lives:,} lives · {figures}", highlight=False)

        async with temporary_postgres() as server:
            for name in ("lending", "retention"):
                await server.create_database(name)
            return await simulate([server.url("lending"), server.url("retention")], plan, show)


def _report(outcome: Outcome, console: Console) -> None:
    acts = ", ".join(f"{count:,} {act}" for act, count in outcome.acts.most_common())
    sent = ", ".join(f"{count:,} {what}" for what, count in outcome.sent.most_common())
    for line in (
        f"{outcome.lives:,} lives in {outcome.seconds:,.0f} s: {outcome.lives / outcome.seconds:,.0f} lives/s, {outcome.left:,} of them still kept",
        f"acts: {acts}",
        f"events: {sent}; {outcome.lost_answers:,} answers lost",
        f"gone: {outcome.erased:,}, {outcome.found_by_audit:,} found by the audit alone; after their due time by {outcome.median} (median), {outcome.longest} (longest)",
        f"judged: {outcome.sightings:,} sightings, {len(outcome.findings)} findings (early {outcome.count('early')}, missed {outcome.count('missed')}, wrong {outcome.count('wrong')})",
    ):
        console.print(line, highlight=False)
    for finding in outcome.findings[:FINDINGS_SHOWN]:
        console.print(f"  {finding}", highlight=False)
        for act in outcome.story_of(finding):
            console.print(f"      {act}", highlight=False)
    if outcome.findings:
        console.print(f"live it again: --lives {outcome.plan.lives} --seed {outcome.plan.seed}", highlight=False)


if __name__ == "__main__":
    typer.run(main)
