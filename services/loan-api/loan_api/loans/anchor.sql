-- The anchor of a loan: the time from which its retention period runs (R33 to R37).
-- It is the later of the return and of the last settlement of the debts that hold the loan. It is null while the loan is open,
-- and while something is owed on a debt that holds it.
--
--   fee_scope   which debts hold a loan (R35): 'loan', the debts that were raised for it; 'patron', all debts of its patron (H24)
--   as_of       read the facts as they stood just before this time: what was raised or reversed then or later is not counted,
--               because it finds a loan that is gone, erased or not (H12). Without it, as they stand now
--
-- `returned_at` is an argument, so that a statement that closes a loan can ask before it has written. The function returns a
-- table of one row because PostgreSQL inlines such a function into the statement that calls it; a function that returns a
-- value would be called for each row. Write it in FROM, or as (SELECT anchor FROM loan_anchor(...)).
--
-- `rules.loan_anchor` is the same rule in Python, and tests/loan_api/test_anchor.py holds the two together. The database has
-- this text from a migration: whoever changes it writes a migration that replaces the function.
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
