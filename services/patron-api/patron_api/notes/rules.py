"""What a note warns of as it is written."""

from typing import Literal

from patron_api import free_text
from patron_api.cautions import Caution

NAMES_A_WORK = Caution(
    "note-names-work",
    "Noten ser ud til at nævne et materiale. Skriv ikke, hvad låneren har lånt.",
    "The note seems to name a work. Do not write what the patron has borrowed.",
)
NAMES_A_PERSON = Caution(
    "note-names-number",
    "Noten ser ud til at indeholde et CPR-nummer. Skriv det ikke her.",
    "The note seems to hold a CPR number. Do not write it here.",
)
Kind = Literal["internal", "patron"]
RECORD_CLASS: dict[Kind, str] = {"internal": "internal-note", "patron": "patron-note"}


def note_cautions(text: str) -> list[Caution]:
    """Warn of a note that looks as if it names a work or a CPR number (H95)."""
    return [
        caution
        for caution, applies in ((NAMES_A_WORK, free_text.names_a_work), (NAMES_A_PERSON, free_text.names_a_person))
        if applies(text)
    ]
