"""What the retention worker tells: sweeps, holds, policies, breakers; and what a consumer could not handle."""

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
    """A legal hold was ended before its time; what is past its period goes at once."""

    topic = RETENTION

    kind: str


class LegalHoldErased(EventData):
    """Legal holds that were over for their period are gone, with their authors and reasons."""

    topic = RETENTION


class PolicyAdopted(EventData):
    """A version of a retention policy was adopted; told again now and then, for services that were away."""

    topic = RETENTION

    record_class: str
    version: int
    period_seconds: int
    action: str
    effective: AwareDatetime


class BreakerOpened(EventData):
    """Far more records fall due on one day than usual: they wait, out of sight, until a second look; all others go on."""

    topic = RETENTION

    record_class: str
    due_day: date
    records: int
    allowed: int


class BreakerClosed(EventData):
    """Somebody has looked at the records that a breaker kept, and lets them go."""

    topic = RETENTION

    record_class: str
    due_day: date
    records: int


class RetentionDataKept(EventData):
    """The worker keeps something about staff that no event of its own tells of; says nothing else than clocks, and what went in exchange."""

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
