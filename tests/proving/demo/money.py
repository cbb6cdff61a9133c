"""What patrons do about what they owe: pay, in parts or whole, ask for mercy, or nothing; and banks that take it back."""

import random
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from tests.proving.demo.scene import Phase, Scene, Town


@dataclass
class Owed:
    """A debt as the demo knows it; amounts are in øre."""

    name: str
    debt_id: int
    person: int
    balance: int
    chance: random.Random
    orders: int = 0


def debt_entry(debt: dict[str, Any], loans: list[int]) -> dict[str, Any]:
    """Return a debt of an answer as the history records it."""
    return {
        "debt_id": debt["debt_id"],
        "kind": debt["kind"],
        "cause": debt["cause"],
        "amount": debt["amount"],
        "due_on": debt["due_on"],
        "loans": loans,
    }


def owe(scene: Scene, town: Town, person: int, debt: dict[str, Any], name: str) -> Owed:
    """Take note of a new debt, and decide what the patron will do about it."""
    town.tally.raised += 1
    town.tally.raised_amount += debt["amount"]
    chance = scene.chance("debt", name)
    owed = Owed(name, debt["debt_id"], person, debt["amount"], chance)
    kind = chance.random()
    if kind < 0.68:
        _pay_later(scene, town, owed, chance.uniform(0, 16), 1.0)
    elif kind < 0.80:
        _pay_later(scene, town, owed, chance.uniform(0, 10), 0.5)
        _pay_later(scene, town, owed, chance.uniform(11, 24), 1.0)
    elif kind < 0.88:
        at = scene.step.at + timedelta(days=chance.uniform(0, 15))
        scene.later(Phase.MONEY, name, town.actor(person), at, partial(_waive, scene, town, owed))
    return owed


def _pay_later(scene: Scene, town: Town, owed: Owed, days: float, part: float) -> None:
    at = scene.step.at + timedelta(days=days)
    scene.later(Phase.MONEY, f"{owed.name}/{part}", town.actor(owed.person), at, partial(_pay, scene, town, owed, part))


async def _pay(scene: Scene, town: Town, owed: Owed, part: float) -> None:
    amount = int(owed.balance * part)
    if amount <= 0:
        return
    owed.orders += 1
    order = f"ordre-{owed.debt_id}-{owed.orders}"
    patron_id = town.patron_ids[owed.person]
    body = {"order_id": order, "patron_id": patron_id, "amount": amount, "debt_ids": [owed.debt_id]}
    answer = await scene.api.ask(town.login_of(owed.person), "POST", "/loan-api/payments", body)
    if not answer.ok:
        return
    owed.balance -= amount
    town.tally.paid += amount
    scene.note("pay", town, order_id=order, patron_id=patron_id, amount=amount, debts=[owed.debt_id])
    if owed.chance.random() < 0.07:
        at = scene.step.at + timedelta(days=owed.chance.uniform(1, 24))
        scene.later(
            Phase.MONEY, owed.name, town.actor(owed.person), at, partial(_reverse, scene, town, owed, order, amount)
        )


async def _reverse(scene: Scene, town: Town, owed: Owed, order: str, amount: int) -> None:
    """Let the bank take a payment back; most patrons pay again."""
    answer = await scene.api.ask(town.staff.librarian, "POST", f"/loan-api/payments/{order}/reversal")
    if not answer.ok:
        return
    owed.balance += amount
    town.tally.paid -= amount
    scene.note("reverse", town, order_id=order)
    if owed.chance.random() < 0.7:
        _pay_later(scene, town, owed, owed.chance.uniform(1, 12), 1.0)


async def _waive(scene: Scene, town: Town, owed: Owed) -> None:
    """Let the librarian waive a debt, whole or in part; the patron pays the rest."""
    part = 1.0 if owed.chance.random() < 0.6 else 0.5
    amount = int(owed.balance * part)
    if amount <= 0:
        return
    path = f"/loan-api/debts/{owed.debt_id}/waiver"
    answer = await scene.api.ask(town.staff.librarian, "POST", path, {"amount": amount})
    if not answer.ok:
        return
    owed.balance -= amount
    town.tally.waived += amount
    scene.note("waive", town, debt_id=owed.debt_id, amount=amount)
    if owed.balance > 0:
        _pay_later(scene, town, owed, owed.chance.uniform(1, 12), 1.0)


async def charge(scene: Scene, town: Town, person: int, name: str) -> None:
    """Let the librarian raise a debt by hand: a new card."""
    body = {"patron_id": town.patron_ids[person], "kind": "fee", "amount": 2500, "cause": "card"}
    answer = await scene.api.must(town.staff.librarian, "POST", "/loan-api/debts", body)
    debt = debt_entry(answer, [])
    scene.note("charge", town, patron_id=town.patron_ids[person], **debt)
    owe(scene, town, person, debt, name)
