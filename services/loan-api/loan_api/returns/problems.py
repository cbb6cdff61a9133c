"""Why a return is not taken, or not undone."""

from glem.problems import ProblemType

NOT_ON_LOAN = ProblemType("not-on-loan", 409, "Eksemplaret er ikke udlånt.", "The item is not on loan.")
LENT_AGAIN = ProblemType(
    "lent-again",
    409,
    "Afleveringen kan ikke fortrydes: eksemplaret er udlånt igen.",
    "The return cannot be undone: the item has been lent again.",
)
