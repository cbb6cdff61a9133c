"""What each library promises, read from its file by plain TOML: only what the oracle judges by."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

DENMARK = ZoneInfo("Europe/Copenhagen")


@dataclass(frozen=True)
class Promises:
    """One library's promises. `periods` by record class; a class that is missing is not erased by time.

    `debts_hold`: "loan" when a debt holds the loans it is for, "patron" when it holds all of the patron's (R35).
    `keeps_amounts`: 30 days after settlement only the material of a debt goes (R52), else the whole record (R53).
    """

    agency: str
    name: str
    debts_hold: str
    keeps_amounts: bool
    periods: Mapping[str, timedelta]


def read_promises(folder: Path) -> dict[str, Promises]:
    """Return the promises of every library with a file in `folder`, by ISIL."""
    found = {}
    for file in sorted(folder.glob("*.toml")):
        content = tomllib.loads(file.read_text(encoding="utf-8"))
        retention = content["retention"]
        isil = content["agency"]["isil"]
        found[isil] = Promises(
            agency=isil,
            name=content["agency"]["name"],
            debts_hold=content["lending"]["fee_scope"],
            keeps_amounts=retention["debt"]["action"] == "redact",
            periods={name: period_of(policy["period"]) for name, policy in retention.items()},
        )
    return found


def period_of(text: str) -> timedelta:
    """Return an ISO 8601 period of whole days, hours or minutes; a day is exactly 24 hours. Raises ValueError for others."""
    match = re.fullmatch(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?", text)
    if match is None or not any(match.groups()):
        message = f"{text!r} is not a period of days, hours and minutes"
        raise ValueError(message)
    days, hours, minutes = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes)


def danish_day(moment: datetime) -> date:
    """Return the day that the calendar in Denmark shows at `moment`."""
    return moment.astimezone(DENMARK).date()


def end_of_danish_day(day: date) -> datetime:
    """Return the midnight that ends `day` in Denmark, in UTC."""
    return datetime.combine(day + timedelta(days=1), time(), DENMARK).astimezone(UTC)


def end_of_accounting_year(moment: datetime) -> datetime:
    """Return the midnight that ends the Danish calendar year of `moment`, in UTC."""
    return end_of_danish_day(date(danish_day(moment).year, 12, 31))
