"""The envelope of every event: CloudEvents 1.0 around data of random ids, codes, dates and amounts.

Never a name, number, address, title or text, and never a patron together with an item or a work: nobody can delete single events
from Kafka. The events themselves are in `glem_contracts.events`.
"""

from datetime import datetime
from typing import ClassVar
from uuid import uuid4

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Strict(BaseModel):
    """A part of an event: no field that is not declared."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RecordClock(Strict):
    """The retention clock of a record in an event: the worker keeps the highest `version`.

    `anchor` is the time from which the period runs, or null while something holds the record.
    """

    record_class: str
    record_id: int
    version: int
    anchor: AwareDatetime | None


class Erasure(Strict):
    """Records of one class that their owner has erased or redacted in the transaction of this event."""

    record_class: str
    record_ids: list[int]
    action: str = "erase"


class EventData(Strict):
    """The fields that every event may have besides its own."""

    topic: ClassVar[str]

    clocks: list[RecordClock] = Field(default_factory=list)
    erased: list[Erasure] = Field(default_factory=list)


class Event(BaseModel):
    """A CloudEvents 1.0 envelope. `source` is `/<service>/<agency>`, `subject` the record's id."""

    model_config = ConfigDict(frozen=True)

    specversion: str = "1.0"
    id: str
    type: str
    source: str
    subject: str
    time: AwareDatetime
    traceparent: str | None = None
    datacontenttype: str = "application/json"
    data: EventData

    @classmethod
    def of(
        cls,
        data: EventData,
        *,
        service: str,
        agency: str,
        subject: int | str,
        time: datetime,
        traceparent: str | None = None,
    ) -> "Event":
        """Wrap `data`, with a random id; `traceparent` is the trace of the present request (W3C Trace Context)."""
        return cls.model_construct(
            specversion="1.0",
            id=str(uuid4()),
            type=type(data).__name__,
            source=f"/{service}/{agency}",
            subject=str(subject),
            time=time,
            traceparent=traceparent,
            datacontenttype="application/json",
            data=data,
        )

    @property
    def service(self) -> str:
        """The service that recorded the event."""
        return self.source.split("/")[1]

    @property
    def agency(self) -> str:
        """The agency (ISIL) whose record it is."""
        return self.source.split("/")[2]

    def to_json(self) -> bytes:
        """Return the envelope as UTF-8 JSON."""
        return self.__pydantic_serializer__.to_json(self, serialize_as_any=True, exclude_none=False)
