"""The register of what was erased, as services read it: an owner with a restored database erases its records again (H78).

The retention worker answers. The lines hold random ids, codes and times; nothing in them is personal.
"""

from datetime import datetime

from pydantic import BaseModel, Field, TypeAdapter

from glem_contracts.calls import Call


class RegisterLine(BaseModel):
    """One line of the register. `outcome`: erased, redacted, or gone (found gone).

    `anchor` and `due_at` are null, and `policy_version` is 0, for a record that was erased in the action that ended it.
    """

    entry: int
    agency: str
    record_class: str
    record_id: int
    outcome: str
    policy_version: int
    anchor: datetime | None
    due_at: datetime | None
    done_at: datetime


class RegisterPage(BaseModel):
    """Lines in order; ask again with `after` = `next`."""

    entries: list[RegisterLine]
    next: int


class LinesWanted(BaseModel):
    """The lines to return: at most `limit` (up to 10,000) past number `after`, of some record classes, or of all when there are none."""

    after: int = 0
    limit: int = 1000
    record_class: list[str] = Field(default_factory=list)


READ_REGISTER = Call("GET", "/register", ("retention-worker",), TypeAdapter(RegisterPage), asked=LinesWanted)
