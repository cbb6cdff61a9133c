"""What a homebound patron has had is remembered by consent: the work alone, from when its loan goes (R43, R44)."""

import asyncio
from datetime import timedelta

import pytest

from glem.ids import new_id
from glem.transport import Message
from glem_contracts.events import HOMEBOUND_HISTORY, ConsentGiven, ConsentWithdrawn, PatronErased
from glem_contracts.events.envelope import Event
from glem_retention.policies import PolicyTerms

KOEGE, STRUER = "DK-725900", "DK-767100"
DAY = timedelta(days=1)


@pytest.fixture
def consent(library):
    """Calling it tells of a patron's consent, or its end."""
    versions = iter(range(1, 1000))

    async def tell(patron, *, given=True, version=None, agency=KOEGE):
        kind = ConsentGiven if given else ConsentWithdrawn
        data = kind(patron_id=patron, purpose=HOMEBOUND_HISTORY, version=version or next(versions))
        await library.hear(data, agency, patron)

    return tell


async def lend_and_return(library, patron, agency=KOEGE):
    [item] = await library.make_items(agency=agency)
    loan = await library.lend(patron, item, agency)
    await library.take_back(item, agency)
    return loan["loan_id"], loan["work_id"], item


async def works(library, patron):
    answer = await library.as_patron(patron, "GET", f"/patrons/{patron}/homebound-works")
    assert answer.status_code == 200, answer.text
    return [line["work_id"] for line in answer.json()]


async def entries(library):
    return await library.runtime.database.fetch("SELECT * FROM homebound_work ORDER BY entry_id")


async def test_h29_only_the_work_stays_of_a_loan_whose_patron_consented(library, consent):
    patron, bystander = library.make_patron(patron_group="homebound"), library.make_patron()
    await consent(patron)
    loan_id, work_id, _ = await lend_and_return(library, patron)
    other, _, _ = await lend_and_return(library, bystander)
    library.clock.travel(30 * DAY)
    assert await works(library, patron) == []
    await library.events()
    assert sorted((await library.dispose(loan_id, other))["erased"]) == sorted([loan_id, other])
    [entry] = await entries(library)
    assert (entry["patron_id"], entry["work_id"]) == (patron, work_id)
    assert entry["month"] == library.clock.now().date().replace(day=1)
    assert set(entry.keys()) == {"entry_id", "agency", "patron_id", "work_id", "month", "anchor", "clock_version"}
    assert await works(library, patron) == [work_id]
    told = {event["type"]: event["data"] for event in await library.events()}
    [clock] = told["HomeboundListChanged"]["clocks"]
    assert (clock["record_class"], clock["record_id"]) == ("homebound-work", entry["entry_id"])
    assert sorted(told["LoanErased"]["erased"][0]["record_ids"]) == sorted([loan_id, other])
    assert not {work_id, str(patron)} & set(str(told["HomeboundListChanged"]).replace("'", " ").split())


async def test_h30_200_works_go_at_once_when_the_consent_is_withdrawn(library, consent):
    patron, other = library.make_patron(), library.make_patron()
    await consent(patron)
    await consent(other)
    loans = [(await lend_and_return(library, patron))[0] for _ in range(3)]
    kept, kept_work, _ = await lend_and_return(library, other)
    library.clock.travel(30 * DAY)
    await library.dispose(*loans, kept)
    await library.runtime.database.execute(
        "INSERT INTO homebound_work (entry_id, agency, patron_id, work_id, month, anchor, clock_version)"
        " SELECT 1000 + n, $1, $2, 'x:' || n, '2027-03-01', '2027-03-01Z', 1 FROM generate_series(1, 197) n",
        KOEGE,
        patron,
    )
    await library.events()
    await consent(patron, given=False)
    assert await works(library, patron) == []
    assert [entry["work_id"] for entry in await entries(library)] == [kept_work]
    [event] = await library.events("HomeboundListChanged")
    [erased] = event["data"]["erased"]
    assert (erased["record_class"], len(erased["record_ids"])) == ("homebound-work", 200)


async def test_h31_a_consent_on_day_31_restores_nothing(library, consent):
    patron = library.make_patron()
    erased, _, _ = await lend_and_return(library, patron)
    library.clock.travel(30 * DAY)
    await library.dispose(erased)
    library.clock.travel(DAY)
    await consent(patron)
    assert await works(library, patron) == []


