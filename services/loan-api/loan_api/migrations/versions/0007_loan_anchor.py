"""The rule of a loan's anchor as a function, which every statement asks."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# As loans/anchor.sql was then. The function is a newer one where a later migration replaces it.
LOAN_ANCHOR = """
CREATE OR REPLACE FUNCTION loan_anchor(
    loan_id bigint,
    patron_id bigint,
    returned_at timestamptz,
    fee_scope text,
    as_of timestamptz DEFAULT 'infinity'
) RETURNS TABLE (anchor timestamptz) ROWS 1 LANGUAGE sql STABLE
AS $function$
SELECT CASE
    WHEN loan_anchor.returned_at IS NOT NULL AND count(*) = count(debt_then.settled_at)
    THEN greatest(loan_anchor.returned_at, max(debt_then.settled_at))
END
-- The debts that hold the loan: one of the two branches is empty.
FROM (
    SELECT debt.debt_id, debt.raised_at, debt.settled_at
    FROM debt_material JOIN debt ON debt.debt_id = debt_material.debt_id
    WHERE loan_anchor.fee_scope = 'loan' AND debt_material.loan_id = loan_anchor.loan_id
    UNION ALL
    SELECT debt.debt_id, debt.raised_at, debt.settled_at
    FROM debt
    WHERE loan_anchor.fee_scope = 'patron' AND debt.patron_id = loan_anchor.patron_id
) AS debt
-- When each was settled, or null while something was owed. The row says it, unless the debt was settled or reversed at `as_of`
-- or later: then the ledger says it. The last entry of a ledger that adds up to nothing is its settlement.
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN loan_anchor.as_of = 'infinity' OR debt.settled_at < loan_anchor.as_of THEN debt.settled_at
        ELSE (
            SELECT max(debt_entry.at) FROM debt_entry
            WHERE debt_entry.debt_id = debt.debt_id AND debt_entry.at < loan_anchor.as_of
            HAVING sum(debt_entry.amount) = 0
        )
    END AS settled_at
) AS debt_then
WHERE debt.raised_at < loan_anchor.as_of
$function$;
"""


def upgrade() -> None:
    op.execute(LOAN_ANCHOR)
