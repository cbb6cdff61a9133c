"""Checks a log of erasures, a head or a receipt by the published formats alone.

It shares no code with the retention worker on purpose (import-linter checks that): another program written by RFC 9162 and
these formats accepts the same logs. It raises nothing for faulty material: it returns `Fault`s.

- leaf: canonical JSON (keys sorted, no spaces, UTF-8); its hash is SHA-256(0x00 ‖ leaf), of a node SHA-256(0x01 ‖ left ‖ right)
- head: Ed25519 signs `glem-tree-head-v1`, a line feed, and {log_id, root, signed_at, size} as canonical JSON
- log_id: SHA-256 of the public key (SubjectPublicKeyInfo, DER), in hex
- commitment: SHA-256(`glem-receipt-v1` ‖ salt ‖ class ‖ `/` ‖ record id)
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

HEX = re.compile(r"[0-9a-f]{64}\Z")
HOUR = re.compile(r"\d{4}-\d\d-\d\dT\d\d:00Z\Z")
RECEIPT_KEYS = {"v", "agency", "class", "action", "policy", "hour", "commitment"}
DISPUTE_KEYS = {"v", "kind", "agency", "hour", "index", "reason"}
ACTIONS = {"erased", "redacted", "gone"}


@dataclass(frozen=True)
class Fault:
    """One fault: its kind, and a sentence."""

    kind: str
    text: str


@dataclass(frozen=True)
class Head:
    """A signed tree head as it was published."""

    log_id: str
    size: int
    root: bytes
    signed_at: str
    signature: bytes

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Head:
        """Read a head; raises ValueError when it is not one."""
        try:
            head = cls(
                log_id=str(value["log_id"]),
                size=int(value["size"]),
                root=bytes.fromhex(value["root"]),
                signed_at=str(value["signed_at"]),
                signature=bytes.fromhex(value["signature"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            message = "this is not a tree head"
            raise ValueError(message) from error
        if head.size < 0 or len(head.root) != 32:
            message = "this is not a tree head"
            raise ValueError(message)
        return head

    @property
    def signed(self) -> bytes:
        """The signed bytes."""
        fields = {"log_id": self.log_id, "root": self.root.hex(), "signed_at": self.signed_at, "size": self.size}
        return b"glem-tree-head-v1\n" + canonical(fields)


class Key:
    """A log's public key."""

    def __init__(self, jwk: Mapping[str, Any]) -> None:
        """Read a JSON Web Key; raises ValueError when it is not an Ed25519 key."""
        try:
            if (jwk["kty"], jwk["crv"]) != ("OKP", "Ed25519"):
                raise ValueError  # noqa: TRY301  said below
            raw = base64.urlsafe_b64decode(jwk["x"] + "==")
            self._key = Ed25519PublicKey.from_public_bytes(raw)
        except (KeyError, TypeError, ValueError) as error:
            message = "this is not an Ed25519 key (JSON Web Key)"
            raise ValueError(message) from error
        der = self._key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.log_id = hashlib.sha256(der).hexdigest()

    def faults(self, head: Head) -> list[Fault]:
        """Check that the head is of this key's log, and its signature."""
        if head.log_id != self.log_id:
            return [Fault("wrong-key", f"The head is of log {head.log_id[:16]}…, the key of {self.log_id[:16]}….")]
        try:
            self._key.verify(head.signature, head.signed)
        except InvalidSignature:
            return [Fault("bad-signature", f"The signature of the head at {head.size} leaves is not the key's.")]
        return []


