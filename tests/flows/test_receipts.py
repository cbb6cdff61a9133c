"""The stories of a receipt and of a legal hold, embedded and over Kafka, checked by the code that shares none with ours."""

from datetime import datetime, timedelta

import httpx

from embedded import verify

from .library import Library

DAY = timedelta(days=1)


async def test_a_patron_checks_the_erasure_of_a_loan_with_the_receipt_fetched_before(koege: Library):
    patron = await koege.register()
    [item] = await koege.import_works(1)
    loan = await koege.check_out(patron, item)
    await koege.check_in(item)
    path, worker = f"/loans/{loan['loan_id']}/receipt", koege.suite.url("retention-worker")

    async def receipt() -> object:
        answer = await koege.http.get(
            koege.suite.url("loan-api") + path,
            headers={"authorization": f"Bearer {koege.tokens[str(patron.patron_id)]}"},
        )
        return answer.json() if answer.status_code == 200 else None

    kept = await koege.eventually(receipt, "the receipt is there")
    asking = f"{worker}/log/receipts/{verify.commitment_of(kept)}"

    async def not_erased() -> bool:
        # A worker that has just started signs its first head within a second, and says so until then.
        return (await koege.http.get(asking)).status_code == 404

    await koege.eventually(not_erased, "the log says that it knows of no erasure")

    await koege.suite.travel(30 * DAY + timedelta(minutes=1))
    await koege.gone("loan", loan["loan_id"])

    async def answer() -> httpx.Response | None:
        given = await koege.http.get(asking)
        return given if given.status_code == 200 else None

    proof = (await koege.eventually(answer, "the log is signed")).json()
    assert verify.check_receipt(kept, proof, verify.Key(proof["key"])) == []

    lines: list[bytes] = []
    while len(lines) < proof["head"]["size"]:
        page = (await koege.http.get(f"{worker}/log/leaves?start={len(lines)}&limit=1000")).json()
        lines += [leaf.encode() for leaf in page["leaves"]]
    head = verify.Head.read(proof["head"])
    assert verify.check_log(lines[: head.size], [head], verify.Key(proof["key"])) == []
    assert verify.find_receipt(kept, lines) == (proof["index"], [])


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
