"""How long the credentials for AWS will do: those that end in the midst of a night are found the day before."""

import os
from enum import StrEnum

import boto3
from botocore.credentials import Credentials, RefreshableCredentials
from botocore.exceptions import BotoCoreError
from msgspec import Struct

_A_DAY = 86_400
# These are renewed by somebody's log-in alone, and stop with it.
_BY_A_PERSON = ("sso", "login")


class Lasting(StrEnum):
    """For how long credentials hold."""

    NONE = "none"
    LASTING = "lasting"
    RENEWED = "renewed"
    BY_LOG_IN = "by log-in"
    ENDING = "ending"
    UNKNOWN = "unknown"


class Held(Struct, frozen=True):
    """What was found: how long it holds, and where it comes from in the words of the client's library."""

    lasting: Lasting
    source: str


def inspect_credentials() -> Held:
    """Look at what boto3 would use; asks no server but the one that hands them out."""
    try:
        found = boto3.Session().get_credentials()
    except BotoCoreError as error:
        return Held(Lasting.NONE, str(error))
    if found is None:
        return Held(Lasting.NONE, "")
    source = str(found.method or "")
    return Held(_lasting(found, source), source)


def _lasting(found: Credentials, source: str) -> Lasting:
    if isinstance(found, RefreshableCredentials):
        if source.startswith(_BY_A_PERSON):
            return Lasting.BY_LOG_IN
        if source != "env":
            return Lasting.RENEWED
        return Lasting.ENDING if found.refresh_needed(_A_DAY) else Lasting.LASTING
    is_temporary = bool(found.token) or bool(os.environ.get("AWS_SESSION_TOKEN") and source == "env")
    return Lasting.UNKNOWN if is_temporary else Lasting.LASTING
