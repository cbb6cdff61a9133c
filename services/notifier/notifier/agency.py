"""The section `[messages]` of an agency's file: what this library sends, in which languages, and in whose name."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from glem_retention.agencies import Section

Language = Literal["da", "en"]
Channel = Literal["email", "sms"]
Kind = Literal["receipt", "reservation-ready", "due-soon", "overdue", "debt-statement", "consent-ended"]

MailAddress = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")]
SmsSender = Annotated[str, StringConstraints(pattern=r"^(?:[A-Za-z0-9 ]{1,11}|\+\d{8,15})$")]


class MessageRules(Section):
    """What an agency decides about its messages (R12, R19, R23, R61)."""

    languages: list[Language] = Field(min_length=1, description="Languages that patrons may choose (R19).")
    default_language: Language = Field(description="The language of all others.")
    patron_note_surface: Literal["statement", "visit"] = Field(
        description="Where the note to the patron appears: printed on the debt statement, or at a visit (R23)."
    )
    mail_from: MailAddress = Field(description="The sender of e-mails.")
    sms_from: SmsSender = Field(description="The sender of SMS: at most 11 letters and digits, or a number (E.164).")
    title_free_for_protected: bool = Field(
        default=True, description="Leave titles out of messages to patrons with a protected name and address (R25)."
    )
    kinds: list[Kind] = Field(description="The kinds of message that this agency sends (R61).")

    @model_validator(mode="after")
    def _default_is_allowed(self) -> Self:
        if self.default_language not in self.languages:
            message = "default_language must be one of languages"
            raise ValueError(message)
        return self
