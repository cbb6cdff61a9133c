"""From a message in hand to a draft: whom it reaches, and the text; or why it is not sent."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pydantic import BaseModel

from glem.ids import new_id
from glem_contracts.contacts import ReachablePatron
from glem_retention.agencies import AgencyIdentity
from notifier.agency import Language, MessageRules
from notifier.sending import rules
from notifier.sending.rendering import Letter, RenderingError, Text, render
from notifier.sending.rules import Address, Job, Record, Withheld


@dataclass(frozen=True, slots=True)
class Draft:
    """A message that can be handed over. `original` is the message that it doubles on another channel, if it does."""

    job: Job
    address: Address
    language: Language
    text: Text
    speaks_of: frozenset[Record]
    original: int | None = None


@dataclass(frozen=True, slots=True)
class House:
    """An agency as its messages show it."""

    identity: AgencyIdentity
    rules: MessageRules


def draft(
    job: Job, contact: ReachablePatron | None, titles: Mapping[Record, BaseModel], house: House
) -> list[Draft] | Withheld:
    """Write `job` for each channel on which it goes. All of it is sent, or none of it is."""
    where = rules.addresses(job, contact)
    if isinstance(where, Withheld) or contact is None:
        return where if isinstance(where, Withheld) else Withheld("unknown", "unknown-patron")
    records = rules.still_true(job, titles)
    if not records and job.kind not in rules.ABOUT_NO_RECORD:
        return Withheld("suppressed", "no-longer-so")
    language = rules.language(contact, house.rules)
    letter = Letter(
        job=job,
        agency=house.identity,
        contact=contact,
        language=language,
        records=list(records.values()),
        titles_left_out=rules.titles_are_left_out(contact, house.rules),
        note=rules.note(job, contact, house.rules),
    )
    try:
        texts = [render(letter, "mail" if address.channel == "email" else "sms") for address in where]
    except RenderingError:
        return Withheld("failed", "not-written")
    if any(rules.holds_cpr(f"{text.subject}\n{text.body}") for text in texts):
        return Withheld("failed", "cpr-in-text")
    return [
        _draft(job, address, language, text, frozenset(records), is_first=index == 0)
        for index, (address, text) in enumerate(zip(where, texts, strict=True))
    ]


def _draft(
    job: Job, address: Address, language: Language, text: Text, speaks_of: frozenset[Record], *, is_first: bool
) -> Draft:
    on_its_way = replace(
        job,
        message_id=job.message_id if is_first else new_id(),
        channel=address.channel,
        attempts=job.attempts + 1 if is_first else 1,
        outages=job.outages if is_first else 0,
    )
    return Draft(on_its_way, address, language, text, speaks_of, None if is_first else job.message_id)
