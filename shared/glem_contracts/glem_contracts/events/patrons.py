"""Events of patron-api: registrations, changes, blocks, consents, erasures."""

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
    """Contact data changed; the old values were deleted in the same transaction (R8-R11)."""

    topic = PATRONS

    patron_id: int


class ConsentGiven(EventData):
    """A patron gave consent for a purpose. A higher `version` (per patron) replaces a lower one; 0 for purposes that no service follows."""

    topic = PATRONS

    patron_id: int
    purpose: str
    version: int = 0


class ConsentWithdrawn(EventData):
    """A consent ended; everything that it allowed stops at once. `version` as in ConsentGiven."""

    topic = PATRONS

    patron_id: int
    purpose: str
    version: int = 0


class NoteWritten(EventData):
    """A note was written, replaced or removed (R22, R23); the event holds the clocks only."""

    topic = PATRONS

    patron_id: int


class PatronErased(EventData):
    """A patron was erased with all their data (R32); later events about them change nothing."""

    topic = PATRONS

    patron_id: int


class PatronDataKept(EventData):
    """Records without an event of their own were made; the event holds their clocks, and the records that they replaced."""

    topic = PATRONS


class PatronDataErased(EventData):
    """Records about patrons or staff were erased: they fell due, or an action ended them."""

    topic = PATRONS
