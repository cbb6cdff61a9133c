"""Events of the retention worker: sweeps, holds, policies, breakers; and the dead letter of any service."""

from datetime import date

from pydantic import AwareDatetime, Field

from glem_contracts.events.envelope import EventData
from glem_contracts.events.topics import DEAD_LETTERS, RETENTION


class SweepFinished(EventData):
    """What one sweep did to one agency's records of one class."""

    topic = RETENTION

    record_class: str
    done: int
    gone: int
    refused: int
    oldest_anchor: AwareDatetime


class LegalHoldPlaced(EventData):
    """A legal hold keeps records from being erased until it ends; its subject is the hold."""

    topic = RETENTION

    kind: str = Field(description="police, claim, patron-request or other.")
    ends_at: AwareDatetime
    records: int


class LegalHoldExtended(EventData):
    """A legal hold was given another end."""

    topic = RETENTION

    kind: str
    ends_at: AwareDatetime


class LegalHoldReleased(EventData):
    """A legal hold was ended before its time; its records past their period are erased at once."""

    topic = RETENTION

    kind: str


class LegalHoldErased(EventData):
    """Legal holds that were over for their period are gone, with their authors and reasons."""

    topic = RETENTION


class PolicyAdopted(EventData):
    """A version of a retention policy was adopted; recorded again each hour, for services that were down."""

    topic = RETENTION

    record_class: str
    version: int
    period_seconds: int
    action: str
    effective: AwareDatetime


class BreakerOpened(EventData):
    """Far more records than usual fall due on one day: they wait, invisible, until somebody acknowledges them; all others go on."""

    topic = RETENTION

    record_class: str
    due_day: date
    records: int
    allowed: int


class BreakerClosed(EventData):
    """Somebody has acknowledged the records of a breaker, and lets them go."""

    topic = RETENTION

    record_class: str
    due_day: date
    records: int


class RetentionDataKept(EventData):
    """Records about staff without an event of their own were made; the event holds their clocks, and the records that they replaced."""

    topic = RETENTION


class RetentionDataErased(EventData):
    """Something that the worker kept about staff is gone: it fell due."""

    topic = RETENTION


class DeadLettered(EventData):
    """An event that a consumer could not handle."""

    topic = DEAD_LETTERS

    group: str
    origin: str = Field(description="The topic that it came from.")
    reason: str = Field(description="The kind of failure; never a text out of the event.")
    payload: str = Field(description="The event as received (its first 500,000 bytes), base64.")
