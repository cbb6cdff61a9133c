"""The settings of the retention worker, from its environment."""

from datetime import timedelta

from pydantic import Field, SecretStr

from glem.settings import Settings


class WorkerSettings(Settings):
    """Settings of the retention worker (prefix `GLEM_`)."""

    sweep_seconds: float = Field(default=0.5, gt=0, description="How often it looks for due records.")
    audit_seconds: float = Field(
        default=60.0, gt=0, description="How often it asks the owners for records past their period."
    )
    order_size: int = Field(default=1000, ge=1, le=1000, description="Records in one order.")
    orders_at_once: int = Field(default=4, ge=1, le=32)
    lease: timedelta = Field(
        default=timedelta(seconds=60), description="How long leased records are kept from other processes."
    )
    longest_wait: timedelta = Field(
        default=timedelta(minutes=10),
        description="The longest wait between two tries of a record whose disposal fails.",
    )
    largest_skew: timedelta = Field(
        default=timedelta(seconds=2),
        description="The largest difference between this machine's clock and the database's; beyond it nothing is swept (H59).",
    )
    breaker_floor: int = Field(
        default=1000, ge=1, description="The fewest records of one class that count as a usual day."
    )
    breaker_times: float = Field(
        default=10.0,
        gt=1,
        description="A due day with more than this many usual days' records waits for an acknowledgement.",
    )
    log_key: SecretStr = Field(
        default=SecretStr(""),
        description="Ed25519 seed that signs the log, 32 bytes in base64; empty: a seed is made and kept in the database.",
    )
