"""Declares calls from one service to another: the answering services, the route, the question and the answer.

The models and calls of one subject stand in one module (`closing`, `titles`, …), and both sides import them. Services are updated
one after the other, so that for some minutes an old caller may call a new owner, or the reverse:

- The caller ignores fields of an answer that it does not know; a field that is added later has a default.
- The owner may answer with a subclass that has more fields than the declared model, never fewer.
- A field's name, type and unit never change; a change needs a new field.
"""

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, TypeAdapter

Answer = TypeVar("Answer")


@dataclass(frozen=True, eq=False)
class Call(Generic[Answer]):
    """One call, made with `glem.clients.Clients.call`; the route that answers it is the owner's.

    `path` may have fields in braces (`/patrons/{patron_id}/closing`), which the caller fills in. `owners` are the services that
    answer it. `answer` reads the JSON of the answer; an answer without content reads as None. `asked` is the model of the
    question, if there is one; it travels as the JSON body, in a GET as the query. `with_token`: the route needs a service's token.
    """

    method: Literal["GET", "POST", "PUT"]
    path: str
    owners: tuple[str, ...]
    answer: TypeAdapter[Answer]
    asked: type[BaseModel] | None = None
    with_token: bool = True
