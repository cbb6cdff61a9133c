"""What the catalogue refuses, and how long a line of an import may be."""

from glem.problems import ProblemType

UNKNOWN_WORK = ProblemType(
    "unknown-work", 404, "Biblioteket har ikke den post.", "The library does not have this work."
)
UNKNOWN_ITEM = ProblemType(
    "unknown-item",
    404,
    "Biblioteket har ikke et eksemplar med den stregkode.",
    "The library has no item with this barcode.",
)
LONGEST_LINE = 100_000
