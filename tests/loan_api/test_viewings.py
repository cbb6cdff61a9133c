"""Staff who look at what patrons have had: logged, told of when it is much, and gone with the loan (H106)."""

from datetime import timedelta

from glem_contracts.events import PatronErased

from .conftest import DAY, KOEGE, STRUER, Library


async def returned(library: Library, patron_id: int | None = None) -> tuple[int, dict]:
    patron_id = patron_id or library.make_patron()
    [item] = await library.make_items()
    loan = await library.lend(patron_id, item)
    await library.take_back(item)
    return patron_id, loan


async def viewings(library: Library, agency: str = KOEGE, **query: object) -> list[dict]:
    answer = await library.call("GET", "/viewings", "dpo", agency, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_h106_staff_who_looks_on_day_29_is_in_the_log_and_the_link_goes_with_the_loan(library: Library):
    patron_id, loan = await returned(library)
    _, bystander = await returned(library, patron_id)
    library.clock.travel(29 * DAY)
    headers = {"viewing-reason": "dispute"}
    answer = await library.call("GET", f"/patrons/{patron_id}/loans", subject="desk-7", headers=headers)
    assert len(answer.json()) == 2
    [seen] = await viewings(library, patron_id=patron_id)
    assert (seen["staff"], seen["reason"], seen["patron_id"]) == ("desk-7", "dispute", patron_id)
    assert sorted(seen["loan_ids"]) == sorted([loan["loan_id"], bystander["loan_id"]])

    library.clock.travel(2 * DAY)
    [seen] = await viewings(library, patron_id=patron_id)
    assert seen["loan_ids"] == []
    await library.dispose(loan["loan_id"])
    kept = await library.runtime.database.fetch("SELECT loan_id FROM viewed_loan")
    assert [row["loan_id"] for row in kept] == [bystander["loan_id"]]
    assert len(await viewings(library, patron_id=patron_id)) == 1


async def test_a_single_ended_loan_is_a_viewing_an_open_one_is_none(library: Library):
    patron_id, loan = await returned(library)
    [item] = await library.make_items()
    current = await library.lend(patron_id, item)
    await library.call("GET", f"/loans/{current['loan_id']}")
    assert await viewings(library) == []
    await library.call("GET", f"/loans/{loan['loan_id']}")
    [seen] = await viewings(library)
    assert (seen["loan_ids"], seen["reason"]) == ([loan["loan_id"]], "unstated")


async def test_a_patron_who_looks_at_their_own_is_in_no_log(library: Library):
    patron_id, _ = await returned(library)
    assert len((await library.as_patron(patron_id, "GET", "/patrons/me/loans")).json()) == 1
    assert await viewings(library) == []


async def test_a_reason_is_a_code(library: Library, problem):
    patron_id, _ = await returned(library)
    headers = {"viewing-reason": "mangler Harry Potter 3"}
    answer = await library.call("GET", f"/patrons/{patron_id}/loans", headers=headers)
    assert problem(answer) == (422, "malformed")
    assert await viewings(library) == []


async def test_h106_very_many_patrons_within_an_hour_raise_the_alarm(library: Library):
    limit = library.app.state.lending[KOEGE].viewings_per_hour
    patron_id, _ = await returned(library)
    await library.runtime.database.execute(
        """INSERT INTO viewing (viewing_id, agency, staff, patron_id, at, reason)
        SELECT n, $1, 'desk-7', n, $2, 'unstated' FROM generate_series(1, $3::bigint) AS n""",
        KOEGE,
        library.clock.now() - timedelta(minutes=59),
        limit,
    )

    def alarms() -> float:
        registry = library.runtime.metrics.registry
        return registry.get_sample_value("glem_viewings_too_often_total", {"agency": KOEGE}) or 0.0

    await library.call("GET", f"/patrons/{patron_id}/loans", subject="desk-8")
    assert alarms() == 0
    await library.call("GET", f"/patrons/{patron_id}/loans", subject="desk-7")
    assert alarms() == 1
    library.clock.travel(timedelta(hours=2))
    await library.call("GET", f"/patrons/{patron_id}/loans", subject="desk-7")
    assert alarms() == 1


async def test_the_log_is_the_officers_and_of_one_library(library: Library, problem):
    patron_id, _ = await returned(library)
    await library.call("GET", f"/patrons/{patron_id}/loans")
    assert await viewings(library, STRUER) == []
    assert problem(await library.call("GET", "/viewings")) == (403, "missing-scope")


async def test_a_viewing_goes_after_half_a_year_and_with_its_patron(library: Library):
    old, _ = await returned(library)
    await library.call("GET", f"/patrons/{old}/loans")
    library.clock.travel(20 * DAY)
    leaving, _ = await returned(library)
    staying, _ = await returned(library)
    for patron_id in (leaving, staying):
        await library.call("GET", f"/patrons/{patron_id}/loans")
    library.clock.travel(160 * DAY)
    assert {seen["patron_id"] for seen in await viewings(library)} == {leaving, staying}
    sections = (await library.call("GET", f"/patrons/{old}/data", "service", "*")).json()
    assert not [row for section in sections if section["name"] in {"viewing", "viewed_loan"} for row in section["rows"]]
    told = await library.events("LendingDataKept")
    [clock] = told[0]["data"]["clocks"]
    assert (clock["record_class"], clock["version"], len(told)) == ("viewing", 1, 3)
    assert set(told[0]["data"]) == {"clocks", "erased"}
    outcome = await library.dispose(
        *(event["data"]["clocks"][0]["record_id"] for event in told), record_class="viewing"
    )
    assert outcome["erased"] == [clock["record_id"]]
    assert {refused["reason"] for refused in outcome["refused"]} == {"not-due"}
    [erased] = await library.events("ViewingsErased")
    assert erased["data"]["erased"][0]["record_class"] == "viewing"
    await library.hear(PatronErased(patron_id=leaving), subject=leaving)
    [erased] = await library.events("ViewingsErased")
    assert len(erased["data"]["erased"][0]["record_ids"]) == 1
    rows = await library.runtime.database.fetch("SELECT patron_id FROM viewing")
    assert [row["patron_id"] for row in rows] == [staying]
    left = await library.runtime.database.fetchval("SELECT count(DISTINCT viewing_id) FROM viewed_loan")
    assert left == 1
