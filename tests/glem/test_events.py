"""Events hold ids, codes, dates and amounts; their document says exactly what they are."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import jsonschema
import orjson
import pytest
from pydantic import AwareDatetime, ValidationError, create_model

from glem.consuming import parse_event
from glem_contracts.events import EVENT_TYPES, TOPICS, ContactChanged
from glem_contracts.events.asyncapi import document
from glem_contracts.events.envelope import Erasure, Event, EventData, RecordClock
from tests.glem.samples import sample
from tests.glem.toys import make_event

if TYPE_CHECKING:
    from collections.abc import Mapping

NUMBERS = {int, bool, date, AwareDatetime, date | None, int | None, AwareDatetime | None, list[int]}
PARTS = {list[RecordClock], list[Erasure]}
TEXTS = {str, str | None, list[str]}
# A text may be a code out of a short list, or the payload of a dead letter, and nothing else.
CODES = {
    "branch",
    "home_branch",
    "pickup_branch",
    "patron_group",
    "blocks",
    "purpose",
    "cause",
    "kind",
    "how",
    "channel",
    "reason",
    "record_class",
    "action",
    "group",
    "origin",
    "payload",
}
PERSONAL = {
    "name",
    "title",
    "address",
    "phone",
    "email",
    "mail",
    "cpr",
    "card",
    "pin",
    "birth",
    "text",
    "body",
    "note",
    "creator",
}
OF_AN_ITEM = {"item", "work", "barcode", "faust", "isbn", "material"}


def complaints(name: str, kind: type[EventData]) -> list[str]:
    """Say what is wrong with the fields of an event."""
    found = []
    words = {field: set(field.split("_")) for field in kind.model_fields}
    for field, info in kind.model_fields.items():
        annotation = info.rebuild_annotation()
        if annotation in TEXTS and field not in CODES:
            found.append(f"{name}.{field} is a text that is not known to be a code")
        elif annotation not in [*NUMBERS, *PARTS, *TEXTS]:
            found.append(f"{name}.{field} is a {annotation}")
        if words[field] & PERSONAL:
            found.append(f"{name}.{field} is named like personal data")
        if words[field] & OF_AN_ITEM and any({"patron", "patrons"} & other for other in words.values()):
            found.append(f"{name} names a patron together with {field}")
    return found


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_an_event_holds_nothing_personal(name: str):
    assert complaints(name, EVENT_TYPES[name]) == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"borrower": (str, ...)}, "not known to be a code"),
        ({"patron_name": (int, ...)}, "named like personal data"),
        ({"extra": (dict[str, str], ...)}, "is a dict"),
        ({"patron_id": (int, ...), "work_id": (int, ...)}, "names a patron together with work_id"),
        ({"patron_id": (int, ...), "item": (int, ...)}, "names a patron together with item"),
    ],
)
def test_a_planted_field_is_found(fields: Mapping[str, tuple], words: str):
    kind = create_model("Planted", __base__=EventData, **fields)
    assert any(words in complaint for complaint in complaints("Planted", kind))


def test_every_event_is_explained_and_on_a_known_topic():
    for kind in EVENT_TYPES.values():
        assert kind.topic in TOPICS
        assert kind.__doc__


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_every_event_goes_and_comes_back(name: str):
    event = make_event(5, sample(EVENT_TYPES[name]))
    read = parse_event(event.to_json())
    assert read.data == event.data
    assert read.type == name
    assert len(event.to_json()) < 2000


def test_no_field_is_let_in_that_is_not_declared():
    with pytest.raises(ValidationError):
        ContactChanged(patron_id=1, name="Karen")  # type: ignore[call-arg]


def test_ids_of_events_are_random():
    assert len({make_event().id for _ in range(100)}) == 100


DOCUMENT = document()


def resolve(reference: str) -> object:
    found: object = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]  # type: ignore[index]
    return found


def references(content: object) -> list[str]:
    if isinstance(content, dict):
        own = [content["$ref"]] if "$ref" in content else []
        return own + [reference for value in content.values() for reference in references(value)]
    return [reference for value in content for reference in references(value)] if isinstance(content, list) else []


def test_the_document_has_the_shape_of_asyncapi_3():
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= DOCUMENT["info"].keys()
    assert set(DOCUMENT) <= {
        "asyncapi",
        "id",
        "info",
        "servers",
        "defaultContentType",
        "channels",
        "operations",
        "components",
    }
    for channel in DOCUMENT["channels"].values():
        assert set(channel) <= {
            "address",
            "messages",
            "title",
            "summary",
            "description",
            "servers",
            "parameters",
            "tags",
            "bindings",
        }
        assert channel["address"] in TOPICS
        assert channel["messages"]
    for operation in DOCUMENT["operations"].values():
        assert operation["action"] in {"send", "receive"}
        assert operation["channel"]["$ref"].startswith("#/channels/")
    for name, message in DOCUMENT["components"]["messages"].items():
        assert message["name"] == name
        assert message["summary"]
    assert orjson.loads(orjson.dumps(DOCUMENT)) == DOCUMENT


def test_every_event_and_topic_is_in_the_document():
    assert set(DOCUMENT["components"]["messages"]) == set(EVENT_TYPES)
    assert set(DOCUMENT["channels"]) == set(TOPICS)
    for name, kind in EVENT_TYPES.items():
        assert name in DOCUMENT["channels"][kind.topic]["messages"]


def test_every_reference_leads_somewhere():
    found = references(DOCUMENT)
    assert len(found) > len(EVENT_TYPES)
    for reference in found:
        assert resolve(reference)


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_the_schema_of_an_event_takes_it_and_nothing_else(name: str):
    payload = {**DOCUMENT["components"]["messages"][name]["payload"], "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator.check_schema(payload)
    validator = jsonschema.Draft202012Validator(payload)
    content = orjson.loads(make_event(5, sample(EVENT_TYPES[name])).to_json())
    validator.validate(content)
    for wrong in (
        {**content, "type": "SomethingElse"},
        {**content, "specversion": "0.3"},
        {key: value for key, value in content.items() if key != "data"},
        {**content, "data": {**content["data"], "name": "Karen"}},
        {**content, "data": {**content["data"], "clocks": [{"record_class": "loan"}]}},
    ):
        assert not validator.is_valid(wrong)


def test_an_envelope_is_a_cloud_event():
    content = orjson.loads(make_event().to_json())
    assert {"specversion", "id", "type", "source", "subject", "time", "datacontenttype", "traceparent", "data"} == set(
        content
    )
    assert content["time"].endswith("Z")
    assert set(Event.model_fields) == set(content)
