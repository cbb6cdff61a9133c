"""The record classes of notifier, whose disposals are its own: a body goes with its key and with what it speaks of."""

from functools import partial

from glem_retention.records import OwnDisposal, Records
from notifier import restore
from notifier.base import metadata
from notifier.disposals import BodyDisposer, EnvelopeDisposer
from notifier.messages.tables import BODY, ENVELOPE
from notifier.rights import tables as _rights  # noqa: F401  its table belongs to the metadata
from notifier.sending import tables as _sending  # noqa: F401  likewise

# A body goes with the record that it speaks of (H91).
SPOKEN_OF = ("loan", "debt", "debt-amount", "reservation")

RECORDS = Records(
    owner="notifier",
    metadata=metadata,
    declared=(),
    own=(
        OwnDisposal(
            record_class=BODY,
            tables=("message_body", "message_subject"),
            disposer=BodyDisposer(),
            replay=restore.bodies,
        ),
        OwnDisposal(
            record_class=ENVELOPE,
            tables=("message", "delivery"),
            disposer=EnvelopeDisposer(),
            replay=restore.envelopes,
        ),
    ),
    followed={"patron": restore.patrons, **{name: partial(restore.about, name) for name in SPOKEN_OF}},
)
