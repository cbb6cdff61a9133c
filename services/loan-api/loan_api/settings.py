"""What loan-api is told by its environment, besides what every service is."""

from pydantic import Field

from glem.settings import Settings

CALENDAR_SECONDS = 30.0


class LoanSettings(Settings):
    """Settings of loan-api."""

    calendar_seconds: float = Field(
        default=CALENDAR_SECONDS, gt=0, description="How often reminders and expiries are looked for."
    )