async def test_h31_nor_does_it_keep_a_due_loan_that_nobody_has_swept_yet(library, consent):
    patron = library.make_patron()
    due, _, _ = await lend_and_return(library, patron)
    library.clock.travel(31 * DAY)
    await consent(patron)
    assert (await library.dispose(due))["erased"] == [due]
    assert await entries(library) == []


async def test_a_consent_counts_until_the_second_that_a_shorter_policy_made_the_loan_due(library, consent):
    patron = library.make_patron()
    loan_id, work_id, _ = await lend_and_return(library, patron)
    agencies, shorter = library.runtime.agencies, library.clock.now() + 20 * DAY
    agencies.adopt({(KOEGE, "loan"): [*agencies.terms(KOEGE, "loan"), PolicyTerms(2, 14 * DAY, "erase", shorter)]})
    library.clock.travel(18 * DAY)
    await consent(patron)
    library.clock.travel(2 * DAY)
    assert (await library.dispose(loan_id))["erased"] == [loan_id]
    assert [entry["work_id"] for entry in await entries(library)] == [work_id]


async def test_a_library_without_the_scheme_remembers_nothing(library, consent):
    patron = library.make_patron(STRUER)
    await consent(patron, agency=STRUER)
    loan_id, _, _ = await lend_and_return(library, patron, STRUER)
    library.clock.travel(30 * DAY)
    assert (await library.dispose(loan_id, agency=STRUER))["erased"] == [loan_id]
    assert await entries(library) == []


async def test_late_and_repeated_consent_events_change_nothing(library, consent):
    patron = library.make_patron()
    await consent(patron, version=5)
    await consent(patron, version=7, given=False)
    await consent(patron, version=5)
    loan_id, _, _ = await lend_and_return(library, patron)
    library.clock.travel(30 * DAY)
    await library.dispose(loan_id)
    assert await entries(library) == []
    await consent(patron, version=9)
    await consent(patron, version=7, given=False)
    second, work_id, _ = await lend_and_return(library, patron)
    library.clock.travel(30 * DAY)
    await library.dispose(second)
    for _ in range(2):
        await consent(patron, version=7, given=False)
    assert await works(library, patron) == [work_id]


async def test_an_end_that_comes_after_a_newer_consent_still_takes_what_was_before(library, consent):
    patron = library.make_patron()
    await consent(patron, version=1)
    first, _, _ = await lend_and_return(library, patron)
    library.clock.travel(30 * DAY)
    await library.dispose(first)
    await consent(patron, version=3)
    await consent(patron, version=2, given=False)
    assert await works(library, patron) == []
    second, work_id, _ = await lend_and_return(library, patron)
    library.clock.travel(30 * DAY)
    await library.dispose(second)
    assert await works(library, patron) == [work_id]


async def test_one_batch_of_consent_its_end_and_a_new_one(library, consent):
    patron = library.make_patron()
    await consent(patron, version=1)
    loan_id, _, _ = await lend_and_return(library, patron)
    library.clock.travel(30 * DAY)
    await library.dispose(loan_id)
    batch = [
        Event.of(
            kind(patron_id=patron, purpose=HOMEBOUND_HISTORY, version=version),
            service="patron-api",
            agency=KOEGE,
            subject=patron,
            time=library.clock.now(),
        )
        for version, kind in enumerate((ConsentWithdrawn, ConsentGiven), start=2)
    ]
    await library.runtime.transport.publish([Message(e.data.topic, e.subject, e.to_json()) for e in batch])
    assert await entries(library) == []


async def test_a_consent_for_messages_is_none_for_works(library):
    patron = library.make_patron()
    await library.hear(ConsentGiven(patron_id=patron, purpose="sms"), KOEGE, patron)
    assert await library.runtime.database.fetchval("SELECT count(*) FROM homebound_consent") == 0


@pytest.mark.parametrize("round_number", range(10))
async def test_a_disposal_and_the_end_of_the_consent_leave_no_work(library, consent, round_number):
    patron = library.make_patron()
    await consent(patron, version=1)
    loan_id, _, _ = await lend_and_return(library, patron)
    library.clock.travel(30 * DAY)
    await asyncio.gather(library.dispose(loan_id), consent(patron, version=2, given=False))
    assert await entries(library) == []


