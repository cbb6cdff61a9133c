"""The public page of policies: made from what runs, for everybody, in Danish and English."""

import re
from datetime import timedelta
from html.parser import HTMLParser

import httpx
import pytest
from fastapi import FastAPI

from glem_contracts.record_classes import RECORD_CLASSES, Way
from glem_retention.agencies import load_agencies
from glem_retention.purposes import purposes_router
from tests.house.schema import metadata_of
from tests.house.tree import SERVICES

from .conftest import AGENCIES, KOEGE, STRUER, Transport, Worker
from .test_policy_changes import adopt

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
VOID = {"meta", "link", "br"}


@pytest.fixture
async def open_page(worker: Worker) -> Worker:
    """A worker whose peers say what the real services' fields are for."""
    for prepare in worker.runtime.starting:
        await prepare()
    for package in SERVICES[:3]:
        app = worker.owner.app()
        app.include_router(purposes_router(metadata_of(package)))
        connect(worker, package.name.replace("_", "-"), app)
    return worker


def connect(worker: Worker, service: str, app: FastAPI) -> None:
    worker.runtime.clients._clients[service] = httpx.AsyncClient(transport=Transport(app), base_url="http://peer.test")


class Outline(HTMLParser):
    """Checks that tags are closed in order, and keeps what a reader without sight goes by."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.seen: list[tuple[str, dict]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


async def html(worker: Worker, query: str = "", **headers: str) -> str:
    answer = await worker.client.get(f"/policies{query}", headers={**BROWSER, **headers})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    return answer.text


async def test_the_document_has_every_kind_of_every_library(open_page: Worker):
    document = (await open_page.client.get("/policies")).json()
    assert document["complete"]
    agencies = load_agencies(AGENCIES)
    assert [shown["agency"] for shown in document["agencies"]] == list(agencies)
    for shown in document["agencies"]:
        filed = agencies[shown["agency"]].retention
        assert {policy["record_class"] for policy in shown["policies"]} == set(filed)
        assert {kind["record_class"] for kind in shown["kinds"]} == set(RECORD_CLASSES)
        for policy in shown["policies"]:
            own = filed[policy["record_class"]]
            assert timedelta(days=policy["period_days"]) == own.period
            assert (policy["version"], policy["stated"], policy["rows"]) == (own.version, own.stated, own.rows)
            assert policy["wording"] == own.wording
            assert policy["wording_en"]
        for kind in shown["kinds"]:
            assert kind["until"] or kind["record_class"] in filed, kind
    [koege] = [shown for shown in document["agencies"] if shown["agency"] == KOEGE]
    [loan] = [kind for kind in koege["kinds"] if kind["record_class"] == "loan"]
    assert {"R33", "R34", "R37"} <= set(loan["rows"])
    assert any("loan.patron_id" in use["fields"] for use in loan["uses"])


async def test_one_library_is_asked_for_and_an_unknown_one_is_not_found(open_page: Worker):
    [shown] = (await open_page.client.get("/policies", params={"agency": STRUER})).json()["agencies"]
    assert (shown["name"], shown["controller"], shown["dpo"]) == ("Struer Bibliotek", "Struer Kommune", None)
    answer = await open_page.client.get("/policies", params={"agency": "DK-000000"})
    assert answer.json()["type"] == "urn:glem:problem:unknown-agency"


@pytest.mark.parametrize("isil", list(load_agencies(AGENCIES)))
@pytest.mark.parametrize("language", ["da", "en"])
async def test_a_browser_is_shown_a_page_that_reads_without_scripts(open_page: Worker, isil: str, language: str):
    text = await html(open_page, f"?agency={isil}&language={language}")
    outline = Outline(text)
    assert outline.stack == []
    tags = [tag for tag, _ in outline.seen]
    assert (tags.count("h1"), tags.count("main"), "script" in tags, "img" in tags) == (1, 1, False, False)
    assert ("html", {"lang": language}) in outline.seen
    assert all("scope" in attributes for tag, attributes in outline.seen if tag == "th")
    policies = load_agencies(AGENCIES)[isil].retention
    rows = {
        attributes["id"]: place
        for place, (tag, attributes) in enumerate(outline.seen)
        if tag == "tr" and "id" in attributes
    }
    assert set(rows) == set(policies)
    said = "ikke oplyst af biblioteket" if language == "da" else "not stated by the library"
    for name, row in re.findall(r'<tr id="([\w-]+)">(.*?)</tr>', text, re.DOTALL):
        assert (said in row) == (not policies[name].stated), name
        assert policies[name].wording in row or language == "en"


async def test_the_language_is_the_reader_s(open_page: Worker):
    query = f"?agency={KOEGE}"
    assert 'lang="da"' in (await html(open_page, query))[:60]
    assert 'lang="en"' in (await html(open_page, query, **{"accept-language": "en-GB,en;q=0.9"}))[:60]
    assert 'lang="da"' in (await html(open_page, f"{query}&language=da", **{"accept-language": "en"}))[:60]


async def test_without_a_library_the_reader_chooses_one(open_page: Worker):
    text = await html(open_page)
    for isil, agency in load_agencies(AGENCIES).items():
        assert f'href="?agency={isil}&amp;language=da">{agency.identity.name}' in text


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/json, text/html", "text/plain"])
async def test_a_program_is_given_json(open_page: Worker, accept: str):
    assert (await open_page.client.get("/policies", headers={"accept": accept})).json()["agencies"]


async def test_a_change_is_announced_and_then_shown(open_page: Worker):
    adopted = await adopt(open_page)
    [loan] = [p for p in await policies(open_page) if p["record_class"] == "loan"]
    assert (loan["version"], loan["period_days"]) == (1, 30)
    [coming] = loan["coming"]
    assert (coming["version"], coming["period_days"], coming["wording_en"]) == (
        2,
        14,
        "We forget a loan after 14 days.",
    )
    text = await html(open_page, f"?agency={STRUER}")
    assert re.search(r"Fra \d+\. \w+ \d{4}: 14 dage \(version 2\)", text)
    await open_page.travel(days=2, seconds=1)
    [loan] = [p for p in await policies(open_page) if p["record_class"] == "loan"]
    assert (loan["version"], loan["period_days"], loan["coming"]) == (2, 14, [])
    assert (loan["wording"], loan["stated"]) == (adopted["wording_da"], True)


async def policies(worker: Worker) -> list[dict]:
    return (await worker.client.get("/policies", params={"agency": STRUER})).json()["agencies"][0]["policies"]


async def test_what_is_typed_into_a_wording_is_shown_as_text(open_page: Worker):
    await adopt(open_page, wording_da="<script>alert(1)</script> & andet")
    text = await html(open_page, f"?agency={STRUER}")
    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; andet" in text


async def test_a_service_that_is_away_is_said_and_keeps_what_it_told_last(worker: Worker, open_page: Worker):
    assert (await open_page.client.get("/policies")).json()["complete"]
    for client in ("patron-api", "loan-api"):
        connect(worker, client, FastAPI())
    await worker.task("purposes")
    assert (await open_page.client.get("/policies")).json()["complete"]


async def test_a_page_without_all_services_says_so(worker: Worker):
    document = (await worker.client.get("/policies")).json()
    assert not document["complete"]
    assert "Formålene kan ikke hentes" in await html(worker, f"?agency={KOEGE}")


def test_every_record_class_has_its_words():
    for name, record_class in RECORD_CLASSES.items():
        for words in (record_class.title, record_class.begins, record_class.until):
            assert words is None or (words.da and words.en), name
        assert (record_class.begins is not None) == (record_class.way is Way.CLOCK), name
        if record_class.way is not Way.CLOCK or record_class.optional:
            assert record_class.until is not None, f"{name}: say until when it is kept without a policy"
