"""A small set for `make run`: all works at all four libraries, a handful of patrons with known PINs, an account per role."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from embedded.development import default_agencies
from glem_retention.agencies import load_agencies
from tests.proving.demo.accounts import enrol, hire
from tests.proving.demo.catalogue import buy, import_catalogue, shipped_works
from tests.proving.demo.houses import Library, read_libraries
from tests.proving.demo.people import Person, invent
from tests.proving.demo.suite_client import SuiteClient

SEED = 1
PATRONS = 8
SECRET = "glem-udvikling"
PIN = "1234"


@dataclass(frozen=True)
class LibraryLogins:
    """Who can log in at one library."""

    library: Library
    patrons: Sequence[Person]


@dataclass(frozen=True)
class Logins:
    """How to log in to a suite that was seeded."""

    administrator: Mapping[str, str]
    libraries: Sequence[LibraryLogins]

    def show(self, console: Console, url: str) -> None:
        """Print a table of them, and how to use one."""
        table = Table(title=f"Log-ins at {url}", title_justify="left")
        for name in ("Library", "Agency", "Role", "User", "Secret or PIN"):
            table.add_column(name, overflow="fold")
        for at in self.libraries:
            name, isil = at.library.name, at.library.isil
            table.add_row(name, isil, "administrator", self.administrator["user"], self.administrator["password"])
            table.add_row("", "", "librarian", "librarian", SECRET)
            table.add_row("", "", "data protection officer", "dpo", SECRET)
            table.add_row("", "", "automat (client)", f"automat-{at.library.house.branches[0]}", SECRET)
            for person in at.patrons[:3]:
                table.add_row("", "", f"patron ({person.group})", person.card, person.pin)
            table.add_section()
        console.print(table)
        isil, card = self.libraries[0].library.isil, self.libraries[0].patrons[0].card
        console.print(
            f"curl {url}/patron-api/oauth/token -d grant_type=password -d agency={isil} -d username={card} -d password={PIN}",
            soft_wrap=True,
            highlight=False,
        )


async def seed_small(url: str, administrator: Mapping[str, str]) -> Logins:
    """Fill the suite at `url` for trying it out; what is there already stays as it is."""
    libraries = read_libraries(load_agencies(default_agencies()))
    async with SuiteClient(url) as api:
        found = await asyncio.gather(*(_seed(api, library, administrator) for library in libraries))
    return Logins(
        administrator, [LibraryLogins(library, people) for library, people in zip(libraries, found, strict=True)]
    )


async def _seed(api: SuiteClient, library: Library, administrator: Mapping[str, str]) -> list[Person]:
    staff = await hire(api, library, administrator, SECRET)
    if not await api.must(staff.administrator, "GET", "/loan-api/works?limit=1"):
        works = shipped_works()
        await import_catalogue(api, staff.administrator, works, buy(library, works, SEED))
    now = datetime.fromisoformat((await api.client.get("/clock")).json()["now"])
    people = _people(library, now)
    await enrol(api, staff.librarian, library, people, now.date())
    return people


def _people(library: Library, now: datetime) -> list[Person]:
    """Return people of different groups, the same at every start, whose PIN is known."""
    born_before = datetime(2026, 1, 1, tzinfo=UTC).date()
    crowd = invent(library.house, 40, min(born_before, now.date()), SEED)
    groups = ("adult", "adult", "adult", "child", "child", "institution", "homebound", "adult")
    chosen: list[Person] = []
    for group in groups[:PATRONS]:
        taken = {person.number for person in chosen}
        person = next(person for person in crowd if person.group == group and person.number not in taken)
        chosen.append(replace(person, pin=PIN))
    return chosen
