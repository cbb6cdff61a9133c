"""Section [lending] of an agency's file: what may be lent, how long, and what lateness costs. Amounts are in øre."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from glem_retention.agencies import Agencies, Section

Days = Annotated[int, Field(ge=1, le=366)]
Amount = Annotated[int, Field(ge=0, le=1_000_000)]
# Which debts hold a loan (R35): the debts that are for it, or all debts of its patron.
FeeScope = Literal["loan", "patron"]


class FeeStep(Section):
    """A fee for loans returned at most `days` days late; without `days`, for all that are later."""

    days: Days | None = None
    amount: Amount


class Fees(Section):
    """The price list of overdue fees, by age (R7, R55); steps by growing `days`, the last one without."""

    adult: list[FeeStep] = Field(min_length=1)
    child: list[FeeStep] = Field(min_length=1)

    @model_validator(mode="after")
    def _ordered(self) -> "Fees":
        for steps in (self.adult, self.child):
            days = [step.days for step in steps[:-1]]
            if None in days or steps[-1].days is not None or days != sorted(set(days)):  # type: ignore[type-var]
                message = "fee steps must have growing `days`, and the last one none"
                raise ValueError(message)
        return self


class GroupRules(Section):
    """What a patron group means (R16)."""

    loan_days: Days
    renewals: int = Field(ge=0, le=100)
    max_loans: int = Field(ge=1)
    fees: bool = True
    reminders: bool = True
    may_borrow: list[str] = Field(default=["*"], description='Types of works, or "*" for all.', min_length=1)

    def lends(self, work_type: str) -> bool:
        """Say whether the group may borrow works of this type."""
        return "*" in self.may_borrow or work_type in self.may_borrow


class LendingRules(Section):
    """How an agency lends. `fee_scope`: whether a debt holds its own loans or all of the patron's (R35)."""

    debt_limit: Amount = Field(description="From this balance on the patron is blocked (R57).")
    fee_scope: FeeScope = "loan"
    child_below: int = Field(ge=0, le=18, description="Patrons below this age pay the child's fees.")
    due_soon_days: int = Field(ge=0, le=30)
    reminder_days: list[Days] = Field(description="Days after the due date, growing.")
    pickup_days: Days
    interest_days: Days
    max_reservations: int = Field(ge=1)
    viewings_per_hour: int = Field(
        default=60, ge=1, description="Of how many patrons one member of staff may see ended loans before it is told."
    )
    fees: Fees
    groups: dict[str, GroupRules] = Field(min_length=1)
    loan_days_by_type: dict[str, Days] = Field(default={}, description="Shorter periods for some types of works.")

    @model_validator(mode="after")
    def _growing(self) -> "LendingRules":
        if self.reminder_days != sorted(set(self.reminder_days)):
            message = "reminder_days must grow"
            raise ValueError(message)
        return self

    def loan_days(self, group: GroupRules, work_type: str) -> int:
        """Return for how many days `group` borrows works of this type: the shorter of both periods."""
        return min(group.loan_days, self.loan_days_by_type.get(work_type, group.loan_days))


class BirthdatePurposes(BaseModel):
    """The one key of section [patrons] that lending heeds: Struer does not use the birth date for age limits (R7)."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    birthdate_purposes: list[str] = ["fee"]


class Lending(Mapping[str, LendingRules]):
    """The lending rules of all agencies, by ISIL; and which of them use age limits."""

    def __init__(self, agencies: Agencies) -> None:
        """Read the sections; raises PolicyFileError naming file and field."""
        self._rules = agencies.section("lending", LendingRules)
        purposes = agencies.section("patrons", BirthdatePurposes)
        self._age_limits = frozenset(isil for isil, use in purposes.items() if "age-limit" in use.birthdate_purposes)

    def __getitem__(self, isil: str) -> LendingRules:
        return self._rules[isil]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)

    def uses_age_limits(self, isil: str) -> bool:
        """Say whether the agency keeps age limits on works (R7)."""
        return isil in self._age_limits


async def lending_of(request: Request) -> Lending:
    """Give a route the lending rules of all agencies."""
    lending: Lending = request.app.state.lending
    return lending


LendingContext = Annotated[Lending, Depends(lending_of)]
