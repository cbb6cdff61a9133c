"""When a patron needs a guardian's consent, and what is kept of the guardian."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from glem.clock import end_of_local_day
from glem.problems import ProblemType, Refusal
from patron_api.agency import PatronRules
from patron_api.cautions import Caution
from patron_api.cpr import Cpr
from patron_api.patrons.rules import AGE_OF_MAJORITY, has_reached

CONSENT_MISSING = ProblemType(
    "guardian-consent-missing",
    422,
    "En låner under 18 år oprettes først, når én forælder eller værge har givet skriftligt samtykke.",
    "A patron under 18 is registered only after one parent or guardian has consented in writing.",
)
CONSENT_LATE = ProblemType(
    "guardian-consent-late",
    422,
    "Samtykket skal være givet før oprettelsen.",
    "The consent must have been given before the registration.",
)
GUARDIAN_IS_PATRON = ProblemType(
    "guardian-is-patron",
    400,
    "Værgen og barnet kan ikke have samme CPR-nummer.",
    "The guardian and the child cannot have the same CPR number.",
)
GUARDIAN_UNDER_AGE = ProblemType(
    "guardian-under-age", 422, "En værge skal være fyldt 18 år.", "A guardian must be 18 or older."
)
GUARDIAN_NOT_NEEDED = ProblemType(
    "guardian-not-needed",
    422,
    "En låner, der er fyldt 18 år, har ingen værge her.",
    "A patron of 18 or older has no guardian here.",
)
GUARDIAN_INCOMPLETE = ProblemType(
    "guardian-incomplete",
    422,
    "Biblioteket skal også have disse oplysninger om værgen: {fields}.",
    "The library also needs these data of the guardian: {fields}.",
)
NOT_KEPT = Caution(
    "guardian-fields-not-kept",
    "Biblioteket gemmer ikke alle de oplysninger om værgen, der blev givet.",
    "The library does not keep all the data of the guardian that were given.",
)


@dataclass(frozen=True, slots=True)
class GuardianData:
    """A guardian and the day of the written consent."""

    consent_on: date
    cpr: Cpr | None = None
    name: str | None = None
    phone: str | None = None
    email: str | None = None

    @property
    def given(self) -> set[str]:
        """Which of the agency's guardian fields are there."""
        values = {"cpr_number": self.cpr, "name": self.name, "contact": self.phone or self.email}
        return {name for name, value in values.items() if value is not None}


def begins(until: date) -> datetime:
    """Return the start of the Danish day `until`, the 18th birthday: from then on a guardian's period runs (R27)."""
    return end_of_local_day(until - timedelta(days=1))


def acceptable(child: Cpr, guardian: GuardianData | None, rules: PatronRules, today: date) -> Refusal | None:
    """Refuse to register someone under 18 without what the agency needs of a guardian, and a guardian who cannot be one."""
    if has_reached(child.birth_date, AGE_OF_MAJORITY, today):
        return GUARDIAN_NOT_NEEDED() if guardian is not None else None
    if guardian is None:
        return CONSENT_MISSING() if rules.minor_consent == "required" else None
    if guardian.consent_on > today:
        return CONSENT_LATE()
    if guardian.cpr is not None:
        if guardian.cpr.reveal() == child.reveal():
            return GUARDIAN_IS_PATRON()
        if not has_reached(guardian.cpr.birth_date, AGE_OF_MAJORITY, today):
            return GUARDIAN_UNDER_AGE()
    missing = [name for name in rules.guardian_fields if name not in guardian.given]
    return GUARDIAN_INCOMPLETE(fields=", ".join(missing)) if missing else None


def kept(guardian: GuardianData, rules: PatronRules) -> tuple[GuardianData, list[Caution]]:
    """Return what the agency keeps of a guardian (R28), and a warning when that is less than was given."""
    fields = rules.guardian_fields
    minimal = GuardianData(
        consent_on=guardian.consent_on,
        cpr=guardian.cpr if "cpr_number" in fields else None,
        name=guardian.name if "name" in fields else None,
        phone=guardian.phone if "contact" in fields else None,
        email=guardian.email if "contact" in fields else None,
    )
    return minimal, [] if minimal == guardian else [NOT_KEPT]
