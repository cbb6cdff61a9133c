"""The record classes of loan-api: its declarations, and the disposals that are truly its own, put together."""

from functools import partial

import loan_api
from glem_retention.agencies import Agencies
from glem_retention.records import OwnDisposal, Records, declared_in
from loan_api import restore
from loan_api.agency import Lending
from loan_api.base import metadata
from loan_api.debts.disposals import DebtAmountDisposer, DebtDisposer
from loan_api.loans.disposals import LoanDisposer

DECLARED = declared_in(loan_api)


def records(lending: Lending, agencies: Agencies) -> Records:
    """Put the declarations together; raises DeclarationError when one is missing."""
    return Records(
        owner="loan-api",
        metadata=metadata,
        declared=DECLARED,
        own=(
            OwnDisposal(
                record_class="loan",
                tables=("loan", "viewed_loan"),
                disposer=LoanDisposer(lending, agencies),
                replay=partial(restore.loans, lending),
            ),
            OwnDisposal(
                record_class="debt",
                tables=("debt", "debt_material"),
                disposer=DebtDisposer(agencies),
                replay=partial(restore.debts, agencies),
            ),
            OwnDisposal(
                record_class="debt-amount",
                tables=("debt", "debt_entry", "payment"),
                disposer=DebtAmountDisposer(),
                replay=restore.whole_debts,
            ),
            OwnDisposal(
                record_class="reservation",
                tables=("reservation",),
                disposer=None,
                replay=partial(restore.reservations, lending),
            ),
        ),
        with_patron=("borrower", "homebound_consent"),
        followed={"patron": partial(restore.patrons, lending)},
    )
