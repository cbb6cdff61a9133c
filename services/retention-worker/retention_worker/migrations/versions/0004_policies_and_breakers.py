"""Versions of policies and how they came to be; how many records fall due on each day, and breakers."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    timestamp = sa.DateTime(timezone=True)
    op.create_table(
        "policy_version",
        sa.Column("agency", sa.Text(), primary_key=True),
        sa.Column("record_class", sa.Text(), primary_key=True),
        sa.Column("version", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("period", sa.Interval(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("effective", timestamp, nullable=False),
        sa.Column("wording_da", sa.Text(), nullable=False),
        sa.Column("wording_en", sa.Text(), nullable=False),
        sa.Column("rows", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("stated", sa.Boolean(), nullable=False),
        sa.Column("proposal_id", sa.BigInteger()),
        sa.Column("adopted_at", timestamp, nullable=False),
    )
    op.create_table(
        "policy_proposal",
        sa.Column("proposal_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("record_class", sa.String(), nullable=False),
        sa.Column("period", sa.Interval(), nullable=False),
        sa.Column("wording_da", sa.String(), nullable=False),
        sa.Column("wording_en", sa.String(), nullable=False),
        sa.Column("effective", timestamp, nullable=False),
        sa.Column("proposed_at", timestamp, nullable=False),
    )
    op.create_table(
        "policy_step",
        sa.Column("step", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("proposal_id", sa.BigInteger(), sa.ForeignKey("policy_proposal.proposal_id"), nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("account", sa.String()),
        sa.Column("at", timestamp, nullable=False),
        sa.Column("records", sa.BigInteger()),
    )
    op.create_index(
        "policy_step_end", "policy_step", ["proposal_id"], unique=True, postgresql_where=sa.text("kind <> 'proposed'")
    )
    op.create_index("policy_step_named", "policy_step", ["at"], postgresql_where=sa.text("account IS NOT NULL"))
    op.execute(
        """
        CREATE FUNCTION policies_are_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'what was adopted, and how, is append-only';
        END $$
        """
    )
    for table in ("policy_version", "policy_proposal"):
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION policies_are_append_only()"
        )
    op.execute(
        "CREATE TRIGGER policy_step_append_only BEFORE DELETE OR TRUNCATE ON policy_step "
        "FOR EACH STATEMENT EXECUTE FUNCTION policies_are_append_only()"
    )
    op.execute(
        "CREATE TRIGGER policy_step_forgets_names_only BEFORE UPDATE ON policy_step FOR EACH ROW "
        "WHEN (NEW.account IS NOT NULL OR (OLD.step, OLD.proposal_id, OLD.agency, OLD.kind, OLD.at, OLD.records) "
        "IS DISTINCT FROM (NEW.step, NEW.proposal_id, NEW.agency, NEW.kind, NEW.at, NEW.records)) "
        "EXECUTE FUNCTION policies_are_append_only()"
    )
    op.create_table(
        "due_day",
        sa.Column("agency", sa.String(), primary_key=True),
        sa.Column("record_class", sa.String(), primary_key=True),
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("records", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "breaker",
        sa.Column("agency", sa.String(), primary_key=True),
        sa.Column("record_class", sa.String(), primary_key=True),
        sa.Column("due_day", sa.Date(), primary_key=True),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("allowed", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", timestamp),
        sa.Column("acknowledged_at", timestamp),
        sa.Column("acknowledged_by", sa.String()),
    )
