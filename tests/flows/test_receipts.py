"""The stories of a receipt and of a legal hold, embedded and over Kafka, checked by the code that shares none with ours."""

from datetime import datetime, timedelta
from typing import Any

import httpx

from glem_verify import checks as verify

from .library import Library, Patron

DAY = timedelta(days=1)


async def receipts(library: Library, patron: Patron, service: str, path: str) -> Any:
    """Fetch as the patron what there is of receipts, once there is any."""

    async def given() -> Any:
        bearer = {"authorization": f"Bearer {library.tokens[str(patron.patron_id)]}"}
        answer = await library.http.get(library.suite.url(service) + path, headers=bearer)
        assert answer.headers.get("cache-control") == "no-store" or answer.status_code != 200
        return answer.json() if answer.status_code == 200 else None

    return await library.eventually(given, f"receipts at {path}")


async def check(library: Library, receipt: Any) -> Any:
    """Check a receipt, and return the log's answer about it."""
    asking = f"{library.suite.url('retention-worker')}/log/receipts/{verify.commitment_of(receipt)}"

    async def answer() -> httpx.Response | None:
        given = await library.http.get(asking)
        return given if given.status_code == 200 else None

    proof = (await library.eventually(answer, "the log is signed")).json()
    assert verify.check_receipt(receipt, proof, verify.Key(proof["key"])) == []
    return proof


async def test_a_patron_checks_the_erasure_of_a_loan_with_the_receipt_fetched_before(koege: Library):
    patron = await koege.register()
    [item] = await koege.import_works(1)
    loan = await koege.check_out(patron, item)
    await koege.check_in(item)
    path, worker = f"/loans/{loan['loan_id']}/receipt", koege.suite.url("retention-worker")

    kept = await receipts(koege, patron, "loan-api", path)
    asking = f"{worker}/log/receipts/{verify.commitment_of(kept)}"

    async def not_erased() -> bool:
        # A worker that has just started signs its first head within a second, and says so until then.
        return (await koege.http.get(asking)).status_code == 404

    await koege.eventually(not_erased, "the log says that it knows of no erasure")

    await koege.suite.travel(30 * DAY + timedelta(minutes=1))
    await koege.gone("loan", loan["loan_id"])

    proof = await check(koege, kept)

    lines: list[bytes] = []
    while len(lines) < proof["head"]["size"]:
        page = (await koege.http.get(f"{worker}/log/leaves?start={len(lines)}&limit=1000")).json()
        lines += [leaf.encode() for leaf in page["leaves"]]
    head = verify.Head.read(proof["head"])
    assert verify.check_log(lines[: head.size], [head], verify.Key(proof["key"])) == []
    assert verify.find_receipt(kept, lines) == (proof["index"], [])


async def test_a_patron_checks_what_became_of_a_message_and_of_a_debt(koege: Library):
    patron, other = await koege.register(), await koege.register()
    [item] = await koege.import_works(1)
    await koege.check_out(patron, item, receipt=True)

    async def sent() -> Any:
        lines = await koege.ask("GET", "notifier", f"/patrons/{patron.patron_id}/messages", "librarian")
        return next((line["message_id"] for line in lines if line["state"] == "sent"), None)

    message = await koege.eventually(sent, "the receipt of the loan is sent")
    debt = await koege.ask(
        "POST",
        "loan-api",
        "/debts",
        "librarian",
        {"patron_id": patron.patron_id, "kind": "fee", "amount": 2000, "cause": "other"},
    )
    of_message = f"/patrons/me/messages/{message}/receipts"
    kept = await receipts(koege, patron, "notifier", of_message)
    assert {receipt["record_class"] for receipt in kept} >= {"message-body"}
    of_debt = f"/debts/{debt['debt_id']}/receipts"
    kept += await receipts(koege, patron, "loan-api", of_debt)
    for service, path in (("notifier", of_message), ("loan-api", of_debt)):
        await koege.ask("GET", service, path, str(other.patron_id), expect=404 if service == "notifier" else 403)

    order = {"order_id": f"o{debt['debt_id']}", "patron_id": patron.patron_id, "amount": 2000}
    await koege.ask("POST", "loan-api", "/payments", "librarian", order)
    await koege.suite.travel(30 * DAY + timedelta(minutes=1))
    await koege.gone("debt", debt["debt_id"])
    await koege.gone("message-body", message)
    gone = {receipt["record_class"]: receipt for receipt in kept}
    for record_class in ("message-body", "debt"):
        assert '"action":"redacted"' in (await check(koege, gone[record_class]))["leaf"]


async def test_a_held_loan_stays_unseen_and_goes_at_its_release(struer: Library):
    patron = await struer.register()
    held, bystander = await struer.import_works(2)
    loans = [(await struer.check_out(patron, item))["loan_id"] for item in (held, bystander)]
    for item in (held, bystander):
        await struer.check_in(item)

    async def heard_of() -> bool:
        query = "SELECT FROM clock WHERE record_id = ANY($1::bigint[]) AND anchor IS NOT NULL"
        return len(await struer.rows("retention-worker", query, loans)) == len(loans)

    await struer.eventually(heard_of, "the worker has the clocks of both returns")
    await struer.suite.travel(20 * DAY)
    now = datetime.fromisoformat((await struer.status())["now"])
    wish = {
        "kind": "police",
        "reason": "Sag 2026-17",
        "ends_at": (now + 90 * DAY).isoformat(),
        "records": [{"record_class": "loan", "record_ids": [loans[0]]}],
    }
    hold = await struer.ask("POST", "retention-worker", "/holds", "dpo", wish)
    assert hold["unseen"] == []

    await struer.suite.travel(11 * DAY)
    await struer.gone("loan", loans[1])
    assert loans[0] not in await struer.registered("loan")
    assert await struer.rows("loan-api", "SELECT 1 FROM loan WHERE loan_id = $1", loans[0])
    assert await struer.loans(patron) == []
    assert (await struer.status())["held"] >= 1

    await struer.ask("POST", "retention-worker", f"/holds/{hold['hold_id']}/release", "dpo", expect=200)
    await struer.gone("loan", loans[0])
    assert not await struer.rows("loan-api", "SELECT 1 FROM loan WHERE loan_id = $1", loans[0])
