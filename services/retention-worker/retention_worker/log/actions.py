"""Appends to the log, signs it, and makes proofs."""

import secrets
from collections.abc import Iterable, Sequence
from datetime import timedelta

import structlog

from glem.database import Database, Transaction
from glem.identity import Principal
from glem.problems import Refusal
from glem_contracts.receipts import Receipt
from retention_worker.log import rules, store, tree
from retention_worker.log.rules import Receipts, Signer
from retention_worker.log.schemas import Consistency, Dispute, Disputed, Head, Inclusion, Leaves, ReceiptProof

log = structlog.get_logger(__name__)

EVERY_HEAD_KEPT = timedelta(days=1)


async def append(tx: Transaction, batches: Iterable[Receipts]) -> int:
    """Append the leaves of the records erased in this transaction; return how many. Call it last, just before the commit.

    Raises BrokenTreeError when the stored tree is damaged; then the transaction must fail, so that nothing is registered.
    """
    batches = rules.merged(batches)
    if not batches:
        return 0
    size, begun = await store.lock(tx)
    hashes: list[bytes] = []
    for batch in batches:
        await store.insert_receipts(tx, size + len(hashes), batch)
        hashes += tree.leaf_hashes(rules.contents(batch))
    await store.write_tiles(tx, tree.grow(size, begun, hashes))
    return len(hashes)


async def unsigned(database: Database) -> int:
    """Return how many leaves no signed head covers yet; more than those of a second mean that signing fails."""
    last = await store.newest_head(database)
    return await store.size(database) - (last["size"] if last is not None else 0)


