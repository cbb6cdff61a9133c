"""Placing holds, as the tests of the worker do it."""

from datetime import timedelta

from .conftest import KOEGE, Worker, token


def bearer(scopes: str = "retention:read retention:write", agency: str = KOEGE, name: str = "dpo") -> dict[str, str]:
    return {"authorization": f"Bearer {token(name, scopes, agency)}"}


async def place(
    worker: Worker, *record_ids: int, status: int = 201, who: dict | None = None, **changes: object
) -> dict:
    body = {
        "kind": "police",
        "reason": "Sag 2026-17",
        "ends_at": (worker.clock.now() + timedelta(days=60)).isoformat(),
        "records": [{"record_class": "loan", "record_ids": list(record_ids)}],
        **changes,
    }
    answer = await worker.client.post("/holds", json=body, headers=who or bearer())
    assert answer.status_code == status, answer.text
    return answer.json()


async def returned(worker: Worker, *record_ids: int, agency: str = KOEGE) -> None:
    start = worker.clock.now()
    await worker.send(*(worker.returned(number, start, agency=agency) for number in record_ids))
