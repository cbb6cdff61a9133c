"""Who may tell what of whose database."""

from glem.identity import Principal
from glem.problems import ProblemType, Refusal
from glem_contracts.record_classes import RECORD_CLASSES

NOT_YOURS = ProblemType(
    "not-your-database",
    403,
    "En tjeneste kan kun melde om sin egen database.",
    "A service may only tell of its own database.",
)


def may_tell(principal: Principal, service: str) -> Refusal | None:
    """Say whether the bearer is that service."""
    return None if principal.role == "service" and principal.subject == service else NOT_YOURS()


def classes_of(service: str) -> list[str]:
    """Return the record classes that `service` owns."""
    return [name for name, record_class in RECORD_CLASSES.items() if record_class.owner == service]
