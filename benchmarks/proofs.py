"""Proofs of erasure, served and verified, against pymerkle with a tree of the same leaves."""

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pymerkle import InclusionProof, InmemoryTree, verify_inclusion

from benchmarks.load import Work, generate
from benchmarks.place import AGENCIES, Place, quiet_environment
from benchmarks.processes import served
from benchmarks.table import Row, compared
from embedded.process import Process
from glem.clock import SystemClock
from glem.database import Database
from glem.migrations import upgrade
from glem.problems import unwrap
from glem_verify import checks as verify
from retention_worker.base import MIGRATIONS, metadata
from retention_worker.log.actions import Log, append
from retention_worker.log.rules import LeafKind, Receipts, hour_of

LEAVES, CHECKED = 100_000, 3_000
APPENDED_AT_ONCE = 1000
CONNECTIONS = 8
WARM_UP_SECONDS, SECONDS = 1.0, 4.0
AGENCY = "DK-725900"


@dataclass(frozen=True)
class Checked:
    """A patron's receipt, the log's answer about it, and pymerkle's proof of the same leaf."""

    receipt: dict[str, Any]
    answer: dict[str, Any]
    rival: dict[str, Any]


@dataclass(frozen=True)
class Material:
    """A signed log in a database, receipts of some of its leaves, and its key."""

    url: str
    leaves: int
    key: dict[str, str]
    checked: list[Checked]


async def measure(place: Place) -> list[Row]:
    """Return the rows of this measurement."""
    made = await _make(place)
    verified, plain, bare, bare_plain, served, served_plain = [], [], [], [], [], []
    async with _worker(place, made.url) as glem, _prover(place, made.leaves) as other:
        asked = [f"/log/receipts/{verify.commitment_of(each.receipt)}" for each in made.checked]
        others = [f"/proofs/{each.answer['index']}" for each in made.checked]
        for _ in range(place.rounds):
            verified.append(_per_second(made, _whole(made)))
            plain.append(_per_second(made, _whole_by_pymerkle(made)))
            bare.append(_per_second(made, _included))
            bare_plain.append(_per_second(made, _included_by_pymerkle))
            served.append(await _ask(place, glem, asked))
            served_plain.append(await _ask(place, other, others))
    tree = f"a log of {made.leaves:,} leaves"
    return [
        compared(
            f"receipts verified: leaf, inclusion in {tree}, signature",
            "receipts/s",
            verified,
            plain,
            "pymerkle, cryptography's Ed25519",
            "",
        ),
        compared("of that, the inclusion alone", "proofs/s", bare, bare_plain, "pymerkle", ""),
        compared(
            f"receipts' proofs served over HTTP, {CONNECTIONS} connections",
            "requests/s",
            served,
            served_plain,
            "Starlette + pymerkle, its tree in memory",
            "",
        ),
    ]


async def _make(place: Place) -> Material:
    count = place.sized(LEAVES, 1000)
    url = await place.database("proofs")
    await upgrade(url, MIGRATIONS, metadata)
    database = await Database.open(url, "retention-worker", SystemClock())
    try:
        log = Log(database, "")
        receipts = await _append(database, count, (await log.signer()).log_id)
        await log.sign()
        head = unwrap(await log.head())
        contents: list[str] = []
        while len(contents) < count:
            contents += unwrap(await log.leaves(len(contents), 10_000)).leaves
        tree = InmemoryTree.init_from_entries([content.encode() for content in contents])
        if tree.get_root().hex() != head.root:
            message = "pymerkle finds another root"
            raise RuntimeError(message)
        checked = []
        for receipt in secrets.SystemRandom().sample(receipts, place.sized(CHECKED, 100)):
            answer = unwrap(await log.receipt(bytes.fromhex(verify.commitment_of(receipt)))).model_dump(mode="json")
            checked.append(Checked(receipt, answer, tree.prove_inclusion(answer["index"] + 1).serialize()))
        return Material(url, count, (await log.signer()).jwk(), checked)
    finally:
        await database.close()


async def _append(database: Database, count: int, log_id: str) -> list[dict[str, Any]]:
    receipts: list[dict[str, Any]] = []
    kind = LeafKind(AGENCY, "loan", "erased", 1, hour_of(datetime.now(UTC)))
    for first in range(1, count + 1, APPENDED_AT_ONCE):
        salts = {number: secrets.token_bytes(32) for number in range(first, min(count + 1, first + APPENDED_AT_ONCE))}
        commitments = [
            hashlib.sha256(b"glem-receipt-v1" + salt + f"loan/{number}".encode()).digest()
            for number, salt in salts.items()
        ]
        async with database.transaction() as tx:
            await append(tx, [Receipts(kind, commitments)])
        receipts += [
            {"record_class": "loan", "record_id": number, "salt": salt.hex(), "log_id": log_id}
            for number, salt in salts.items()
        ]
    return receipts


def _per_second(made: Material, check: Callable[[Checked], bool]) -> float:
    started = time.perf_counter()
    good = all(check(each) for each in made.checked)
    took = time.perf_counter() - started
    if not good:
        message = "a good receipt was refused"
        raise RuntimeError(message)
    return len(made.checked) / took


def _whole(made: Material) -> Callable[[Checked], bool]:
    key = verify.Key(made.key)
    return lambda each: not verify.check_receipt(each.receipt, each.answer, key)


def _whole_by_pymerkle(made: Material) -> Callable[[Checked], bool]:
    raw = base64.urlsafe_b64decode(made.key["x"] + "==")
    key = Ed25519PublicKey.from_public_bytes(raw)

    def check(each: Checked) -> bool:
        head = verify.Head.read(each.answer["head"])
        key.verify(head.signature, head.signed)
        return _included_by_pymerkle(each)

    return check


def _included(each: Checked) -> bool:
    leaf, head = verify.leaf_hash(each.answer["leaf"].encode()), each.answer["head"]
    proof = [bytes.fromhex(step) for step in each.answer["proof"]]
    return verify.included(leaf, each.answer["index"], head["size"], proof, bytes.fromhex(head["root"]))


def _included_by_pymerkle(each: Checked) -> bool:
    proof, head = InclusionProof.deserialize(each.rival), each.answer["head"]
    leaf = proof.hasher.hash_buff(each.answer["leaf"].encode())
    verify_inclusion(leaf, bytes.fromhex(head["root"]), proof, index=each.answer["index"] + 1, size=head["size"])
    return True


async def _ask(place: Place, process: Process, paths: Sequence[str]) -> float:
    port = int(process.url.rpartition(":")[2])
    times = (place.seconds(WARM_UP_SECONDS), place.seconds(SECONDS))
    result = await generate(Work(port, "", "", [], CONNECTIONS, *times, list(paths)))
    if result.failures or not result.per_second:
        message = f"{process.name} answered {result.statuses}"
        raise RuntimeError(message)
    return result.per_second


def _worker(place: Place, url: str) -> AbstractAsyncContextManager[Process]:
    environment = {
        **quiet_environment(),
        "GLEM_DATABASE_URL": url,
        "GLEM_AGENCIES": str(AGENCIES),
        "GLEM_TRANSPORT": "local",
        "GLEM_SERVICE_SECRET": "bench",
        "GLEM_SERVE_UNCHECKED": "true",
    }
    return served(place, "retention-worker", ["-m", "retention_worker"], environment, "GLEM_PORT", "/health/ready")


def _prover(place: Place, leaves: int) -> AbstractAsyncContextManager[Process]:
    environment = {"RIVAL_LEAVES": str(leaves)}
    return served(place, "prover", ["-m", "benchmarks.rivals.prover"], environment, "RIVAL_PORT", "/live")
