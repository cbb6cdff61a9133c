"""The catalogue: imports line by line, and what everybody may read."""

import gzip
import time
from pathlib import Path

import orjson

CATALOGUE = Path(__file__).parents[1] / "proving" / "demo" / "catalogue.jsonl.gz"
KOEGE, AALBORG = "DK-725900", "DK-785100"


def work(number, **fields):
    return {"record_id": f"870970-basis:{number}", "title": f"Bind {number}", "type": "book", **fields}


async def test_an_import_repeated_changes_nothing(library):
    lines = [work(number, popularity_rank=number) for number in range(50)]
    assert await library.put("works", lines) == {"imported": 50, "updated": 0, "rejected": []}
    assert await library.put("works", lines) == {"imported": 0, "updated": 50, "rejected": []}


async def test_wrong_lines_are_named_and_the_others_taken(library):
    lines = [
        work(1),
        b"{no json",
        b"",
        work(2, type="Not A Type"),
        work(3, colour="red"),
        work(4),
        work(4),
        work(5, title="a\x00b"),
    ]
    report = await library.put("works", lines)
    assert report["imported"] == 2
    assert [rejected["line"] for rejected in report["rejected"]] == [2, 4, 5, 8]
    assert "red" not in str(report)


async def test_items_need_a_work_and_a_branch_and_keep_their_state(library, problem):
    await library.put("works", [work(1)])
    good = {"barcode": "1001", "record_id": "870970-basis:1", "branch": KOEGE, "price": 5000}
    bad = [good | {"barcode": "1002", "record_id": "870970-basis:2"}, good | {"barcode": "1003", "branch": "DK-1"}]
    report = await library.put("items", [good, *bad])
    assert (report["imported"], [rejected["line"] for rejected in report["rejected"]]) == (1, [2, 3])
    await library.lend(library.make_patron(), "1001")
    assert (await library.put("items", [good | {"price": 6000}]))["updated"] == 1
    item = (await library.call("GET", "/items/1001")).json()
    assert (item["state"], item["price"]) == ("on-loan", 6000)
    assert problem(await library.call("GET", "/items/4711")) == (404, "unknown-item")
    assert problem(await library.call("GET", "/items/1001", agency=AALBORG)) == (404, "unknown-item")


async def test_ten_thousand_works_take_a_moment(library):
    body = b"\n".join(orjson.dumps(work(number, popularity_rank=number)) for number in range(10_000))
    begun = time.perf_counter()
    answer = await library.call("PUT", "/works", "administrator", content=body)
    assert answer.json()["imported"] == 10_000
    assert time.perf_counter() - begun < 20


async def test_search_and_availability(library, problem):
    [first, _second] = await library.make_items(2, title="Sort 100% hvid_maling", popularity_rank=3)
    await library.put("works", [work(7, title="Sort 1000 hvid maling", popularity_rank=1)])
    found = (await library.call("GET", "/works", "patron", subject=1, params={"query": "100% HVID_"})).json()
    assert [hit["title"] for hit in found] == ["Sort 100% hvid_maling"]
    await library.lend(library.make_patron(), first)
    await library.queue(library.make_patron(), first)
    details = (await library.call("GET", f"/works/{found[0]['work_id']}", "dashboard")).json()
    assert (details["items"], details["available"], details["reservations"]) == (2, 1, 1)
    assert {copy["state"] for copy in details["copies"]} == {"on-loan", "available"}
    assert problem(await library.call("GET", "/works/870970-basis:none")) == (404, "unknown-work")
    assert problem(await library.call("GET", "/works", params={"agency": AALBORG})) == (403, "wrong-agency")
    assert problem(await library.call("GET", "/works", "service", "*")) == (404, "unknown-agency")
    everywhere = await library.call("GET", "/works", "service", "*", params={"agency": KOEGE, "query": "sort"})
    assert next(hit["work_id"] for hit in everywhere.json()) == "870970-basis:7"


async def test_the_shipped_catalogue_is_taken_whole(library):
    body = gzip.decompress(CATALOGUE.read_bytes())
    answer = await library.call("PUT", "/works", "administrator", content=body)
    assert answer.json() == {"imported": 9997, "updated": 0, "rejected": []}
