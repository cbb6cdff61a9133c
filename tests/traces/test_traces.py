"""What is left of a patron's data once it is forgotten: looked for in every table, dump, log, page and file."""

import pytest

from .conftest import Seen
from .markers import Markers, forms
from .sinks import SERVICES

pytestmark = [pytest.mark.timeout(600), pytest.mark.slow]

FORGOTTEN = ("internal_note", "patron_note", "email", "phone")
KEPT_WITH_THE_PATRON = ("name", "street", "cpr", "card", "new_email", "new_phone")
OWNER = "patron-api"
RAW = "raw "


def outside(sightings: dict[str, int], *allowed: str) -> dict[str, int]:
    """Those sightings that are in no allowed sink."""
    return {sink: count for sink, count in sightings.items() if not sink.startswith(allowed)}


def test_the_scanner_sees_what_is_there(seen: Seen):
    for what in (*FORGOTTEN[:2], *KEPT_WITH_THE_PATRON):
        found = seen.before.of(what)
        assert f"dump {OWNER}" in found, what
        assert any(sink.startswith(f"table {OWNER}") for sink in found), what
        assert any(sink.startswith(RAW) for sink in found), what
    assert "table loan-api work" in seen.before.of("title")
    assert seen.before.of("control")["raw pg_wal"]
    searched = seen.before.searched
    for service in SERVICES:
        assert searched[f"table {service} outbox"] > 500
        assert searched[f"page {service} /metrics"] > 500
        assert searched[f"dump {service}"] > 5_000
    assert searched["raw base"] > 10_000_000
    assert searched["raw pg_wal"] > 10_000_000
    assert any(sink.startswith("log ") for sink in searched)
    assert any(sink.startswith("file keys/") for sink in searched)


def test_the_scanner_reads_the_outbox_the_log_and_the_broker(seen: Seen):
    found = seen.before.of("patron id")
    assert {f"table {service} outbox" for service in ("patron-api", "loan-api", "notifier")} <= found.keys()
    if seen.place.kafka is not None:
        assert found["kafka segments"] > 10


def test_texts_were_really_sent_and_kept(seen: Seen):
    texts = seen.story.markers.texts
    assert len(texts) >= 5, texts
    assert any(seen.story.markers.title in text for text in texts)
    assert any(seen.story.markers.name in text for text in texts)


def test_no_text_of_a_message_is_readable_in_any_file_while_it_is_kept_or_after(seen: Seen):
    for when in (seen.before, seen.after, seen.erased, seen.rewritten):
        assert not {sink for what in when_texts(seen) for sink in when.of(what)}


def when_texts(seen: Seen) -> list[str]:
    return [f"text {number}" for number in range(len(seen.story.markers.texts))]


def test_a_text_in_the_clear_would_outlive_its_deletion(seen: Seen):
    """Why texts are sealed: the same search finds what DELETE, VACUUM and CHECKPOINT leave."""
    left = seen.after.of("control")
    assert left
    assert all(sink.startswith(RAW) for sink in left), left


@pytest.mark.parametrize("what", FORGOTTEN)
def test_what_was_forgotten_is_in_no_table_dump_page_log_or_segment(seen: Seen, what: str):
    assert not outside(seen.after.of(what), RAW)


@pytest.mark.parametrize("what", [*FORGOTTEN, *KEPT_WITH_THE_PATRON])
def test_an_erased_patron_is_in_no_table_dump_page_log_or_segment(seen: Seen, what: str):
    assert not outside(seen.erased.of(what), RAW)


@pytest.mark.parametrize("what", [*FORGOTTEN, *KEPT_WITH_THE_PATRON])
def test_nothing_of_it_is_in_the_files_once_they_are_written_anew(seen: Seen, what: str):
    assert not outside(seen.rewritten.of(what), "raw pg_wal")


@pytest.mark.parametrize("what", KEPT_WITH_THE_PATRON)
def test_what_is_kept_with_the_patron_is_at_its_owner_only(seen: Seen, what: str):
    for when in (seen.before, seen.after):
        assert not outside(when.of(what), f"table {OWNER}", f"dump {OWNER}", RAW)


@pytest.mark.parametrize("what", [*FORGOTTEN, *KEPT_WITH_THE_PATRON, "title"])
def test_events_logs_and_pages_never_held_any_of_it(seen: Seen, what: str):
    for when in (seen.before, seen.after, seen.erased):
        found = when.of(what)
        assert not [sink for sink in found if "outbox" in sink or sink.startswith(("kafka", "log", "page", "file"))]


def test_a_title_is_a_fact_of_the_catalogue_and_of_nothing_else(seen: Seen):
    assert not outside(seen.after.of("title"), "table loan-api work", "dump loan-api", "table loan-api pg_stats", RAW)


async def test_no_row_leads_from_the_patron_to_a_work(seen: Seen):
    story = seen.story
    leading = {*story.works[:2], *story.items[:2], *map(str, story.loans)}
    for service in SERVICES:
        for table in await tables(seen, service):
            rows = await story.library.rows(service, f'SELECT t::text AS line FROM "{table}" t')
            for line in (row["line"] for row in rows):
                if str(story.patron_id) in line:
                    assert not [value for value in leading if value in line], f"{service}.{table}: {line}"


async def test_no_event_that_is_kept_leads_from_the_patron_to_a_work(seen: Seen):
    story = seen.story
    for service in SERVICES:
        rows = await story.library.rows(service, "SELECT convert_from(payload, 'UTF8') AS line FROM outbox")
        for line in (row["line"] for row in rows):
            assert not [value for value in (*story.works, *story.items) if value in line], line


async def tables(seen: Seen, service: str) -> list[str]:
    found = await seen.story.library.rows(
        service, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    )
    return [row["table_name"] for row in found]


async def test_the_bystander_is_untouched(seen: Seen):
    story = seen.story
    shown = await story.library.ask("GET", "patron-api", f"/patrons/{story.bystander_id}", "librarian")
    assert (shown["name"], shown["emails"][0]["address"]) == (story.bystander.name, story.bystander.email)
    loans = await story.library.ask("GET", "loan-api", f"/patrons/{story.bystander_id}/loans", "librarian")
    assert [loan["title"] for loan in loans] == [story.bystander.title]


def test_what_is_left_in_dead_bytes_is_told(seen: Seen, capsys: pytest.CaptureFixture[str]):
    """Print what docs/guarantees.md states under its limits."""
    lines = []
    for what in (*FORGOTTEN, *KEPT_WITH_THE_PATRON, "control", *when_texts(seen)[:1]):
        stages = (seen.before, seen.after, seen.erased, seen.rewritten)
        heap, wal = (
            " ".join(f"{when.of(what).get(sink, 0):>3}" for when in stages) for sink in (RAW + "base", RAW + "pg_wal")
        )
        lines.append(f"{what:<14} base {heap}   pg_wal {wal}   (kept, forgotten, erased, tables rewritten)")
    with capsys.disabled():
        print("\n" + "\n".join(lines))
    assert len(lines) == len(FORGOTTEN) + len(KEPT_WITH_THE_PATRON) + 2


def test_every_form_of_a_number_is_looked_for():
    number = Markers().cpr
    for shown in (number, f"{number[:6]}-{number[6:]}", f"{number[:6]} {number[6:]}"):
        assert shown.encode() in forms(number)
        assert shown.encode().hex().encode() in forms(number)
