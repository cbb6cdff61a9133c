"""The content of leaves, and the signing of heads. `glem verify` computes the same texts by its own code."""

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from glem.problems import ProblemType

HEAD_DOMAIN = b"glem-tree-head-v1\n"
RESIGN = timedelta(hours=1)
NOTICE = timedelta(hours=72)

NOT_ERASED = ProblemType(
    "not-erased",
    404,
    "Der er ingen kvittering for denne post: den er ikke slettet, eller ikke endnu.",
    "There is no receipt for this record: it is not erased, or not yet.",
)
NO_HEAD = ProblemType(
    "no-tree-head",
    503,
    "Loggen er ikke underskrevet endnu. Prøv igen om lidt.",
    "The log is not signed yet. Try again.",
)
NO_SUCH_TREE = ProblemType(
    "no-such-tree",
    404,
    "Loggen har {size} underskrevne blade; der spørges om noget derudover.",
    "The log has {size} signed leaves; this asks for something beyond them.",
)
NOT_A_RECEIPT = ProblemType(
    "not-a-receipt", 404, "Blad {index} er ikke en kvittering.", "Leaf {index} is not a receipt."
)


class BadKeyError(ValueError):
    """GLEM_LOG_KEY is not 32 bytes in base64."""


@dataclass(frozen=True, slots=True)
class LeafKind:
    """The fields that the leaves of one batch share."""

    agency: str
    record_class: str
    action: str
    policy_version: int
    hour: datetime


@dataclass(frozen=True, slots=True)
class Receipts:
    """The commitments of one batch of records."""

    kind: LeafKind
    commitments: list[bytes]


def hour_of(moment: datetime) -> datetime:
    """Return the UTC hour in which `moment` falls."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def merged(batches: Iterable[Receipts]) -> list[Receipts]:
    """Merge batches of the same kind, and sort each by its commitments: a random order, because the salts are random."""
    found: dict[LeafKind, list[bytes]] = {}
    for batch in batches:
        found.setdefault(batch.kind, []).extend(batch.commitments)
    return [Receipts(kind, sorted(commitments)) for kind, commitments in found.items() if commitments]


def contents(batch: Receipts) -> Iterator[bytes]:
    """Yield the content of each leaf of `batch`; the text is built once, because only the commitment differs."""
    blank = receipt_content(batch.kind, b"")
    before, after = blank.split(b'"commitment":"', 1)
    before += b'"commitment":"'
    return (before + commitment.hex().encode() + after for commitment in batch.commitments)


def receipt_content(kind: LeafKind, commitment: bytes) -> bytes:
    """Return the content of a receipt's leaf."""
    return _canonical(
        {
            "v": 1,
            "agency": kind.agency,
            "class": kind.record_class,
            "action": kind.action,
            "policy": kind.policy_version,
            "hour": _hour_text(kind.hour),
            "commitment": commitment.hex(),
        }
    )


def dispute_content(agency: str, hour: datetime, disputes: int, reason: str) -> bytes:
    """Return the content of a leaf that disputes the receipt at index `disputes` (H103)."""
    return _canonical(
        {
            "v": 1,
            "kind": "dispute",
            "agency": agency,
            "hour": _hour_text(hour),
            "index": disputes,
            "reason": reason,
        }
    )


def row_content(row: Mapping[str, Any]) -> bytes:
    """Return the content of the leaf in a row of the table."""
    if row["commitment"] is None:
        return dispute_content(row["agency"], row["hour"], row["disputes"], row["reason"])
    kind = LeafKind(row["agency"], row["record_class"], row["action"], row["policy_version"], row["hour"])
    return receipt_content(kind, row["commitment"])


def head_text(log_id: str, size: int, root: bytes, signed_at: datetime) -> bytes:
    """Return the bytes that are signed for a head."""
    head = {"log_id": log_id, "size": size, "root": root.hex(), "signed_at": moment_text(signed_at)}
    return HEAD_DOMAIN + _canonical(head)


def moment_text(moment: datetime) -> str:
    """Return a moment as text, to the second, as heads hold it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def must_sign(signed: Mapping[str, Any] | None, size: int, log_id: str, now: datetime) -> bool:
    """Say whether to sign: the tree has grown since the head `signed`, or that is an hour old or of another key."""
    if signed is None:
        return True
    is_news: bool = signed["size"] != size or signed["log_id"] != log_id
    return is_news or signed["signed_at"] <= now - RESIGN


class Signer:
    """A log's key. `log_id` is the SHA-256 of its public half (SubjectPublicKeyInfo, DER), in hex."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self._public = self._key.public_key()
        self.log_id = sha256(self._public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()

    def sign(self, size: int, root: bytes, signed_at: datetime) -> bytes:
        """Return the signature of a head."""
        return self._key.sign(head_text(self.log_id, size, root, signed_at))

    def jwk(self) -> dict[str, str]:
        """Return the public key as a JSON Web Key."""
        raw = self._public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        x = base64.urlsafe_b64encode(raw).decode().rstrip("=")
        return {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": self.log_id, "use": "sig", "alg": "EdDSA"}


def seed_of(text: str) -> bytes:
    """Read GLEM_LOG_KEY; raises BadKeyError."""
    try:
        seed = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        message = "GLEM_LOG_KEY: not base64"
        raise BadKeyError(message) from error
    if len(seed) != 32:
        message = "GLEM_LOG_KEY: must be 32 bytes in base64"
        raise BadKeyError(message)
    return seed


def _hour_text(hour: datetime) -> str:
    return hour.astimezone(UTC).strftime("%Y-%m-%dT%H:00Z")


def _canonical(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
