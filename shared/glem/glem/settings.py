"""Settings of every service, from its environment (prefix `GLEM_`)."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings common to all services; a service adds its own in a subclass."""

    model_config = SettingsConfigDict(env_prefix="GLEM_", extra="ignore")

    database_url: str = Field(description="PostgreSQL 15 or newer: postgresql://user:secret@host:port/database")
    agencies: Path = Field(description="Folder of the agencies' TOML files.")
    transport: Literal["local", "kafka"] = "kafka"
    kafka: str = Field(default="", description="Bootstrap servers of the broker, comma-separated.")
    kafka_partitions: int = 6
    kafka_ca: Path | None = Field(
        default=None, description="CA certificates of the broker; with them it is spoken to by TLS."
    )
    instance: str = Field(
        default="", description="A lasting name of this process among its service's, such as the pod's ordinal."
    )
    patron_api: str = Field(default="http://127.0.0.1:8001", description="Base URL of patron-api.")
    loan_api: str = Field(default="http://127.0.0.1:8002", description="Base URL of loan-api.")
    notifier: str = Field(default="http://127.0.0.1:8003", description="Base URL of notifier.")
    retention_worker: str = Field(default="http://127.0.0.1:8004", description="Base URL of retention-worker.")
    issuer: str = Field(default="glem", description="The `iss` that tokens must have.")
    jwks_url: str = Field(default="", description="JWKS of an outside issuer; empty: patron-api's own.")
    service_secret: SecretStr = Field(description="The secret by which services log in to each other.")
    clock_file: Path | None = Field(default=None, description="Development only: a clock that can travel.")
    pool_size: int = 10
    witness: Path | None = Field(
        default=None, description="Folder outside the database, where a service notes how far its database is."
    )
    serve_unchecked: bool = Field(
        default=False, description="In an emergency only: serve though the database may have come from a backup."
    )
    host: str = "127.0.0.1"
    port: int = 8000
    root_path: str = Field(default="", description="The path before ours that a gateway takes off, such as /loan-api.")
    log_level: str = "INFO"

    def peers(self) -> dict[str, str]:
        """Return the base URL of every service."""
        return {
            "patron-api": self.patron_api,
            "loan-api": self.loan_api,
            "notifier": self.notifier,
            "retention-worker": self.retention_worker,
        }
