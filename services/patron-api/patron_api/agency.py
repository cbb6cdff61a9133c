"""The section `[patrons]` of an agency's file: what the library promises about registration, log-in and contact."""

from typing import Literal, Self

from pydantic import Field, model_validator

from glem_retention.agencies import Agencies, Agency, PolicyFileError, Section

Language = Literal["da", "en"]
HOMEBOUND_WORK = "homebound-work"
EXPIRING = ("internal-note", "patron-note", "absence", "lifted-block")


class HomeboundRules(Section):
    """Whether, and for how long, works are remembered for homebound patrons by their written consent (R43, R44)."""

    enabled: bool = False
    group: str = "homebound"
    max_months: int = Field(default=36, ge=1, le=36)
    wording: str = Field(default="1", description="Version of the text that is signed.")


class PatronRules(Section):
    """How one agency treats its patrons."""

    languages: list[Language] = Field(min_length=1, description="Languages of messages that a patron may choose (R19).")
    default_language: Language
    notice_permission: Literal["opt-in", "default-on"] = Field(description="Must a patron permit notices first (R12)?")
    birthdate_purposes: list[Literal["fee", "age-limit"]] = Field(min_length=1, description="R7.")
    age_bands: list[int] = Field(description="Ages, ascending, of which lending is told; [] tells nothing (R7).")
    minor_consent: Literal["required", "child-card"] = Field(
        description="What a patron under 18 needs (R26, R27, R30)."
    )
    guardian_fields: list[Literal["cpr_number", "name", "contact"]] = Field(
        description="What is kept of a guardian (R28)."
    )
    cpr_auto_update: bool = Field(description="Does the CPR register's feed change addresses by itself (R4)?")
    note_days: int = Field(
        default=90, ge=1, le=365, description="The longest that a note may be kept, in days (R22, R23)."
    )
    groups: list[str] = Field(min_length=1, description="Patron groups (R16).")
    pin_lengths: list[int] = Field(default=[4, 5], min_length=1)
    lockout_failures: int = Field(default=5, ge=1, le=20, description="Failed log-ins that lock.")
    lockout_minutes: int = Field(default=120, ge=1, description="How long a lock-out lasts.")
    homebound: HomeboundRules = HomeboundRules()
    permission_wording: str = Field(default="1", description="Version of the text that a permission is given to (R12).")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.default_language not in self.languages:
            message = "default_language must be one of languages"
            raise ValueError(message)
        if self.age_bands != sorted(set(self.age_bands)) or any(not 0 < age < 130 for age in self.age_bands):
            message = "age_bands must be ages in ascending order"
            raise ValueError(message)
        if self.homebound.enabled and self.homebound.group not in self.groups:
            message = "homebound.group must be one of groups"
            raise ValueError(message)
        if any(not 4 <= length <= 12 for length in self.pin_lengths):
            message = "pin_lengths must be between 4 and 12"
            raise ValueError(message)
        return self


def read_rules(agencies: Agencies) -> dict[str, PatronRules]:
    """Return every agency's section; raises PolicyFileError for one that is wrong or has no period for what must expire."""
    rules = agencies.section("patrons", PatronRules)
    for isil, own in rules.items():
        agency = agencies[isil]
        for record_class in EXPIRING:
            if record_class not in agency.retention:
                message = f"{agency.file}: [retention.{record_class}] is missing; such records must expire"
                raise PolicyFileError(message)
        for record_class in EXPIRING[:2]:
            if agency.retention[record_class].period.total_seconds() > own.note_days * 86400:
                message = f"{agency.file}: [retention.{record_class}] period: longer than note_days = {own.note_days} in [patrons]"
                raise PolicyFileError(message)
        if own.homebound.enabled:
            _check_homebound(agency, own.homebound)
    return rules


def _check_homebound(agency: Agency, own: HomeboundRules) -> None:
    """Refuse a scheme without an end, or with a later one than `max_months` allows (R44)."""
    policy = agency.retention.get(HOMEBOUND_WORK)
    if policy is None or policy.period.days > own.max_months * 366 / 12:
        message = f"{agency.file}: [retention.{HOMEBOUND_WORK}] period: at most max_months = {own.max_months} in [patrons.homebound]"
        raise PolicyFileError(message)
