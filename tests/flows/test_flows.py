"""The stories, embedded and over Kafka: from a desk to nothing."""

from datetime import timedelta

from .library import Library

DAY = timedelta(days=1)


async def test_return_to_erasure(koege: Library):
    patron = await koege.register()
    item, other = await koege.import_works(2)
    loan = await koege.check_out(patron, item, receipt=True)
    bystander = await koege.check_out(patron, other)
    await koege.suite.travel(2 * DAY)
    await koege.check_in(item)

    async def receipt_sent():
        return [line for line in await koege.messages(patron) if line["state"] == "sent" and line["body"]]

    await koege.eventually(receipt_sent, "the receipt was sent, and its text is kept")

    await koege.suite.travel(30 * DAY - timedelta(hours=1))
    assert loan["loan_id"] in {row["loan_id"] for row in await koege.rows("loan-api", "SELECT loan_id FROM loan")}
    assert loan["loan_id"] not in await koege.registered("loan")

    await koege.suite.travel(timedelta(hours=1, seconds=30))
    assert [shown["loan_id"] for shown in await koege.loans(patron)] == [bystander["loan_id"]]
    line = await koege.gone("loan", loan["loan_id"])
    assert line["outcome"] == "erased"
    assert line["due_at"] <= line["done_at"]
    assert not await koege.rows("loan-api", "SELECT 1 FROM loan WHERE loan_id = $1", loan["loan_id"])
    assert await koege.rows("loan-api", "SELECT 1 FROM loan WHERE loan_id = $1", bystander["loan_id"])

    async def text_gone():
        lines = [line for line in await koege.messages(patron) if line["kind"].startswith("receipt")]
        return lines and all(line["body"] is None for line in lines)

    await koege.eventually(text_gone, "the receipt's text went with its loan, its overview stays")
    await koege.check_in(other)


async def test_a_debt_holds_the_loan_until_30_days_after_it_is_settled(struer: Library):
    patron = await struer.register()
    late, prompt = await struer.import_works(2)
    loan, other = await struer.check_out(patron, late), await struer.check_out(patron, prompt)
    await struer.check_in(prompt)
    await struer.suite.travel(45 * DAY)
    returned = await struer.check_in(late)
    [debt] = returned["debts"]
    await struer.gone("loan", other["loan_id"])

    await struer.suite.travel(40 * DAY)
    assert loan["loan_id"] not in await struer.registered("loan")
    half = debt["balance"] // 2
    pay = {"order_id": f"order-{loan['loan_id']}-1", "patron_id": patron.patron_id, "amount": half}
    await struer.ask("POST", "loan-api", "/payments", "librarian", pay)
    await struer.suite.travel(31 * DAY)
    assert loan["loan_id"] not in await struer.registered("loan")

    pay = {**pay, "order_id": f"order-{loan['loan_id']}-2", "amount": debt["balance"] - half}
    for _ in range(2):
        await struer.ask("POST", "loan-api", "/payments", "librarian", pay)
    assert (await struer.debts(patron))["balance"] == 0
    await struer.suite.travel(29 * DAY)
    assert loan["loan_id"] not in await struer.registered("loan")
    await struer.suite.travel(DAY + timedelta(minutes=1))
    await struer.gone("loan", loan["loan_id"])
    await struer.gone("debt", debt["debt_id"])
    assert not await struer.rows("loan-api", "SELECT 1 FROM debt WHERE debt_id = $1", debt["debt_id"])


async def test_a_cancelled_reservation_is_gone_at_once(koege: Library):
    borrower, waiting, bystander = [await koege.register() for _ in range(3)]
    [item] = await koege.import_works(1)
    await koege.check_out(borrower, item)
    work = f"870970-basis:{item[1:]}"
    placed = [
        await koege.ask(
            "POST", "loan-api", "/reservations", str(patron.patron_id), {"patron_id": patron.patron_id, "work_id": work}
        )
        for patron in (waiting, bystander)
    ]
    await koege.ask(
        "DELETE", "loan-api", f"/reservations/{placed[0]['reservation_id']}", str(waiting.patron_id), expect=204
    )
    rows = await koege.rows("loan-api", "SELECT reservation_id FROM reservation WHERE work_id = $1", work)
    assert [row["reservation_id"] for row in rows] == [placed[1]["reservation_id"]]
    assert (await koege.gone("reservation", placed[0]["reservation_id"]))["anchor"] is None
    await koege.check_in(item)

    async def told():
        return [
            line for line in await koege.messages(bystander) if line["kind"] == "reservation-ready" and line["sent_at"]
        ]

    await koege.eventually(told, "the next in the queue is told")
    assert not await koege.messages(waiting)
    await koege.check_out(bystander, item)
    await koege.gone("reservation", placed[1]["reservation_id"])
    await koege.check_in(item)


async def test_a_changed_contact_leaves_no_trace_and_the_next_message_takes_the_new_one(koege: Library):
    patron = await koege.register()
    [item] = await koege.import_works(1)
    new = f"moved{patron.patron_id}@example.dk"
    change = {"emails": [{"address": new, "receives": True}], "phones": []}
    await koege.ask("PUT", "patron-api", f"/patrons/{patron.patron_id}/contacts", str(patron.patron_id), change)
    for service in ("patron-api", "loan-api", "notifier", "retention-worker"):
        for old in (patron.email, patron.phone):
            assert not await hits(koege, service, old), f"{service} still holds an old contact value"
    await koege.check_out(patron, item, receipt=True)

    async def received():
        return [mail for mail in koege.suite.mail.newest if mail.recipient == new]

    await koege.eventually(received, "the receipt arrives at the new address")
    assert not [mail for mail in koege.suite.mail.newest if mail.recipient == patron.email]
    await koege.check_in(item)


async def hits(library: Library, service: str, text: str) -> list[str]:
    """Return the tables of a service that hold `text` anywhere, in any column, bytes included."""
    tables = await library.rows(
        service, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    )
    found = []
    for (table,) in tables:
        query = f"""
            SELECT 1 FROM "{table}" t WHERE position($1 IN t::text) > 0
            OR position(encode(convert_to($1, 'UTF8'), 'hex') IN t::text) > 0 LIMIT 1
        """
        if await library.rows(service, query, text):
            found.append(table)
    return found
