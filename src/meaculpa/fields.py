"""What single values of `meaculpa.yml` may be: zones, addresses, colours, names of variables."""

import re
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, WithJsonSchema

from meaculpa.schema import matching, mistake
from meaculpa.times import TimeMistake, parse_zone

_VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")


def _read_zone(value: object) -> object:
    if not isinstance(value, str):
        raise mistake('"timezone" must be a name', "an IANA name such as Europe/London or UTC")
    try:
        return parse_zone(value)
    except TimeMistake as error:
        raise mistake(str(error), error.hint) from None


def _read_url(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        holds_secret = "@" in parts.netloc
    except ValueError:
        usable, holds_secret = False, "@" in value
    if holds_secret:
        # What stands there may be a password: it is not repeated.
        raise mistake("a user or a password stands in this address", "credentials do not belong into this file")
    if not usable or any(not "!" <= letter <= "~" or letter in "\"'<>\\^`{|}" for letter in value):
        raise mistake(f'"{value}" is not a web address', "write it like https://status.example.com")
    return value.rstrip("/")


def _read_base(value: object) -> object:
    """An address that paths are put behind."""
    if isinstance(value, str) and ("?" in value or "#" in value):
        raise mistake(f'"{value}" has a query or a fragment', "write it like https://status.example.com")
    return _read_url(value)


def _read_endpoint(value: object) -> object:
    """The address of a server; a query in it may be a secret, so it is not repeated."""
    if isinstance(value, str) and ("?" in value or "#" in value):
        raise mistake("this address has a query or a fragment", "write it like https://s3.example.com")
    return _read_url(value)


def _read_secret(value: object) -> object:
    """An address that is a secret stands in the environment of whoever uses it; what stands here is not repeated."""
    if not isinstance(value, str) or not _VARIABLE.fullmatch(value.strip()):
        raise mistake(
            "an address of a channel is a secret and does not belong into this file",
            "put it into an environment variable, and name that here: ${CHAT_URL}",
        )
    return value.strip()


Zone = Annotated[ZoneInfo, BeforeValidator(_read_zone), WithJsonSchema({"type": "string"})]
_URL_IN_EDITORS = WithJsonSchema(
    {"type": "string", "pattern": "^https?://", "description": "https://status.example.com"}
)
Url = Annotated[str, BeforeValidator(_read_url), _URL_IN_EDITORS]
BaseUrl = Annotated[str, BeforeValidator(_read_base), _URL_IN_EDITORS]
EndpointUrl = Annotated[str, BeforeValidator(_read_endpoint), _URL_IN_EDITORS]
Colour = Annotated[str, matching(r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})", "a colour such as #0b57d0")]
AssetPath = Annotated[
    str,
    matching(
        r"assets/[A-Za-z0-9][A-Za-z0-9._/-]*",
        "a picture in the project's assets folder, such as assets/logo.svg",
    ),
]
# As it stands in a mail's envelope: no server is bound to take more than ASCII (RFC 5321, 4.1.2).
_ADDRESS = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+"
EmailAddress = Annotated[str, matching(_ADDRESS, "one address such as help@example.com, in ASCII")]
_MAILBOX = rf"[^\x00-\x1f<>@,;\"]+ <{_ADDRESS}>|{_ADDRESS}"
Mailbox = Annotated[str, matching(_MAILBOX, "write it like: Northwind <orders@northwind.example>")]
_VARIABLE_IN_EDITORS = {"type": "string", "pattern": r"^\$\{[A-Za-z_][A-Za-z0-9_]*\}$", "description": "${CHAT_URL}"}
SecretUrl = Annotated[str, BeforeValidator(_read_secret), WithJsonSchema(_VARIABLE_IN_EDITORS)]
Phone = Annotated[str, matching(r"\+?[0-9][0-9 ()/.-]{2,30}", "a number such as +44 800 555 0100")]
