"""Why a debt is not raised, paid, waived or reversed. Amounts in the sentences are in øre."""

from glem.problems import ProblemType

DEBT_GONE = ProblemType(
    "debt-gone",
    410,
    "Mellemværendet findes ikke, eller det er slettet.",
    "There is no such debt, or it has been erased.",
)
LOAN_OF_ANOTHER = ProblemType(
    "loan-of-another",
    409,
    "Lånet hører ikke til denne låner.",
    "The loan does not belong to this patron.",
)
PAYMENT_UNKNOWN = ProblemType(
    "payment-unknown",
    404,
    "Ingen betaling har dette ordrenummer, eller det, den betalte, er slettet.",
    "No payment has this order number, or what it paid has been erased.",
)
PAYMENT_OVER_DEBT = ProblemType(
    "payment-over-debt",
    409,
    "Betalingen på {amount} øre er større end det skyldige beløb på {owed} øre. Intet er betalt.",
    "The payment of {amount} øre is more than the {owed} øre owed. Nothing was paid.",
)
ORDER_MISMATCH = ProblemType(
    "order-mismatch",
    409,
    "Ordrenummeret er allerede brugt til en anden betaling.",
    "The order number has already been used for another payment.",
)
KEY_MISMATCH = ProblemType(
    "idempotency-key-mismatch",
    409,
    "Nøglen er allerede brugt til noget andet. Intet er ændret.",
    "The key has already been used for something else. Nothing was changed.",
)
WAIVER_OVER_DEBT = ProblemType(
    "waiver-over-debt",
    409,
    "Der kan højst eftergives {owed} øre.",
    "At most {owed} øre can be waived.",
)
FEE_PAID = ProblemType(
    "fee-paid",
    409,
    "Gebyret for den sene aflevering er helt eller delvist betalt og bliver stående.",
    "The fee for the late return is paid in whole or in part, and stays.",
)
