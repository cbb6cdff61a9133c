"""What the demo must know of the four libraries to live in them, from their files."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from glem_retention.agencies import Agencies
from tests.proving.demo.people import House

SHARES = {"DK-785100": 0.40, "DK-725900": 0.25, "DK-773000": 0.25, "DK-767100": 0.10}
"""Which part of all loans each library makes, roughly by the size of its town."""


@dataclass(frozen=True)
class Library:
    """A library of the demo: whose patrons it invents, how large it is, and how many days groups lend for."""

    isil: str
    name: str
    house: House
    share: float
    loan_days: Mapping[str, int]
    days_by_type: Mapping[str, int]
    may_borrow: Mapping[str, list[str]]

    def days(self, group: str, work_type: str) -> int:
        """Return for how many days `group` borrows such a work."""
        return min(self.loan_days[group], self.days_by_type.get(work_type, 1000))

    def lends(self, group: str, work_type: str) -> bool:
        """Say whether `group` may borrow such a work."""
        return not {"*", work_type}.isdisjoint(self.may_borrow[group])


def read_libraries(agencies: Agencies) -> list[Library]:
    """Return every agency as a library of the demo; one that is not known has an equal share."""
    found = []
    for isil, agency in agencies.items():
        patrons = cast("Mapping[str, Any]", agency.sections["patrons"])
        lending = cast("Mapping[str, Any]", agency.sections["lending"])
        groups: Mapping[str, Mapping[str, Any]] = lending["groups"]
        house = House(
            agency=isil,
            municipality=agency.identity.municipality,
            branches=list(agency.identity.branches),
            languages=patrons["languages"],
            opt_in=patrons["notice_permission"] == "opt-in",
            needs_consent=patrons["minor_consent"] == "required",
        )
        found.append(
            Library(
                isil=isil,
                name=agency.identity.name,
                house=house,
                share=SHARES.get(isil, 1 / len(agencies)),
                loan_days={name: group["loan_days"] for name, group in groups.items()},
                days_by_type=lending.get("loan_days_by_type", {}),
                may_borrow={name: group.get("may_borrow", ["*"]) for name, group in groups.items()},
            )
        )
    return found
