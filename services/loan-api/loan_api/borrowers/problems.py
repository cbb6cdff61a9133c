"""Why somebody may not borrow or reserve."""

from glem.problems import ProblemType

UNKNOWN_PATRON = ProblemType(
    "unknown-patron", 404, "Låneren findes ikke i biblioteket.", "The library does not know this patron."
)
PATRON_BLOCKED = ProblemType(
    "patron-blocked",
    409,
    "Låneren er blokeret (kode {block}). Henvend dig på biblioteket.",
    "The patron is blocked (code {block}). Please ask at the library.",
)
DEBT_LIMIT = ProblemType(
    "debt-limit",
    409,
    "Der er ubetalte mellemværender på {balance} øre; grænsen er {limit} øre.",
    "{balance} øre are owed; the limit is {limit} øre.",
)
UNKNOWN_GROUP = ProblemType(
    "unknown-patron-group",
    409,
    "Biblioteket har ingen låneregler for lånergruppen {group}.",
    "The library has no lending rules for patron group {group}.",
)
NOT_FOR_GROUP = ProblemType(
    "not-for-group",
    409,
    "Lånergruppen må ikke låne materialer af typen {type}.",
    "This patron group may not borrow material of type {type}.",
)
AGE_LIMIT = ProblemType(
    "age-limit",
    409,
    "Materialet må lånes fra {years} år.",
    "This may be borrowed from the age of {years}.",
)
UNKNOWN_BRANCH = ProblemType(
    "unknown-branch", 422, "Biblioteket har ingen filial {branch}.", "The library has no branch {branch}."
)
