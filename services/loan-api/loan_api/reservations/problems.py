"""Why a reservation is not placed, changed or found."""

from glem.problems import ProblemType

NOT_RESERVABLE = ProblemType(
    "not-reservable",
    409,
    "Biblioteket har ingen eksemplarer af dette, der kan reserveres.",
    "The library has no items of this that can be reserved.",
)
ALREADY_RESERVED = ProblemType(
    "already-reserved", 409, "Det er allerede reserveret til låneren.", "The patron has already reserved this."
)
ALREADY_LOANED = ProblemType(
    "already-loaned", 409, "Låneren har det allerede til låns.", "The patron already has this on loan."
)
TOO_MANY_RESERVATIONS = ProblemType(
    "too-many-reservations",
    409,
    "Der kan højst være {limit} reserveringer på én gang.",
    "There can be at most {limit} reservations at a time.",
)
RESERVATION_GONE = ProblemType(
    "reservation-gone",
    404,
    "Reserveringen findes ikke (længere).",
    "There is no such reservation (any more).",
)
RESERVATION_READY = ProblemType(
    "reservation-is-ready",
    409,
    "Materialet står allerede klar til afhentning og kan ikke flyttes.",
    "The item already waits on the shelf and cannot be moved.",
)
BAD_INTEREST_PERIOD = ProblemType(
    "bad-interest-period",
    422,
    "Interessedatoen skal være i dag eller senere, og højst et år frem.",
    "The interest period must end today or later, and within a year.",
)
