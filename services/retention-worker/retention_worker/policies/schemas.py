"""What crosses the wire about policies and their changes."""

import re
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field, StringConstraints

PERIOD = re.compile(r"P(?=\d|T\d)(?:(\d{1,5})D)?(?:T(\d{1,5})H)?", re.ASCII)
Wording = Annotated[str, StringConstraints(strip_whitespace=True, min_length=10, max_length=500)]


def _period(value: object) -> timedelta:
    """Read days and hours; a bare number is refused, for nobody could say of what."""
    found = PERIOD.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        message = "must be days or hours as in P14D or PT24H"
        raise ValueError(message)
    return timedelta(days=int(found[1] or 0), hours=int(found[2] or 0))


Period = Annotated[timedelta, BeforeValidator(_period, json_schema_input_type=str)]


class ProposalWanted(BaseModel):
    """A change of one policy. `wording_da` and `wording_en` are the promise as patrons will read it."""

    record_class: str
    period: Period
    action: Literal["erase", "redact"] | None = Field(
        default=None, description="The action as it is; a change of it needs a release."
    )
    wording_da: Wording
    wording_en: Wording
    effective: AwareDatetime


class Step(BaseModel):
    """What somebody did, and when; `account` is shown to those who may change policies, until it is due."""

    kind: Literal["proposed", "approved", "withdrawn"]
    account: str | None
    at: datetime
    records: int | None


class Proposal(BaseModel):
    """A proposed change and what became of it; `version` is what it would be, or became."""

    proposal_id: int
    agency: str
    record_class: str
    version: int
    period_days: float
    wording_da: str
    wording_en: str
    effective: datetime
    state: Literal["proposed", "adopted", "withdrawn"]
    steps: list[Step]


class Preview(BaseModel):
    """What a change does at its effective time to what is known now.

    `records` fall due at that moment that would not be due by then without it; of these, `held` are under legal hold.
    `usual_days` is how many usual days that is.
    """

    proposal_id: int
    agency: str
    record_class: str
    records: int
    held: int
    oldest_anchor: datetime | None
    usual_days: float


class Approval(BaseModel):
    """That a second person has seen the preview, and its number."""

    records: int = Field(ge=0, le=10**12)


class Text(BaseModel):
    """A text in both languages."""

    da: str
    en: str

    def of(self, language: str) -> str:
        """Return it in `language` ("da" or "en")."""
        return self.en if language == "en" else self.da


class PolicyVersion(BaseModel):
    """One version of a policy. `stated`: the library has said so; else it is a default. `wording` is Danish."""

    version: int
    period_days: float
    effective: datetime
    wording: str
    wording_en: str
    stated: bool

    def words(self, language: str) -> str:
        """Return the promise in `language`, in Danish where there is no other."""
        return (self.wording_en if language == "en" else "") or self.wording


class PolicyInForce(PolicyVersion):
    """A policy as it runs, with the versions that were adopted and are still to come."""

    agency: str
    record_class: str
    action: Literal["erase", "redact"]
    rows: list[str]
    coming: list[PolicyVersion]


class Use(BaseModel):
    """What fields of a kind of record are for (R114); `fields` are table and column."""

    purpose: Text
    fields: list[str]


class Kind(BaseModel):
    """A kind of record: from when its period is counted, or until when it is kept where it has none; rows of the checklist."""

    record_class: str
    name: Text
    begins: Text | None
    until: Text | None
    rows: list[str]
    uses: list[Use]


class OpenMatter(BaseModel):
    """What the library's policy leaves open, and what is done instead."""

    matter: Text
    done: Text
    rows: list[str]


class AgencyPage(BaseModel):
    """What one library keeps, how long and what for. `dpo` is null where the library names none."""

    agency: str
    name: str
    municipality: str
    controller: str
    contact: str
    dpo: str | None
    policies: list[PolicyInForce]
    kinds: list[Kind]
    open: list[OpenMatter]


class PolicyPages(BaseModel):
    """The public page, of one library or of all. `complete`: every service could be asked what its fields are for."""

    generated_at: datetime
    complete: bool
    agencies: list[AgencyPage]
