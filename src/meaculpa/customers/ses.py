"""Mail over Amazon SES: a request a message, never repeated by the library, for SES knows no idempotency token."""

import contextlib
from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config as ClientConfig
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoAuthTokenError,
    NoCredentialsError,
    PartialCredentialsError,
    ProxyConnectionError,
    SSLError,
    SSOError,
    TokenRetrievalError,
)

from meaculpa.config import SesTransport
from meaculpa.customers.ledger import State
from meaculpa.customers.mail import Mail
from meaculpa.customers.transport import Answer, NotNow, TakesNothing, redacted

# What is about this message alone; everything else that SES refuses, it refuses to everybody (SES v2, SendEmail).
_OF_THE_MESSAGE = ("MessageRejected", "BadRequestException")
_WITHOUT_KEYS = (
    *(NoCredentialsError, PartialCredentialsError, CredentialRetrievalError),
    *(NoAuthTokenError, SSOError, TokenRetrievalError),
)
_BEFORE_A_REQUEST = (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError, SSLError)
_LATER = ("TooManyRequestsException", "ThrottlingException", "Throttling")


class SesConnection:
    """A client of its own for one thread; raises TakesNothing where it has no region or credentials."""

    def __init__(self, settings: SesTransport) -> None:
        self._client = _client(settings)

    def deliver(self, mail: Mail, on_sending: Callable[[], None]) -> Answer:
        """Send a message; see Connection. It is marked before the request: nothing is known in its midst."""
        on_sending()
        try:
            sent = self._client.send_email(
                FromEmailAddress=mail.sender,
                Destination={"ToAddresses": [mail.address]},
                Content={"Raw": {"Data": mail.content}},
            )
        except ClientError as error:
            return _refused(error)
        except _WITHOUT_KEYS as error:
            raise TakesNothing(f"SES: {redacted(str(error))}") from error
        except _BEFORE_A_REQUEST as error:
            raise NotNow(f"SES cannot be reached: {redacted(str(error))}") from error
        except BotoCoreError as error:
            return Answer(State.UNKNOWN, redacted(f"no answer came: {error}"))
        number = sent.get("MessageId")
        # What has no number comes from a proxy or a portal, and nobody knows what became of the request.
        return Answer(State.SENT, str(number)) if number else Answer(State.UNKNOWN, "an answer without a number")

    def limits(self) -> list[str]:
        """Say what keeps the account from sending to everybody; raises NotNow and TakesNothing."""
        try:
            found = self._client.get_account()
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "AccessDeniedException":
                return ["it answers, but the credentials may not look at the account (ses:GetAccount)"]
            raise TakesNothing(f"SES: {redacted(str(error))}") from error
        except _WITHOUT_KEYS as error:
            raise TakesNothing(f"SES: {redacted(str(error))}") from error
        except BotoCoreError as error:
            raise NotNow(f"SES cannot be reached: {redacted(str(error))}") from error
        limits = [] if found.get("ProductionAccessEnabled") else ["the account is in the sandbox"]
        return limits if found.get("SendingEnabled") else [*limits, "sending is switched off for the account"]

    def close(self) -> None:
        """Say goodbye; never raises."""
        with contextlib.suppress(Exception):
            self._client.close()


def _client(settings: SesTransport) -> Any:
    config = ClientConfig(connect_timeout=10, read_timeout=60, retries={"total_max_attempts": 1, "mode": "standard"})
    try:
        session = boto3.Session(region_name=settings.region)
        return session.client("sesv2", endpoint_url=settings.endpoint_url, config=config)
    except (BotoCoreError, ValueError) as error:
        raise TakesNothing(f"SES: {error}") from error


def _refused(error: ClientError) -> Answer:
    """Read what SES said; raises NotNow and TakesNothing, for then it has taken nothing."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    text = redacted(f"{code}: {error.response.get('Error', {}).get('Message', '')}")
    if code in _LATER or status == 429:
        raise NotNow(text) from error
    if status >= 500:
        return Answer(State.UNKNOWN, text)
    if code in _OF_THE_MESSAGE and "not verified" not in text:
        return Answer(State.REFUSED, text)
    raise TakesNothing(f"SES takes nothing from us: {text}") from error