class Log:
    """The log of one worker: its key, and the answers that anybody may ask for."""

    def __init__(self, database: Database, key: str) -> None:
        """Sign with `key` (32 bytes in base64), or, when it is empty, with a key that is made once and kept in the database."""
        self._database = database
        self._seed = rules.seed_of(key) if key else None
        self._signer: Signer | None = None

    async def signer(self) -> Signer:
        """Return the key."""
        if self._signer is None:
            seed = self._seed
            if seed is None:
                seed = await store.own_seed(self._database, secrets.token_bytes(32), await self._database.now())
            self._signer = Signer(seed)
        return self._signer

    async def sign(self) -> int:
        """Sign the tree when it has grown, or an hour has passed; return 0: this task never has more to do.

        Raises BrokenTreeError, and signs nothing, when the tree no longer gives the root that was signed last.
        """
        signer, now = await self.signer(), (await self._database.now()).replace(microsecond=0)
        size, last = await store.size(self._database), await store.newest_head(self._database)
        if not rules.must_sign(last, size, signer.log_id, now):
            return 0
        if last is not None and (size < last["size"] or await self._hash((0, last["size"])) != last["root"]):
            log.critical("log_broken", size=size, signed=last["size"])
            message = f"the log no longer gives the root that was signed at {last['size']} leaves"
            raise tree.BrokenTreeError(message)
        root = await self._hash((0, size))
        async with self._database.transaction() as tx:
            await store.insert_head(tx, size, now, signer.log_id, root, signer.sign(size, root, now))
            if last is not None and rules.hour_of(now) != rules.hour_of(last["signed_at"]):
                await store.thin_heads(tx, rules.hour_of(now - EVERY_HEAD_KEPT))
        return 0

    async def head(self) -> Head | Refusal:
        """Return the newest signed head."""
        row = await store.newest_head(self._database)
        if row is None:
            return rules.NO_HEAD()
        return Head(
            log_id=row["log_id"],
            size=row["size"],
            root=row["root"].hex(),
            signed_at=rules.moment_text(row["signed_at"]),
            signature=row["signature"].hex(),
        )

    async def leaves(self, start: int, limit: int) -> Leaves | Refusal:
        """Return the contents of up to `limit` signed leaves from `start` on."""
        head = await self.head()
        if isinstance(head, Refusal):
            return head
        rows = await store.leaves(self._database, start, min(start + limit, head.size))
        return Leaves(start=start, size=head.size, leaves=[rules.row_content(row).decode() for row in rows])

    async def inclusion(self, index: int, size: int) -> Inclusion | Refusal:
        """Prove that leaf `index` is in the tree of `size` leaves."""
        head = await self.head()
        if isinstance(head, Refusal):
            return head
        if not index < size <= head.size:
            return rules.NO_SUCH_TREE(size=head.size)
        return Inclusion(index=index, size=size, proof=await self._path(tree.inclusion(index, size)))

    async def consistency(self, first: int, second: int) -> Consistency | Refusal:
        """Prove that the tree of `second` leaves begins with the tree of `first`."""
        head = await self.head()
        if isinstance(head, Refusal):
            return head
        if not 0 < first <= second <= head.size:
            return rules.NO_SUCH_TREE(size=head.size)
        return Consistency(first=first, second=second, proof=await self._path(tree.consistency(first, second)))

    async def receipt(self, commitment: bytes) -> ReceiptProof | Refusal:
        """Return the leaf of `commitment`, its proof against the newest head, and its disputes (H103)."""
        head = await self.head()
        if isinstance(head, Refusal):
            return head
        row = await store.leaf_of(self._database, commitment, head.size)
        if row is None:
            return rules.NOT_ERASED()
        disputes = [
            leaf
            for leaf in await store.disputes_of(self._database, row["leaf_index"])
            if leaf["leaf_index"] < head.size
        ]
        return ReceiptProof(
            leaf=rules.row_content(row).decode(),
            index=row["leaf_index"],
            proof=await self._path(tree.inclusion(row["leaf_index"], head.size)),
            head=head,
            key=(await self.signer()).jwk(),
            disputes=[
                Dispute(
                    leaf=rules.row_content(leaf).decode(),
                    index=leaf["leaf_index"],
                    proof=await self._path(tree.inclusion(leaf["leaf_index"], head.size)),
                )
                for leaf in disputes
            ],
        )

    async def issue(self, agency: str | None, record_class: str, record_ids: Sequence[int]) -> list[Receipt]:
        """Return receipts, by which the patrons of these records can check the erasure later; records without a clock are left out."""
        log_id = (await self.signer()).log_id
        rows = await store.salts(self._database, agency, record_class, record_ids)
        return [
            Receipt(record_class=record_class, record_id=row["record_id"], salt=row["salt"].hex(), log_id=log_id)
            for row in rows
        ]

    async def dispute(self, principal: Principal, index: int, reason: str) -> Disputed | Refusal:
        """Append a dispute of receipt `index`, which stays. Repeating it changes nothing."""
        async with self._database.transaction() as tx:
            size, begun = await store.lock(tx)
            row = next(iter(await store.leaves(tx, index, index + 1)), None)
            if row is None or row["commitment"] is None:
                return rules.NOT_A_RECEIPT(index=index)
            principal.at(row["agency"])
            now = await self._database.now()
            earlier = [leaf["leaf_index"] for leaf in await store.disputes_of(tx, index) if leaf["reason"] == reason]
            if not earlier:
                hour = rules.hour_of(now)
                await store.insert_dispute(tx, size, row["agency"], hour, index, reason)
                content = rules.dispute_content(row["agency"], hour, index, reason)
                await store.write_tiles(tx, tree.grow(size, begun, tree.leaf_hashes([content])))
                log.critical("receipt_disputed", index=index, reason_code=reason, agency=row["agency"])
        return Disputed(index=earlier[0] if earlier else size, disputes=index, report_by=now + rules.NOTICE)

    async def _path(self, ranges: Sequence[tree.Range]) -> list[str]:
        tiles = await store.tiles(self._database, tree.tiles_of(ranges))
        return [tree.hash_of(span, tiles).hex() for span in ranges]

    async def _hash(self, span: tree.Range) -> bytes:
        tiles = await store.tiles(self._database, tree.tiles_of([span]))
        return tree.hash_of(span, tiles)
