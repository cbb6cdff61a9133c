"""Which columns of lending's tables are about a person, where a person's rows are, and what is left out with which reason."""

from glem_retention.holdings import Holding
from loan_api.base import metadata
from loan_api.borrowers import tables as borrowers
from loan_api.debts import tables as debts
from loan_api.homebound import tables as homebound
from loan_api.loans import tables as loans
from loan_api.records import DECLARED
from loan_api.reservations import tables as reservations
from loan_api.viewings.tables import VIEWINGS

_DECLARED = (borrowers, debts, homebound, loans, reservations)
_TABLES = metadata.tables
NOT_DUE = "patron_id = $1 AND ($2::timestamptz IS NULL OR anchor IS NULL OR anchor > $2)"
WORK = "SELECT {} FROM work WHERE work.agency = {table}.agency AND work.work_id = {table}.work_id"


def _named(table: str) -> dict[str, str]:
    return {name: "(" + WORK.format(name, table=table) + ")" for name in ("title", "creator")}


# Lending's copy of an absence is shown until the absence is due, whether or not patron-api has erased it (R13).
ABSENT = "CASE WHEN (absent_until + 1)::timestamp AT TIME ZONE 'Europe/Copenhagen' <= $2 THEN NULL ELSE {} END"
BORROWER = Holding(
    "borrower",
    _TABLES["borrower"],
    "patron_id = $1 AND NOT erased",
    left_out=dict.fromkeys(("absent_from", "absent_until"), "shown as values of their own until the absence is due"),
    extra={name: ABSENT.format(name) for name in ("absent_from", "absent_until")},
)
LOANS = Holding("loan", _TABLES["loan"], NOT_DUE, extra=_named("loan"))
RESERVATIONS = Holding("reservation", _TABLES["reservation"], "patron_id = $1", extra=_named("reservation"))
HOMEBOUND_CONSENT = Holding("homebound_consent", _TABLES["homebound_consent"], "patron_id = $1")
# A debt whose material is due is shown by its amounts alone, erased or not (R52).
DEBTS = Holding("debt", _TABLES["debt"], "debt_id = ANY($1::bigint[])")
AMOUNTS = Holding(
    "debt",
    _TABLES["debt"],
    "debt_id = ANY($1::bigint[])",
    left_out=dict.fromkeys(("cause", "due_on", "anchor"), "what leads back to the material is due"),
)
MATERIALS = Holding(
    "debt_material",
    _TABLES["debt_material"],
    "debt_id = ANY($1::bigint[])",
    extra={
        "title": "(SELECT title FROM work JOIN debt USING (agency)"
        " WHERE debt.debt_id = debt_material.debt_id AND work.work_id = debt_material.work_id)"
    },
)
ENTRIES = Holding("debt_entry", _TABLES["debt_entry"], "debt_id = ANY($1::bigint[])")
PAYMENTS = Holding(
    "payment",
    _TABLES["payment"],
    "patron_id = $1 AND EXISTS (SELECT FROM debt_entry entry WHERE entry.agency = payment.agency"
    " AND entry.order_id = payment.order_id AND entry.debt_id = ANY($2::bigint[]))",
)
VIEWED_LOANS = Holding(
    "viewed_loan",
    _TABLES["viewed_loan"],
    f"loan_id IN (SELECT loan_id FROM loan WHERE {NOT_DUE})"  # noqa: S608  declared, not given
    f" AND viewing_id IN (SELECT viewing_id FROM viewing WHERE patron_id = $1 AND {VIEWINGS.visible('$3')})",
)
EVERYTHING = (
    BORROWER,
    LOANS,
    RESERVATIONS,
    HOMEBOUND_CONSENT,
    *(item.holding() for item in DECLARED if item.is_exported),
    DEBTS,
    MATERIALS,
    ENTRIES,
    PAYMENTS,
    VIEWED_LOANS,
)
NOT_OF_PATRONS: dict[str, str] = {}
