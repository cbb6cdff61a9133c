"""Why an item is not lent, renewed, returned; and how FBS calls the "no" to a renewal (parameter `fbs`)."""

from glem.problems import ProblemType

ITEM_ON_LOAN = ProblemType(
    "item-on-loan", 409, "Eksemplaret er udlånt til en anden.", "The item is on loan to somebody else."
)
ITEM_RESERVED = ProblemType(
    "item-reserved", 409, "Materialet er reserveret til en anden.", "This is reserved by somebody else."
)
ITEM_LOST = ProblemType("item-lost", 409, "Eksemplaret er meldt bortkommet.", "The item is registered as lost.")
ITEM_WITHDRAWN = ProblemType(
    "item-withdrawn", 409, "Eksemplaret er taget ud af udlån.", "The item has been taken out of lending."
)
TOO_MANY_LOANS = ProblemType(
    "too-many-loans",
    409,
    "Lånergruppen kan højst have {limit} lån på én gang.",
    "This patron group can have at most {limit} loans at a time.",
)
IMPOSSIBLE_TIME = ProblemType(
    "impossible-time",
    422,
    "Tidspunktet kan ikke passe: det ligger i fremtiden eller før udlånet.",
    "That time cannot be right: it is in the future or before the loan.",
)
LOAN_GONE = ProblemType(
    "loan-gone", 410, "Lånet findes ikke, eller det er slettet.", "There is no such loan, or it has been erased."
)
LOAN_CLOSED = ProblemType("loan-closed", 409, "Lånet er allerede afsluttet.", "The loan has already ended.")
LOAN_OPEN = ProblemType("loan-open", 409, "Lånet er ikke afsluttet.", "The loan has not ended.")
DENIED_RESERVED = ProblemType(
    "denied-reserved",
    409,
    "Lånet kan ikke fornyes: materialet er reserveret af en anden.",
    "The loan cannot be renewed: somebody else has reserved it.",
)
DENIED_MAX_RENEWALS = ProblemType(
    "denied-max-renewals-reached",
    409,
    "Lånet kan ikke fornyes mere end {limit} gange.",
    "The loan cannot be renewed more than {limit} times.",
)
DENIED_BLOCKED = ProblemType(
    "denied-loaner-is-blocked",
    409,
    "Lånet kan ikke fornyes, for låneren er blokeret.",
    "The loan cannot be renewed, for the patron is blocked.",
)
DENIED_NOT_LOANABLE = ProblemType(
    "denied-material-is-not-loanable",
    409,
    "Lånet kan ikke fornyes: lånergruppen må ikke længere låne materialet.",
    "The loan cannot be renewed: the patron group may no longer borrow this.",
)
DENIED_NO_PROFILE = ProblemType(
    "denied-loaning-profile-not-found",
    409,
    "Lånet kan ikke fornyes: biblioteket har ingen regler for lånergruppen.",
    "The loan cannot be renewed: the library has no rules for the patron group.",
)
DENIED_OVERDUE = ProblemType(
    "denied-overdue",
    409,
    "Lånet kan ikke fornyes, for afleveringsdatoen er overskredet.",
    "The loan cannot be renewed, for it is overdue.",
)
DENIED_NO_GAIN = ProblemType(
    "denied-no-gain",
    409,
    "Lånet har allerede den længste frist, en fornyelse kan give i dag.",
    "The loan already has the latest due date that a renewal can give today.",
)
