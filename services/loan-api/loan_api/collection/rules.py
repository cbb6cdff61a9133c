"""How long a debt can be claimed at all."""

from datetime import date

LIMITATION_YEARS = 3


def limitation(today: date) -> date:
    """Return the day on which a debt that is statute-barred today was raised at the latest (Act on limitation, section 3)."""
    try:
        return today.replace(year=today.year - LIMITATION_YEARS)
    except ValueError:
        return today.replace(year=today.year - LIMITATION_YEARS, day=28)
