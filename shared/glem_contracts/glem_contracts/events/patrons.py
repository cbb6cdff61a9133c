"""What patron-api tells: registrations, changes, blocks, consents, erasures."""

from datetime import date

from pydantic import Field

from glem_contracts.events.envelope import EventData
from glem_contracts.events.topics import PATRONS


class PatronSnapshot(EventData):
    """What lending needs to know of a patron; no name, no birth date. A higher version replaces a lower one."""

    topic = PATRONS

    patron_id: int
    version: int
    patron_group: str
    age_band: int = Field(description="The highest age limit of the agency that the patron has reached; 0 below all.")
    home_branch: str
    blocks: list[str] = Field(description="FBS block codes, gravest first.")
    absent_from: date | None
    absent_until: date | None


class PatronRegistered(PatronSnapshot):
    """A patron was registered."""


class PatronChanged(PatronSnapshot):
    """Something that lending needs to know has changed (group, home branch, absence, age band)."""


class PatronBlocked(PatronSnapshot):
    """A block was set."""


class PatronUnblocked(PatronSnapshot):
    """A block was lifted."""


class ContactChanged(EventData):
    """Contact data changed; the old values went in the same transaction (R8-R11)."""

    topic = PATRONS

    patron_id: int


class ConsentGiven(EventData):
    """A patron gave consent for a purpose. A higher `version` (per patron) replaces a lower one; 0 where nobody follows it."""

    topic = PATRONS

    patron_id: int
    purpose: str
    version: int = 0


class ConsentWithdrawn(EventData):
    """A consent ended; what rested on it stops at once. `version` as in ConsentGiven."""

    topic = PATRONS

    patron_id: int
    purpose: str
    version: int = 0


class NoteWritten(EventData):
    """A note was written, replaced or taken away (R22, R23); says nothing else than the clocks."""

    topic = PATRONS

    patron_id: int


class PatronErased(EventData):
    """A patron is gone, with all that was kept of them (R32); later events about them change nothing."""

    topic = PATRONS

    patron_id: int


class PatronDataKept(EventData):
    """Something is kept that no event of its own tells of; says nothing else than clocks, and what went in exchange."""

    topic = PATRONS


class PatronDataErased(EventData):
    """Something about patrons or staff is gone: it fell due, or an act ended it."""

    topic = PATRONS
