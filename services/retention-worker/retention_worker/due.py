"""Hiding what of the worker's own records is due: its lists are of one library or of all, and each library has its own period."""

from collections.abc import Sequence
from datetime import datetime

from glem.database import columns_of
from glem_retention.agencies import Agencies
from glem_retention.declarations import Declared


def cutoffs(agencies: Agencies, declared: Declared, now: datetime) -> list[Sequence[object]]:
    """Return the two parameters of `visible`: agencies with a policy for the class, and the cutoff of each at `now`."""
    found = [(agency, agencies.cutoff(agency, declared.record_class, now)) for agency in agencies]
    return list(columns_of([each for each in found if each[1] is not None], 2))


def visible(declared: Declared, agency: str, first: str, second: str) -> str:
    """Return the condition that hides what is due by the cutoff of `agency`, a column; the others are the parameters, as `$2`."""
    own = f"unnest({first}::text[], {second}::timestamptz[]) AS due (agency, cutoff) WHERE due.agency = {agency}"
    return declared.visible(f"(SELECT due.cutoff FROM {own})")  # noqa: S608  names of columns and parameters
