"""The end of the demo: a table per library, what the oracle says, and how long things took."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from statistics import median

from rich.console import Console
from rich.table import Table

from tests.proving.demo.life import Pace
from tests.proving.demo.scene import Scene, Town
from tests.proving.oracle import Judgement, Observation

LISTED = 10
CLASSES = (
    "loan",
    "debt",
    "message-body",
    "reservation",
    "contact",
    "absence",
    "internal-note",
    "patron-note",
    "lifted-block",
)


def show_report(console: Console, scene: Scene, seen: Observation, judgement: Judgement, pace: Pace) -> None:
    """Print all of it."""
    console.print(_lives(scene.towns, seen))
    console.print(_erasures(scene.towns, seen, judgement))
    console.print(
        f"From a step of the clock until all that it made due was done: {median(pace.settling) * 1000:.0f} ms in the median,"
        f" {max(pace.settling) * 1000:.0f} ms at most.",
        highlight=False,
    )
    if scene.api.refusals:
        named = ", ".join(f"{name} {count}" for name, count in scene.api.refusals.most_common())
        console.print(f"{scene.api.requests:,} requests; refused, as they should be: {named}.", highlight=False)
    _judge(console, judgement)


def _lives(towns: Sequence[Town], seen: Observation) -> Table:
    table = Table(title="What happened", title_justify="left")
    table.add_column("")
    rows: dict[str, list[str]] = {}
    channels = Counter((row.agency, row.channel, row.state) for row in seen.messages.values())
    bound = Counter(row.agency for row in seen.loans.values() if row.returned_at is None)
    waiting = Counter(row.agency for row in seen.reservations.values())
    owing = Counter(row.agency for row in seen.debts.values() if row.balance > 0)
    for town in towns:
        table.add_column(town.library.name, justify="right")
        tally, isil = town.tally, town.agency
        cells = {
            "patrons": f"{len(town.patron_ids):,}",
            "loans": f"{tally.loans:,}",
            "open now": f"{bound[isil]:,}",
            "debts raised": f"{tally.raised:,} ({_kroner(tally.raised_amount)})",
            "paid": _kroner(tally.paid),
            "waived": _kroner(tally.waived),
            "still owing": f"{owing[isil]:,}",
            "sent by e-mail": f"{channels[isil, 'email', 'sent']:,}",
            "sent by SMS": f"{channels[isil, 'sms', 'sent']:,}",
            "not permitted": f"{sum(n for (a, _, state), n in channels.items() if a == isil and state == 'suppressed'):,}",
            "reservations": f"{tally.reservations:,}",
            "fetched": f"{tally.fulfilled:,}",
            "cancelled": f"{tally.cancelled:,}",
            "expired": f"{tally.reservations - tally.fulfilled - tally.cancelled - waiting[isil]:,}",
            "still waiting": f"{waiting[isil]:,}",
        }
        for name, cell in cells.items():
            rows.setdefault(name, []).append(cell)
    for name, row in rows.items():
        table.add_row(name, *row)
    return table


def _erasures(towns: Sequence[Town], seen: Observation, judgement: Judgement) -> Table:
    table = Table(title="What was forgotten, by the register", title_justify="left")
    table.add_column("")
    gone: Mapping[tuple[str, str], int] = Counter((line.agency, line.record_class) for line in seen.register)
    for town in towns:
        table.add_column(town.library.name, justify="right")
    for record_class in CLASSES:
        table.add_row(record_class, *(f"{gone[town.agency, record_class]:,}" for town in towns))
    table.add_section()
    lateness = [judgement.gone_late(town.agency) for town in towns]
    table.add_row("after due, median", *(_minutes(late.median) for late in lateness))
    table.add_row("after due, longest", *(_minutes(late.longest) for late in lateness))
    table.add_section()
    for kind, name in (("early", "erased early"), ("missed", "missed"), ("wrong", "wrongly touched")):
        found = Counter(finding.agency for finding in judgement.findings if finding.kind == kind)
        table.add_row(name, *(f"[{'red' if found[t.agency] else 'green'}]{found[t.agency]}[/]" for t in towns))
    return table


def _judge(console: Console, judgement: Judgement) -> None:
    counts = {kind: len(judgement.of_kind(kind)) for kind in ("early", "missed", "wrong")}
    colour = "green" if judgement.is_clean else "red"
    console.print(
        f"[{colour}]The oracle judged {judgement.judged:,} records: {counts['early']} erased early,"
        f" {counts['missed']} missed, {counts['wrong']} wrongly touched.[/]",
        highlight=False,
    )
    for finding in judgement.findings[:LISTED]:
        console.print(f"  {finding}", highlight=False, markup=False)
    if len(judgement.findings) > LISTED:
        console.print(f"  … and {len(judgement.findings) - LISTED} more.", highlight=False)


def _kroner(amount: int) -> str:
    return f"{amount / 100:,.0f} kr."


def _minutes(time: timedelta) -> str:
    return f"{time.total_seconds() / 60:.0f} min"
