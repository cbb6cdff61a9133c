"""Why a debt is not sent to collection, or not closed from it."""

from glem.problems import ProblemType

NOTHING_OWED = ProblemType("nothing-owed", 409, "Der er intet at inddrive.", "There is nothing to collect.")
NOT_IN_COLLECTION = ProblemType(
    "not-in-collection", 409, "Mellemværendet er ikke til inddrivelse.", "The debt is not in collection."
)
