"""What notifier can erase: the body of a message, and, where an agency caps the overview, its envelope."""

from collections.abc import Sequence
from datetime import datetime

from glem.database import Database, Transaction
from glem_contracts.disposals import DisposalOrder, DisposalOutcome, OverdueRecord, RefusedDisposal
from notifier.messages import store
from notifier.messages.actions import record_erasure

ENVELOPE_VERSION = 1


class BodyDisposer:
    """Redacts a message: the body and what it speaks of go, the overview stays (R58, R59)."""

    async def dispose(self, tx: Transaction, order: DisposalOrder, cutoff: datetime) -> DisposalOutcome:
        """Delete the bodies that are due; a body that is not there any more is `gone`."""
        outcome = DisposalOutcome()
        for row in await store.lock_bodies(tx, order.agency, order.record_ids):
            if row["anchor"] <= cutoff:
                outcome.redacted.append(row["message_id"])
            else:
                outcome.refused.append(_not_due(row["message_id"], row["clock_version"], row["anchor"]))
        _name_the_gone(order, outcome)
        if outcome.redacted:
            await store.delete_bodies(tx, outcome.redacted)
            record_erasure(tx, [(order.agency, message_id) for message_id in outcome.redacted])
        return outcome

    async def overdue(self, database: Database, agency: str, cutoff: datetime, limit: int) -> Sequence[OverdueRecord]:
        """Return bodies by when they were sent."""
        rows = await store.overdue_bodies(database, agency, cutoff, limit)
        return [
            OverdueRecord(record_id=row["message_id"], version=row["clock_version"], anchor=row["sent_at"])
            for row in rows
        ]


class EnvelopeDisposer:
    """Erases a message wholly, at an agency that has a policy for it (R59). A message still on its way is held."""

    async def dispose(self, tx: Transaction, order: DisposalOrder, cutoff: datetime) -> DisposalOutcome:
        """Delete the messages that are due."""
        outcome = DisposalOutcome()
        for row in await store.lock_envelopes(tx, order.agency, order.record_ids):
            message_id, anchor = row["message_id"], row["anchor"]
            if row["state"] in {"queued", "sending"}:
                outcome.refused.append(
                    RefusedDisposal(record_id=message_id, reason="held", version=ENVELOPE_VERSION, anchor=None)
                )
            elif anchor <= cutoff:
                outcome.erased.append(message_id)
            else:
                outcome.refused.append(_not_due(message_id, ENVELOPE_VERSION, anchor))
        _name_the_gone(order, outcome)
        deleted = await store.delete_messages(tx, outcome.erased)
        record_erasure(
            tx,
            [(order.agency, row["message_id"]) for row in deleted if row["had_body"]],
            envelopes=[(order.agency, row["message_id"]) for row in deleted],
        )
        return outcome

    async def overdue(self, database: Database, agency: str, cutoff: datetime, limit: int) -> Sequence[OverdueRecord]:
        """Return finished messages by when they were sent, or made."""
        rows = await store.overdue_envelopes(database, agency, cutoff, limit)
        return [
            OverdueRecord(record_id=row["message_id"], version=ENVELOPE_VERSION, anchor=row["anchor"]) for row in rows
        ]


def _not_due(record_id: int, version: int, anchor: datetime) -> RefusedDisposal:
    return RefusedDisposal(record_id=record_id, reason="not-due", version=version, anchor=anchor)


def _name_the_gone(order: DisposalOrder, outcome: DisposalOutcome) -> None:
    found = {*outcome.erased, *outcome.redacted, *(refused.record_id for refused in outcome.refused)}
    outcome.gone.extend(record_id for record_id in dict.fromkeys(order.record_ids) if record_id not in found)
