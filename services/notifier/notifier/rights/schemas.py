"""What patron-api is told of what is left."""

from pydantic import BaseModel


class Remains(BaseModel):
    """What is left of a patron: `forgotten` says that late events change nothing more; `records` counts rows by kind."""

    forgotten: bool
    records: dict[str, int]