def canonical(value: object) -> bytes:
    """Return the canonical JSON of a value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def leaf_hash(content: bytes) -> bytes:
    """Return a leaf's hash."""
    return hashlib.sha256(b"\x00" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return a node's hash."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def roots_at(hashes: Sequence[bytes], sizes: Iterable[int]) -> dict[int, bytes]:
    """Return the root of the tree of the first n hashes, for each n of `sizes`; in one pass, by the carries of a binary counter."""
    wanted, found = set(sizes), {}
    stack: list[tuple[int, bytes]] = []
    for count in range(len(hashes) + 1):
        if count in wanted:
            found[count] = _root(stack)
        if count < len(hashes):
            height, carried = 0, hashes[count]
            while stack and stack[-1][0] == height:
                carried, height = node_hash(stack.pop()[1], carried), height + 1
            stack.append((height, carried))
    return found


def _root(stack: Sequence[tuple[int, bytes]]) -> bytes:
    if not stack:
        return hashlib.sha256(b"").digest()
    root = stack[-1][1]
    for _, left in reversed(stack[:-1]):
        root = node_hash(left, root)
    return root


def included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Check an inclusion proof (RFC 9162, 2.1.3.2) of the leaf with hash `leaf`."""
    if not 0 <= index < size:
        return False
    first, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if first & 1 or first == last:
            found = node_hash(step, found)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            found = node_hash(found, step)
        first, last = first >> 1, last >> 1
    return last == 0 and found == root


def consistent(first: int, second: int, proof: Sequence[bytes], first_root: bytes, second_root: bytes) -> bool:
    """Check a consistency proof (RFC 9162, 2.1.4.2): that the tree of `second` leaves begins with the tree of `first`."""
    if first == second:
        return not proof and first_root == second_root
    if not 0 < first < second or not proof:
        return first == 0 and not proof and first_root == hashlib.sha256(b"").digest()
    steps = list(proof)
    if first & (first - 1) == 0:
        steps.insert(0, first_root)
    node, last = first - 1, second - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, step)
        node, last = node >> 1, last >> 1
    return last == 0 and (old, new) == (first_root, second_root)


def check_heads(first: Head, second: Head, proof: Sequence[bytes], key: Key) -> list[Fault]:
    """Check that two heads are of one log that only grew."""
    if first.size > second.size:
        first, second = second, first
    faults = key.faults(first) + key.faults(second)
    if not faults and not consistent(first.size, second.size, proof, first.root, second.root):
        text = f"The log at {second.size} leaves does not begin with what was signed at {first.size}."
        faults.append(Fault("forked", text))
    return faults


def check_log(lines: Sequence[bytes], heads: Sequence[Head], key: Key | None) -> list[Fault]:
    """Check a downloaded log against heads, one of them at its end; heads kept from earlier days find a fork."""
    faults = [fault for head in heads for fault in (key.faults(head) if key is not None else [])]
    faults += _leaf_faults(lines)
    if not heads:
        return [*faults, Fault("no-head", "Without a signed head nobody vouches for this log.")]
    largest = max(head.size for head in heads)
    if len(lines) < largest:
        faults.append(Fault("truncated", f"There are {len(lines)} leaves; {largest} were signed."))
    if len(lines) > largest:
        faults.append(Fault("unsigned", f"{len(lines) - largest} leaves stand after the last signed one."))
    return faults + _head_faults(lines, sorted(heads, key=lambda head: head.size))


def _head_faults(lines: Sequence[bytes], heads: Sequence[Head]) -> list[Fault]:
    """Compare heads with the roots of the log, smallest head first."""
    faults = []
    for one, other in itertools.pairwise(heads):
        if one.size == other.size and one.root != other.root:
            faults.append(Fault("forked", f"Two heads at {one.size} leaves have different roots."))
    covered = [head for head in heads if head.size <= len(lines)]
    roots = roots_at([leaf_hash(line) for line in lines], {head.size for head in covered})
    agreed = [head.size for head in covered if roots[head.size] == head.root]
    for head in covered:
        if head.size in agreed:
            continue
        if any(size > head.size for size in agreed):
            text = f"The log is signed as it is, but at {head.size} leaves something else was signed."
            faults.append(Fault("forked", text))
        else:
            since = max((size for size in agreed if size < head.size), default=0)
            text = f"Leaves {since} to {head.size - 1} are not those that were signed: edited, reordered or replaced."
            faults.append(Fault("altered", text))
    return faults


def _leaf_faults(lines: Sequence[bytes]) -> list[Fault]:
    faults, seen = [], set()
    for number, line in enumerate(lines):
        leaf = read_leaf(line)
        if leaf is None:
            faults.append(Fault("malformed", f"Leaf {number} is not a leaf in canonical form."))
        elif "commitment" in leaf:
            if leaf["commitment"] in seen:
                faults.append(Fault("twice", f"Leaf {number} repeats an earlier commitment."))
            seen.add(leaf["commitment"])
        elif not 0 <= leaf["index"] < number:
            faults.append(Fault("malformed", f"Leaf {number} disputes a leaf that does not come before it."))
    return faults


def read_leaf(line: bytes) -> dict[str, Any] | None:
    """Return the content of a leaf, or None when it is not canonical."""
    try:
        leaf = json.loads(line)
    except ValueError:
        return None
    if not isinstance(leaf, dict) or canonical(leaf) != line or leaf.get("v") != 1:
        return None
    texts = [leaf.get("agency"), leaf.get("hour")]
    if not all(isinstance(text, str) for text in texts) or not HOUR.match(leaf["hour"]):
        return None
    if set(leaf) == RECEIPT_KEYS:
        fits = leaf["action"] in ACTIONS and type(leaf["policy"]) is int and isinstance(leaf["class"], str)
        return leaf if fits and isinstance(leaf["commitment"], str) and HEX.match(leaf["commitment"]) else None
    is_dispute = set(leaf) == DISPUTE_KEYS and leaf["kind"] == "dispute"
    return leaf if is_dispute and type(leaf["index"]) is int and isinstance(leaf["reason"], str) else None


def commitment_of(receipt: Mapping[str, Any]) -> str:
    """Return the commitment of a patron's receipt; raises ValueError when it is not a receipt."""
    try:
        salt, name = bytes.fromhex(receipt["salt"]), f"{receipt['record_class']}/{int(receipt['record_id'])}"
    except (KeyError, TypeError, ValueError) as error:
        message = "this is not a receipt"
        raise ValueError(message) from error
    if len(salt) != 32:
        message = "this is not a receipt"
        raise ValueError(message)
    return hashlib.sha256(b"glem-receipt-v1" + salt + name.encode()).hexdigest()


def check_receipt(receipt: Mapping[str, Any], answer: Mapping[str, Any], key: Key) -> list[Fault]:
    """Check the log's answer about a receipt: its leaf, its proof, its head; and whether the receipt is disputed."""
    commitment = commitment_of(receipt)
    if receipt["log_id"] != key.log_id:
        return [Fault("wrong-key", "The receipt is of another log.")]
    try:
        head = Head.read(answer["head"])
        leaf, index = answer["leaf"].encode(), int(answer["index"])
        proof = [bytes.fromhex(step) for step in answer["proof"]]
        disputes = [
            (each["leaf"].encode(), int(each["index"]), [bytes.fromhex(step) for step in each["proof"]])
            for each in answer.get("disputes", [])
        ]
    except (KeyError, TypeError, ValueError, AttributeError):
        return [Fault("malformed", "The answer about the receipt is not one.")]
    faults = key.faults(head)
    content = read_leaf(leaf)
    if content is None or content.get("commitment") != commitment or content["class"] != receipt["record_class"]:
        faults.append(Fault("not-this-record", "The leaf is about another record."))
    if not included(leaf_hash(leaf), index, head.size, proof, head.root):
        faults.append(Fault("not-included", "The leaf is not in the log that was signed."))
    for leaf, place, proof in disputes:
        content = read_leaf(leaf)
        if content is None or content.get("index") != index:
            faults.append(Fault("malformed", "A dispute in the answer is about another receipt."))
        elif not included(leaf_hash(leaf), place, head.size, proof, head.root):
            faults.append(Fault("not-included", "A dispute in the answer is not in the log that was signed."))
        else:
            text = f"The library itself disputes this receipt since {content['hour']}: {content['reason']}."
            faults.append(Fault("disputed", text))
    return faults


def find_receipt(receipt: Mapping[str, Any], lines: Sequence[bytes]) -> tuple[int | None, list[Fault]]:
    """Find a receipt in a downloaded log (checked by `check_log`); return its index and the faults."""
    commitment = commitment_of(receipt)
    leaves = [read_leaf(line) for line in lines]
    for index, leaf in enumerate(leaves):
        if leaf is not None and leaf.get("commitment") == commitment and leaf["class"] == receipt["record_class"]:
            disputes = [other for other in leaves if other is not None and other.get("index") == index]
            return index, [
                Fault("disputed", f"The library itself disputes this receipt: {other['reason']}.") for other in disputes
            ]
    return None, [Fault("not-found", "The log has no leaf for this receipt: the record was not erased, or not yet.")]
