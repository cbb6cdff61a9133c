"""The worker over HTTP: status, register, and who may see them."""

import pytest

from .conftest import KOEGE, STRUER, Worker, token


def bearer(scopes: str, agency: str = KOEGE) -> dict[str, str]:
    return {"authorization": f"Bearer {token('dpo', scopes, agency)}"}


async def test_status_says_what_is_overdue_and_what_comes_next(worker: Worker):
    start = worker.clock.now()
    await worker.send(worker.returned(1, start), worker.returned(2, start, agency=STRUER))
    await worker.travel(days=31)
    answer = await worker.client.get("/status", headers=bearer("retention:read"))
    status = answer.json()
    assert status["overdue"] == 1
    [loans] = [scope for scope in status["scopes"] if scope["record_class"] == "loan"]
    assert loans["agency"] == KOEGE
    assert 86_000 < loans["oldest_overdue_seconds"] < 87_000

    await worker.sweep()
    status = (await worker.client.get("/status", headers=bearer("retention:read"))).json()
    assert status["overdue"] == 0
    [disposed] = status["disposed"]
    assert (disposed["outcome"], disposed["records"]) == ("erased", 1)


async def test_the_register_is_read_in_pages_and_only_ones_own(worker: Worker):
    start = worker.clock.now()
    await worker.send(*(worker.returned(number, start) for number in range(1, 8)))
    await worker.send(worker.returned(100, start, agency=STRUER))
    await worker.travel(days=31)
    await worker.sweep()
    seen, after = [], 0
    while page := (
        await worker.client.get("/register", params={"after": after, "limit": 3}, headers=bearer("retention:read"))
    ).json()["entries"]:
        seen += [entry["record_id"] for entry in page]
        after = page[-1]["entry"]
    assert sorted(seen) == list(range(1, 8))


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/status", "retention:read"),
        ("GET", "/register", "retention:read"),
        ("POST", "/sweep", "retention:write"),
    ],
)
async def test_each_route_wants_its_scope(worker: Worker, method: str, path: str, scope: str):
    assert (await worker.client.request(method, path)).status_code == 401
    wrong = await worker.client.request(method, path, headers=bearer("self circulation:write"))
    assert wrong.status_code == 403
    assert wrong.json()["type"] == "urn:glem:problem:missing-scope"
    assert (await worker.client.request(method, path, headers=bearer(scope))).status_code == 200


async def test_ready_needs_a_recent_sweep(worker: Worker, monkeypatch: pytest.MonkeyPatch):
    assert (await worker.client.get("/health/ready")).status_code == 200
    [sweeps] = [task for task in worker.runtime.tasks if task.name == "sweep"]
    monkeypatch.setattr(sweeps, "heartbeat", sweeps.heartbeat - 3600)
    answer = await worker.client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["silent"] == ["sweep"]


async def test_metrics_name_what_an_operator_watches(worker: Worker):
    await worker.task("figures")
    text = (await worker.client.get("/metrics")).text
    for name in ("glem_overdue_erasures", "glem_oldest_overdue_seconds", "glem_sweep_heartbeat_seconds"):
        assert name in text
