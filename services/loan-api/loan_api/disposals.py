"""What loan-api can erase: its record classes, and who sees to each."""

from collections.abc import Mapping

from glem.agencies import Agencies
from glem.disposals import Disposer
from loan_api.debts import rules
from loan_api.debts.disposals import DebtAmountDisposer, DebtDisposer


def disposers(agencies: Agencies) -> Mapping[str, Disposer]:
    """Return the disposer of each record class of this service."""
    return {rules.DEBT: DebtDisposer(agencies), rules.AMOUNT: DebtAmountDisposer()}
