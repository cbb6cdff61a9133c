"""The judgement of what is kept about patrons themselves: contact data, notes, absences, blocks."""

from typing import TYPE_CHECKING

from tests.proving.oracle.bench import Bench

if TYPE_CHECKING:
    from tests.proving.oracle.observation import DatedRow


def judge_patrons(bench: Bench) -> None:
    """Judge that every patron is as told, with the present contact data, and that old data is nowhere (R8-R11)."""
    seen = bench.seen
    for patron in bench.life.patrons.values():
        row = seen.patrons.get(patron.patron_id)
        bench.judgement.judged += 1
        if row is None:
            bench.find("wrong", patron.agency, "patron", patron.patron_id, "is gone")
            continue
        expected = {"group": patron.group, "home_branch": patron.home_branch, "language": patron.language}
        bench.compare("patron", patron.patron_id, patron.agency, expected, row)
        found = seen.contacts.get(patron.patron_id, frozenset())
        if missing := len(patron.contacts - found):
            bench.find("wrong", patron.agency, "contact", patron.patron_id, f"{missing} present values are missing")
        if unknown := len(found - patron.contacts):
            bench.find(
                "wrong", patron.agency, "contact", patron.patron_id, f"{unknown} values that are not present ones"
            )
    for value, patron_id in bench.life.old_values.items():
        bench.judgement.judged += 1
        if places := seen.traces.get(value):
            agency = bench.life.patrons[patron_id].agency
            where = ", ".join(sorted(places))
            bench.find("wrong", agency, "contact", patron_id, f"an old value is still written in {where}")


def judge_dated(bench: Bench) -> None:
    """Judge notes, absences and lifted blocks by their periods (R13-R15, R22, R23)."""
    tables = {
        "internal-note": bench.seen.notes,
        "patron-note": bench.seen.notes,
        "absence": bench.seen.absences,
        "lifted-block": bench.seen.blocks,
    }
    for (record_class, record_id), dated in bench.life.dated.items():
        row: DatedRow | None = tables[record_class].get(record_id)
        kept = bench.judge(record_class, record_id, dated.agency, dated.fate, is_there=row is not None)
        if kept and row is not None:
            bench.compare(
                record_class, record_id, dated.agency, {"patron_id": dated.patron_id, "kind": dated.kind}, row
            )
