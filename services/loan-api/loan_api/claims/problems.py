"""Why a claim is not taken or settled."""

from glem.problems import ProblemType

NO_CLAIM = ProblemType(
    "no-claim", 409, "Ingen har sagt, at lånet er afleveret.", "Nobody has said that this loan was returned."
)
