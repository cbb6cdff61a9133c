"""From what is true to what is written: Jinja2 templates, one per kind and language, with a block for each part."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined, TemplateError
from pydantic import BaseModel

from glem.dates import in_words
from glem_contracts.contacts import ReachablePatron
from glem_contracts.titles import DebtTitle, LoanTitle, ReservationTitle
from glem_retention.agencies import AgencyIdentity
from notifier.agency import Language
from notifier.sending.rules import Job, due_on_of

LONGEST_TITLES_IN_SMS = 200


class RenderingError(Exception):
    """A message could not be written; the text names the template's fault and nothing of the patron."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What a template is filled with."""

    job: Job
    agency: AgencyIdentity
    contact: ReachablePatron
    language: Language
    records: Sequence[BaseModel]
    titles_left_out: bool
    note: str | None


@dataclass(frozen=True, slots=True)
class Text:
    """What is written. An SMS has no subject."""

    subject: str
    body: str


def day(value: date, language: Language) -> str:
    """Write a day: 3. marts 2026, 3 March 2026."""
    return in_words(value, language)


def kroner(amount: int, language: Language) -> str:
    """Write an amount in øre: 1.230,50 kr., DKK 1,230.50."""
    text = f"{amount / 100:,.2f}"
    return f"{text.translate(str.maketrans(',.', '.,'))} kr." if language == "da" else f"DKK {text}"


# What is written is plain text, never HTML.
_environment = Environment(  # noqa: S701
    loader=PackageLoader("notifier"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_environment.filters.update(day=day, kroner=kroner)


def render(letter: Letter, part: Literal["mail", "sms"]) -> Text:
    """Write `letter`; raises RenderingError."""
    values = _values(letter)
    if part == "sms" and _length_of_titles(letter.records) > LONGEST_TITLES_IN_SMS:
        values["title_free"] = True
    try:
        template = _environment.get_template(f"{letter.job.kind}.{letter.language}.j2")
        blocks = ("subject", "mail") if part == "mail" else ("sms",)
        written = ["".join(template.blocks[block](template.new_context(values))) for block in blocks]
    except TemplateError as error:
        raise RenderingError(type(error).__name__) from error
    if part == "sms":
        return Text("", " ".join(written[0].split()))
    return Text(" ".join(written[0].split()), written[1].strip() + "\n")


def _length_of_titles(records: Sequence[BaseModel]) -> int:
    named = [record.title for record in records if isinstance(record, LoanTitle | ReservationTitle)]
    owed = [title for record in records if isinstance(record, DebtTitle) for title in record.titles]
    return sum(len(title) for title in [*named, *owed])


def _values(letter: Letter) -> dict[str, object]:
    records = letter.records
    reservation = next((record for record in records if isinstance(record, ReservationTitle)), None)
    return {
        "agency": letter.agency.name,
        "ask": letter.agency.contact,
        "name": letter.contact.name,
        "language": letter.language,
        "occasion": letter.job.occasion,
        "reminder": letter.job.reminder,
        "due_on": letter.job.due_on or due_on_of(records),
        "loans": [record for record in records if isinstance(record, LoanTitle)],
        "reservation": reservation,
        "branch": letter.agency.branches.get(reservation.pickup_branch, letter.agency.name) if reservation else None,
        "debts": [record for record in records if isinstance(record, DebtTitle)],
        "owed": sum(record.balance for record in records if isinstance(record, DebtTitle)),
        "title_free": letter.titles_left_out,
        "note": letter.note,
    }
