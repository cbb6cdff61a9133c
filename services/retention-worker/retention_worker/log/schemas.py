"""What crosses the wire about the log. Hashes and signatures are in hex; contents of leaves are texts, to be hashed as they are."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field


class Head(BaseModel):
    """A signed tree head. What is signed: `glem-tree-head-v1`, a line feed, and the other four fields as canonical JSON."""

    log_id: str
    size: int
    root: str
    signed_at: str
    signature: str


class Leaves(BaseModel):
    """Contents of leaves from index `start` on; `size` is how many are signed."""

    start: int
    size: int
    leaves: list[str]


class Inclusion(BaseModel):
    """The audit path of RFC 9162, 2.1.3."""

    index: int
    size: int
    proof: list[str]


class Consistency(BaseModel):
    """The consistency proof of RFC 9162, 2.1.4."""

    first: int
    second: int
    proof: list[str]


class Dispute(BaseModel):
    """A leaf that disputes a receipt, and its proof."""

    leaf: str
    index: int
    proof: list[str]


class ReceiptProof(BaseModel):
    """A receipt's leaf, its proof against `head`, and the disputes of it: with any, the record may not be gone."""

    leaf: str
    index: int
    proof: list[str]
    head: Head
    key: dict[str, str]
    disputes: list[Dispute]


class DisputeWanted(BaseModel):
    """That a receipt turned out to be wrong, and where its record was found."""

    index: int = Field(ge=0)
    reason: Literal["found-in-database", "found-in-backup", "found-in-log", "found-elsewhere"]


class Disputed(BaseModel):
    """The leaf of the dispute; `report_by` is when the authority must know of it at the latest (GDPR, article 33)."""

    index: int
    disputes: int
    report_by: datetime
