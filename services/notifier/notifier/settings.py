"""What notifier is told by its environment: the mail server and the SMS gateway besides what every service needs."""

from ipaddress import ip_address
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from glem.settings import Settings


class NotifierSettings(Settings):
    """Settings of notifier. Text to a gateway on another machine goes over an encrypted line only (R67)."""

    key_folder: Path = Field(
        description="Where the keys of message bodies are: on a volume of its own, of which there is no backup."
    )
    smtp_host: str = Field(description="The mail server that takes our mail.")
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_tls: Literal["none", "starttls", "tls"] = Field(default="starttls", description="`none`: this machine only.")
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_connections: int = Field(default=4, ge=1, le=50, description="Connections to the mail server at a time.")
    sms_url: str = Field(description="Where the SMS gateway takes messages; https, or this machine.")
    sms_token: SecretStr = SecretStr("")
    sms_connections: int = Field(default=4, ge=1, le=50, description="Requests to the SMS gateway at a time.")
    gateway_ca: Path | None = Field(default=None, description="CA certificates of the gateways, when not public ones.")
    retry_seconds: float = Field(default=60.0, gt=0, description="The wait after a first failure; then it doubles.")
    send_batch: int = Field(default=500, ge=1, le=500, description="Messages per pass.")
    send_every: float = Field(default=0.5, gt=0, description="Seconds between two looks into an empty queue.")

    @model_validator(mode="after")
    def _lines_are_encrypted(self) -> Self:
        if self.smtp_tls == "none" and not _is_here(self.smtp_host):
            message = f"smtp_tls=none is for a mail server on this machine, not for {self.smtp_host}"
            raise ValueError(message)
        address = urlsplit(self.sms_url)
        if address.scheme != "https" and not _is_here(address.hostname or ""):
            message = "sms_url must be https, unless the gateway is on this machine"
            raise ValueError(message)
        return self


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
