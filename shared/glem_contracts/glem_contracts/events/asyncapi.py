"""The AsyncAPI 3.0 document that dashboards read, generated from the event classes."""

from functools import cache

from pydantic.json_schema import models_json_schema

from glem_contracts.events import EVENT_TYPES
from glem_contracts.events.envelope import EventData

SCHEMAS = "#/components/schemas/"


@cache
def document() -> dict[str, object]:
    """Return the document: a channel per topic, a message per event, CloudEvents 1.0 in structured JSON."""
    by_topic: dict[str, list[str]] = {}
    for name, event_type in EVENT_TYPES.items():
        by_topic.setdefault(event_type.topic, []).append(name)
    models: list[tuple[type[EventData], str]] = [(event_type, "validation") for event_type in EVENT_TYPES.values()]
    _, definitions = models_json_schema(models, ref_template=SCHEMAS + "{model}")  # type: ignore[arg-type]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Glem's events",
            "version": "1",
            "description": "Random ids, codes, dates and amounts in øre; never personal text. Kept on the broker for at most 7 days.",
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {
            topic: {
                "address": topic,
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
            }
            for topic, names in sorted(by_topic.items())
        },
        "operations": {
            f"receive-{topic}": {"action": "receive", "channel": {"$ref": f"#/channels/{topic}"}}
            for topic in sorted(by_topic)
        },
        "components": {
            "messages": {name: _message(name, event_type) for name, event_type in EVENT_TYPES.items()},
            "schemas": definitions["$defs"],
        },
    }


def _message(name: str, event_type: type[EventData]) -> dict[str, object]:
    return {
        "name": name,
        "summary": (event_type.__doc__ or "").strip(),
        "payload": {
            "type": "object",
            "required": ["specversion", "id", "type", "source", "subject", "time", "data"],
            "properties": {
                "specversion": {"const": "1.0"},
                "id": {"type": "string", "format": "uuid"},
                "type": {"const": name},
                "source": {"type": "string", "description": "/<service>/<agency>"},
                "subject": {"type": "string", "description": "The record's id; also the Kafka key."},
                "time": {"type": "string", "format": "date-time"},
                "traceparent": {"type": ["string", "null"]},
                "datacontenttype": {"const": "application/json"},
                "data": {"$ref": SCHEMAS + name},
            },
        },
    }
