"""What patron-api is told by its environment, besides what every service is."""

from pydantic import Field, SecretStr

from glem.settings import Settings


class PatronSettings(Settings):
    """Settings of patron-api. Times in seconds are of tokens, which follow the real clock even where time can travel."""

    bootstrap_admin: SecretStr = Field(
        default=SecretStr(""),
        description="user:secret@ISIL, comma-separated: administrators who are made at start when they are missing.",
    )
    token_seconds: int = Field(default=900, ge=5, description="How long an access token is valid.")
    refresh_seconds: int = Field(default=12 * 3600, ge=5, description="How long a log-in can be refreshed unused.")
    argon2_memory_kib: int = Field(default=19_456, ge=8, description="Memory of one Argon2id hash (OWASP's advice).")
    argon2_passes: int = Field(default=2, ge=1)
    hashing_threads: int = Field(default=2, ge=1, description="Hashes that are computed at the same time.")
