"""Invented patrons: names, replacement CPR numbers (day + 60), addresses that deliver nowhere. The same seed, the same people."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

FIRST = (
    "Agnes", "Alma", "Anders", "Anna", "Asger", "Astrid", "Birgit", "Bo", "Carla", "Christian", "Clara", "Ditte", "Ebbe",
    "Ella", "Emil", "Erik", "Esther", "Eva", "Finn", "Frida", "Georg", "Gerda", "Hanne", "Henrik", "Holger", "Ida", "Inger",
    "Ivan", "Jakob", "Johanne", "Jonas", "Karen", "Karl", "Kirsten", "Knud", "Laura", "Lise", "Lærke", "Mads", "Magnus",
    "Maja", "Marie", "Mette", "Mikkel", "Niels", "Nora", "Oda", "Ole", "Oskar", "Palle", "Pia", "Rasmus", "Rikke", "Rosa",
    "Sofie", "Søren", "Thea", "Tove", "Ulla", "Viggo", "Vilma", "William", "Øjvind", "Åse",
)  # fmt: skip
LAST = (
    "Andersen", "Bang", "Bech", "Berg", "Bruun", "Christensen", "Dahl", "Eriksen", "Falk", "Frandsen", "Friis", "Gregersen",
    "Hald", "Hansen", "Holm", "Iversen", "Jensen", "Juhl", "Kjær", "Krogh", "Larsen", "Lassen", "Lund", "Madsen", "Mikkelsen",
    "Møller", "Nielsen", "Nygaard", "Olsen", "Overgaard", "Petersen", "Poulsen", "Rask", "Riis", "Schmidt", "Skov", "Svendsen",
    "Thomsen", "Toft", "Vang", "Vestergaard", "Winther", "Østergaard", "Aagaard",
)  # fmt: skip
STREETS = (
    "Algade",
    "Bakkevej",
    "Engvej",
    "Havnegade",
    "Kirkestræde",
    "Lærkevej",
    "Nørregade",
    "Skolegade",
    "Torvet",
    "Vestergade",
)
HOMES = {
    "DK-725900": ("4600", "Køge"),
    "DK-785100": ("9000", "Aalborg"),
    "DK-773000": ("8900", "Randers C"),
    "DK-767100": ("7600", "Struer"),
}
GROUPS = (*["adult"] * 12, *["child"] * 5, "institution", *["homebound"] * 2)
MAJORITY = 18


@dataclass(frozen=True)
class House:
    """What of a library's file its patrons are made by."""

    agency: str
    municipality: str
    branches: Sequence[str]
    languages: Sequence[str]
    opt_in: bool
    needs_consent: bool


@dataclass(frozen=True)
class Person:
    """Someone to be registered. `number` counts within the library, `visits` weighs how often they come."""

    number: int
    agency: str
    name: str
    cpr: str
    born: date
    group: str
    branch: str
    language: str
    phone: str
    email: str | None
    pin: str
    card: str
    street: str
    protected: bool
    permits: Mapping[str, bool]
    visits: float
    guardian: Mapping[str, str] | None


def cpr_number(born: date, serial: int) -> str:
    """Return a replacement number: day + 60, and a seventh digit that fits the century of birth."""
    seventh = (serial % 4) if born.year < 2000 else 4 + serial % 5
    return f"{born.day + 60:02}{born.month:02}{born.year % 100:02}{seventh}{serial % 1000:03}"


def invent(house: House, count: int, today: date, seed: int) -> list[Person]:
    """Return `count` patrons of a library; every CPR number, phone, address and card is one person's only."""
    chance = random.Random(f"{seed}/people/{house.agency}")
    taken: set[str] = set()
    people = []
    for number in range(count):
        group = GROUPS[number % len(GROUPS)]
        adult_cpr, adult_born = _someone(chance, taken, today, 25, 60)
        cpr, born = (adult_cpr, adult_born)
        if group == "child":
            cpr, born = _someone(chance, taken, today, 5, 15)
        elif group == "homebound":
            cpr, born = _someone(chance, taken, today, 70, 95)
        last = chance.choice(LAST)
        name = f"{chance.choice(FIRST)} {last}"
        place = sorted(HOMES).index(house.agency) if house.agency in HOMES else 8
        has_mail = chance.random() < 0.93
        wants = chance.random() < 0.9 or not house.opt_in
        people.append(
            Person(
                number=number,
                agency=house.agency,
                name=name,
                cpr=cpr,
                born=born,
                group=group,
                branch=chance.choice(list(house.branches)),
                language=chance.choice([house.languages[0], house.languages[0], house.languages[-1]]),
                phone=f"+45{20 + place}{chance.randrange(10, 100)}{number:04}",
                email=f"laaner{number}.{place}@{'post' if chance.random() < 0.5 else 'mail'}.example.dk"
                if has_mail
                else None,
                pin=f"{chance.randrange(10_000):04}",
                card=f"{place + 1}{number:07}",
                street=f"{chance.choice(STREETS)} {chance.randrange(1, 120)}",
                protected=chance.random() < 0.03,
                permits={"email": wants, "sms": wants and chance.random() < 0.3},
                visits=chance.paretovariate(1.6),
                guardian=_guardian(chance, adult_cpr, last, number, place)
                if group == "child" and house.needs_consent
                else None,
            )
        )
    return people


def _someone(chance: random.Random, taken: set[str], today: date, youngest: int, oldest: int) -> tuple[str, date]:
    while True:
        days = chance.randrange(youngest * 366, oldest * 365)
        born = today - timedelta(days=days)
        cpr = cpr_number(born, chance.randrange(1000))
        if cpr not in taken and (born.year < 2000 or born.year % 100 <= 36):
            taken.add(cpr)
            return cpr, born


def _guardian(chance: random.Random, cpr: str, last: str, number: int, place: int) -> dict[str, str]:
    return {
        "cpr": cpr,
        "name": f"{chance.choice(FIRST)} {last}",
        "email": f"foraelder{number}.{place}@post.example.dk",
    }
