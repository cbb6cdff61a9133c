"""Who works at the libraries of the demo, and how a patron is registered there."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from tests.proving.demo.houses import Library
from tests.proving.demo.people import HOMES, Person
from tests.proving.demo.suite_client import Login, SuiteClient

ROLES = ("librarian", "dpo")
EXISTS = frozenset({"account-exists", "already-registered"})


@dataclass
class Staff:
    """The log-ins at one library: people by role, and an automat for each branch."""

    administrator: Login
    librarian: Login
    dpo: Login
    automats: dict[str, Login] = field(default_factory=dict)


def password_login(username: str, password: str, agency: str) -> Login:
    """Return the log-in of a patron or a member of staff."""
    return Login({"grant_type": "password", "username": username, "password": password, "agency": agency})


def client_login(client_id: str, secret: str) -> Login:
    """Return the log-in of a machine."""
    return Login({"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret})


async def hire(api: SuiteClient, library: Library, administrator: Mapping[str, str], secret: str) -> Staff:
    """Make the accounts and automats of a library, where they are missing; all have the same `secret`."""
    admin = password_login(administrator["user"], administrator["password"], library.isil)
    logins = {}
    for role in ROLES:
        account = {"username": role, "secret": secret, "role": role}
        answer = await api.ask(admin, "POST", "/patron-api/accounts", account)
        _fine(answer.refusal)
        logins[role] = password_login(role, secret, library.isil)
    staff = Staff(admin, logins["librarian"], logins["dpo"])
    for branch in library.house.branches:
        client = {"client_id": f"automat-{branch}", "secret": secret, "role": "automat"}
        answer = await api.ask(admin, "POST", "/patron-api/clients", client)
        _fine(answer.refusal)
        staff.automats[branch] = client_login(client["client_id"], secret)
    return staff


def _fine(refusal: str | None) -> None:
    if refusal is not None and refusal not in EXISTS:
        message = f"an account was refused: {refusal}"
        raise RuntimeError(message)


async def enrol(
    api: SuiteClient, librarian: Login, library: Library, people: Sequence[Person], today: date
) -> list[int | None]:
    """Register `people` and return their patron ids; None for one who was registered before."""
    answers = await asyncio.gather(
        *(api.ask(librarian, "POST", "/patron-api/patrons", registration(person, library, today)) for person in people)
    )
    for answer in answers:
        _fine(answer.refusal)
    return [answer.body["patron_id"] if answer.ok else None for answer in answers]


def registration(person: Person, library: Library, today: date) -> dict[str, object]:
    """Return the request that registers `person`."""
    postal_code, city = HOMES.get(library.isil, ("1000", "København K"))
    body: dict[str, object] = {
        "cpr": person.cpr,
        "name": person.name,
        "address": {"street": person.street, "postal_code": postal_code, "city": city},
        "protected": person.protected,
        "municipality": library.house.municipality,
        "patron_group": person.group,
        "home_branch": person.branch,
        "language": person.language,
        "pin": person.pin,
        "phones": [{"number": person.phone, "kind": "mobile", "receives": True}],
        "emails": [{"address": person.email, "receives": True}] if person.email else [],
        "permissions": dict(person.permits),
        "cards": [{"kind": "library", "number": person.card}],
    }
    if person.guardian is not None:
        body["guardian"] = {"consent_on": today.isoformat(), **person.guardian}
    return body
