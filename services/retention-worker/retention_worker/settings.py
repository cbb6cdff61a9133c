"""What the retention worker is told by its environment."""

from datetime import timedelta

from pydantic import Field, SecretStr

from glem.settings import Settings


class WorkerSettings(Settings):
    """Settings of the retention worker (prefix `GLEM_`)."""

    sweep_seconds: float = Field(default=0.5, gt=0, description="How often it looks for what is due.")
    audit_seconds: float = Field(
        default=60.0, gt=0, description="How often it asks the owners what they hold past its period."
    )
    order_size: int = Field(default=1000, ge=1, le=1000, description="Records in one order.")
    orders_at_once: int = Field(default=4, ge=1, le=32)
    lease: timedelta = Field(default=timedelta(seconds=60), description="How long records in hand are nobody else's.")
    longest_wait: timedelta = Field(
        default=timedelta(minutes=10), description="Between tries of a record that cannot go."
    )
    largest_skew: timedelta = Field(
        default=timedelta(seconds=2),
        description="Beyond it, between this machine and the database, nothing is swept (H59).",
    )
    breaker_floor: int = Field(
        default=1000, ge=1, description="Records of one class that a usual day has at least; below, nothing is a flood."
    )
    breaker_times: float = Field(
        default=10.0,
        gt=1,
        description="Beyond so many usual days' records on one due day, that day waits for a second look.",
    )
    log_key: SecretStr = Field(
        default=SecretStr(""),
        description="Ed25519 seed that signs the log, 32 bytes in base64; empty: one is made and kept in the database.",
    )
