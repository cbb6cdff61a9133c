"""Which service may read and write a mark."""

from glem.identity import Principal
from glem.problems import ProblemType, Refusal
from glem_contracts.record_classes import RECORD_CLASSES

NOT_YOURS = ProblemType(
    "not-your-database",
    403,
    "En tjeneste kan kun melde om sin egen database.",
    "A service may only report its own database.",
)


def check_service(principal: Principal, service: str) -> Refusal | None:
    """Refuse a bearer that is not that service."""
    return None if principal.role == "service" and principal.subject == service else NOT_YOURS()


def classes_of(service: str) -> list[str]:
    """Return the record classes that `service` owns."""
    return [name for name, record_class in RECORD_CLASSES.items() if record_class.owner == service]
