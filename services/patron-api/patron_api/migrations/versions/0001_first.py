"""The first tables: patrons and what belongs to them, log-ins, the signing key, the outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    timestamp = sa.DateTime(timezone=True)
    op.create_table(
        "account",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("secret_hash", sa.String(), nullable=False),
        sa.Column("created_at", timestamp, nullable=False),
        sa.Column("failed_logins", sa.Integer(), nullable=False),
        sa.Column("locked_until", timestamp, nullable=True),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.create_index("account_username", "account", ["agency", "username"], unique=True)
    op.create_table(
        "client",
        sa.Column("client_id", sa.String(), autoincrement=False, nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("secret_hash", sa.String(), nullable=False),
        sa.Column("created_at", timestamp, nullable=False),
        sa.PrimaryKeyConstraint("client_id"),
    )
    op.create_table(
        "outbox",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", timestamp, server_default=sa.text("now()"), nullable=False),
        sa.Column("published_at", timestamp, nullable=True),
    )
    op.create_index("outbox_recorded", "outbox", ["recorded_at"], postgresql_using="brin")
    op.create_index("outbox_unsent", "outbox", ["seq"], postgresql_where=sa.text("published_at IS NULL"))
    op.create_table(
        "patron",
        sa.Column("patron_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("cpr", sa.String(), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("protected", sa.Boolean(), nullable=False),
        sa.Column("municipality", sa.String(), nullable=False),
        sa.Column("patron_group", sa.String(), nullable=False),
        sa.Column("age_band", sa.Integer(), nullable=False),
        sa.Column("home_branch", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("registered_at", timestamp, nullable=False),
        sa.Column("pin_hash", sa.String(), nullable=False),
        sa.Column("failed_logins", sa.Integer(), nullable=False),
        sa.Column("locked_until", timestamp, nullable=True),
        sa.Column("owes", sa.Boolean(), nullable=False),
        sa.Column("balance_version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("patron_id"),
        sa.UniqueConstraint("agency", "cpr", name="patron_cpr"),
    )
    op.create_index("patron_name", "patron", ["agency", sa.literal_column("lower(name) text_pattern_ops")])
    op.create_table(
        "refresh_token",
        sa.Column("token_hash", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("family", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.BigInteger(), nullable=False),
        sa.Column("is_patron", sa.Boolean(), nullable=False),
        sa.Column("expires_at", timestamp, nullable=False),
        sa.Column("used_at", timestamp, nullable=True),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index("refresh_expiry", "refresh_token", ["expires_at"])
    op.create_index("refresh_family", "refresh_token", ["family"])
    op.create_index("refresh_subject", "refresh_token", ["subject"])
    op.create_table(
        "signing_key",
        sa.Column("key_id", sa.String(), autoincrement=False, nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("private_pem", sa.String(), nullable=False),
        sa.Column("created_at", timestamp, nullable=False),
        sa.PrimaryKeyConstraint("key_id"),
    )
    op.create_table(
        "absence",
        sa.Column("absence_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("patron_id", sa.BigInteger(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=True),
        sa.Column("until_day", sa.Date(), nullable=True),
        sa.Column("anchor", timestamp, nullable=True),
        sa.Column("clock_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["patron_id"], ["patron.patron_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("absence_id"),
        sa.UniqueConstraint("patron_id"),
    )
    op.create_index(
        "absence_until", "absence", ["agency", "until_day"], postgresql_where=sa.text("until_day IS NOT NULL")
    )
    op.create_table(
        "address",
        sa.Column("address_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("patron_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("co_name", sa.String(), nullable=True),
        sa.Column("street", sa.String(), nullable=False),
        sa.Column("postal_code", sa.String(), nullable=False),
        sa.Column("city", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["patron_id"], ["patron.patron_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("address_id"),
    )
    op.create_index("address_kind", "address", ["patron_id", "kind"], unique=True)
    op.create_table(
        "block",
        sa.Column("block_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("patron_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("since", timestamp, nullable=False),
        sa.Column("lifted_at", timestamp, nullable=True),
        sa.Column("clock_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["patron_id"], ["patron.patron_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("block_id"),
    )
    op.create_index(
        "block_in_force", "block", ["patron_id", "code"], unique=True, postgresql_where=sa.text("lifted_at IS NULL")
    )
    op.create_index("block_lifted", "block", ["agency", "lifted_at"], postgresql_where=sa.text("lifted_at IS NOT NULL"))
    op.create_index("block_patron", "block", ["patron_id"])
    op.create_table(
        "card",
        sa.Column("card_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("patron_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=True),
        sa.Column("added_at", timestamp, nullable=False),
        sa.ForeignKeyConstraint(["patron_id"], ["patron.patron_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("card_id"),
    )
    op.create_index("card_health", "card", ["patron_id"], unique=True, postgresql_where=sa.text("kind = 'health'"))
    op.create_index(
        "card_number", "card", ["agency", "number"], unique=True, postgresql_where=sa.text("number IS NOT NULL")
    )
    op.create_index("card_patron", "card", ["patron_id"])
    op.create_table(
        "consent",
        sa.Column("consent_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("patron_id", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("wording", sa.String(), nullable=False),
        sa.Column("given_at", timestamp, nullable=True),
        sa.Column("given_by", sa.String(), nullable=True),
        sa.Column("withdrawn_at", timestamp, nullable=True),
        sa.Column("withdrawn_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["patron_id"], ["patron.patron_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("consent_id"),
    )
    op.create_index(
        "consent_open",
        "consent",
        ["patron_id", "purpose"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_index("consent_patron", "consent", ["patron_id", "purpose"])
    op.create_table(
        "contact",
        sa.Column("contact_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("patron_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("receives", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["patron_id"], ["patron.patron_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("contact_id"),
    )
    op.create_index(
        "contact_receiver", "contact", ["patron_id", "channel"], unique=True, postgresql_where=sa.text("receives")
    )
    op.create_index("contact_value", "contact", ["patron_id", "channel", "value"], unique=True)
    op.create_table(
        "guardian",
        sa.Column("guardian_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("patron_id", sa.BigInteger(), nullable=False),
        sa.Column("as_patron_id", sa.BigInteger(), nullable=True),
        sa.Column("cpr", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("consent_on", sa.Date(), nullable=False),
        sa.Column("until_day", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["patron_id"], ["patron.patron_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("guardian_id"),
        sa.UniqueConstraint("patron_id"),
    )
    op.create_index("guardian_as_patron", "guardian", ["as_patron_id"])
    op.create_index("guardian_cpr", "guardian", ["agency", "cpr"])
    op.create_index("guardian_until", "guardian", ["agency", "until_day"])
    op.create_table(
        "note",
        sa.Column("note_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("patron_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.Column("written_at", timestamp, nullable=False),
        sa.Column("written_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["patron_id"], ["patron.patron_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("note_id"),
    )
    op.create_index("note_kind", "note", ["patron_id", "kind"], unique=True)
    op.create_index("note_written", "note", ["agency", "kind", "written_at"])
