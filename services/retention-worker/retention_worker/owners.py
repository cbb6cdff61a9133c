"""The owners of records, as this worker reaches them."""

from collections.abc import Sequence

import httpx
from pydantic import TypeAdapter

from glem.clients import Clients
from glem_contracts.disposals import DisposalOrder, DisposalOutcome, OverdueRecord
from glem_contracts.record_classes import RECORD_CLASSES

OVERDUE = TypeAdapter(list[OverdueRecord])


class OwnerAwayError(Exception):
    """The owner cannot be reached, or cannot work now; its records are tried again soon."""


class OwnerFailedError(Exception):
    """The owner failed at this very order; a smaller one may show which record is to blame."""


class Owners:
    """Orders to the services that hold the records."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    async def dispose(self, order: DisposalOrder) -> DisposalOutcome:
        """Have `order` carried out; raises OwnerAwayError or OwnerFailedError. Repeating an order is harmless."""
        answer = await self._ask("POST", order.record_class, "/disposals", content=order.model_dump_json())
        return DisposalOutcome.model_validate_json(answer)

    async def overdue(self, agency: str, record_class: str, limit: int) -> Sequence[OverdueRecord]:
        """Return what the owner by its own query holds past its period; raises as `dispose`."""
        params = {"agency": agency, "record_class": record_class, "limit": limit}
        return OVERDUE.validate_json(await self._ask("GET", record_class, "/disposals/overdue", params=params))

    async def _ask(self, method: str, record_class: str, path: str, **content: object) -> bytes:
        client = self._clients[RECORD_CLASSES[record_class].owner]
        headers = {"content-type": "application/json"}
        try:
            answer = await client.request(method, path, headers=headers, **content)  # type: ignore[arg-type]
        except httpx.TransportError as error:
            raise OwnerAwayError(type(error).__name__) from error
        if answer.status_code in {401, 429, 502, 503, 504}:
            raise OwnerAwayError(str(answer.status_code))
        if answer.status_code != httpx.codes.OK:
            raise OwnerFailedError(str(answer.status_code))
        return answer.content