async def test_a_work_on_the_list_is_reserved_again_only_when_asked_for(library, consent, problem):
    patron = library.make_patron()
    await consent(patron)
    loan_id, work_id, item = await lend_and_return(library, patron)
    library.clock.travel(30 * DAY)
    await library.dispose(loan_id)
    refused = await library.reserve(patron, item)
    assert problem(refused) == (409, "previously-loaned-by-homebound-patron")
    assert refused.json()["fbs"] == "previously_loaned_by_homebound_patron"
    assert (await library.reserve(library.make_patron(), item)).status_code == 201
    assert (await library.reserve(patron, item, again=True)).status_code == 201
    assert await works(library, patron) == [work_id]


async def test_the_list_is_the_patrons_and_the_staffs(library, consent, problem):
    patron = library.make_patron()
    path = f"/patrons/{patron}/homebound-works"
    assert problem(await library.as_patron(library.make_patron(), "GET", path)) == (403, "missing-scope")
    assert (await library.call("GET", path)).json() == []
    assert problem(await library.call("GET", path, agency=STRUER)) == (403, "wrong-agency")


async def test_the_list_goes_at_the_longest_period_and_not_before(library, consent):
    patron = library.make_patron()
    await consent(patron)
    loan_id, work_id, _ = await lend_and_return(library, patron)
    library.clock.travel(30 * DAY)
    await library.dispose(loan_id)
    [entry] = await entries(library)
    order = {
        "disposal_id": 9,
        "agency": KOEGE,
        "record_class": "homebound-work",
        "record_ids": [entry["entry_id"], 4711],
    }
    query = {"agency": KOEGE, "record_class": "homebound-work"}

    async def dispose():
        return (await library.call("POST", "/disposals", "service", "*", json=order)).json()

    async def overdue():
        return (await library.call("GET", "/disposals/overdue", "service", "*", params=query)).json()

    library.clock.travel(entry["anchor"] + timedelta(days=1096) - library.clock.now() - timedelta(seconds=5))
    assert [refusal["reason"] for refusal in (await dispose())["refused"]] == ["not-due"]
    assert (await works(library, patron), await overdue()) == ([work_id], [])
    library.clock.travel(timedelta(seconds=6))
    assert await works(library, patron) == []
    assert [record["record_id"] for record in await overdue()] == [entry["entry_id"]]
    assert await dispose() == {"erased": [entry["entry_id"]], "redacted": [], "gone": [4711], "refused": []}
    assert await dispose() == {"erased": [], "redacted": [], "gone": [entry["entry_id"], 4711], "refused": []}


async def test_a_work_that_comes_again_has_one_line_with_the_newer_month(library, consent):
    patron = library.make_patron()
    await consent(patron)
    [item] = await library.make_items()
    for _ in range(2):
        loan = await library.lend(patron, item)
        await library.take_back(item)
        library.clock.travel(45 * DAY)
        await library.dispose(loan["loan_id"])
    [entry] = await entries(library)
    assert (entry["month"], entry["clock_version"]) == (library.clock.now().date().replace(day=1), 2)


async def test_a_patron_who_is_gone_takes_the_list_along(library, consent):
    patron = library.make_patron()
    await consent(patron)
    loan_id, _, _ = await lend_and_return(library, patron)
    library.clock.travel(30 * DAY)
    await library.dispose(loan_id)
    await library.hear(PatronErased(patron_id=patron), KOEGE, new_id())
    await consent(patron, version=900)
    assert await entries(library) == []
    assert await library.runtime.database.fetchval("SELECT count(*) FROM homebound_consent") == 0


async def test_h33_how_much_would_go_with_the_scheme_is_shown_before(library, consent, problem):
    patrons = [library.make_patron() for _ in range(2)]
    for patron in patrons:
        await consent(patron)
    loans = [(await lend_and_return(library, patron))[0] for patron in (*patrons, patrons[0])]
    path = f"/agencies/{KOEGE}/homebound-works/preview"
    nothing = {"agency": KOEGE, "patrons": 0, "works": 0, "oldest": None}
    assert (await library.call("GET", path, "dpo")).json() == nothing
    library.clock.travel(30 * DAY)
    await library.dispose(*loans)
    month = f"{library.clock.now():%Y-%m}"
    shown = (await library.call("GET", path, "dpo")).json()
    assert shown == {"agency": KOEGE, "patrons": 2, "works": 3, "oldest": month}
    for patron in patrons:
        await consent(patron, given=False)
    assert (await library.call("GET", path, "dpo")).json() == nothing
    other = await library.call("GET", f"/agencies/{STRUER}/homebound-works/preview", "dpo")
    assert problem(other) == (403, "wrong-agency")
