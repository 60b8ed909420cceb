"""What must be there before the night: a mail server that answers, codes to give, a playbook for every kind."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from meaculpa.config import SesTransport, SmtpTransport
from meaculpa.customers.transport import Connection, NotNow, TakesNothing
from meaculpa.doctor import Finding, fail, ok, warn
from meaculpa.errors import Refused
from meaculpa.model import Kind
from meaculpa.render.playbook import first_status, ready_text

MAIL, CODES, PLAYBOOKS = "mail", "codes", "playbooks"
# As many as a small incident takes; below that somebody should fetch more while there is time.
_FEW_CODES = 10


def inspect_transport(transport: SmtpTransport | SesTransport, connect: Callable[[], Connection]) -> list[Finding]:
    """Say whether the mail server answers and lets us in; no message is sent."""
    try:
        connection = connect()
    except (NotNow, TakesNothing) as error:
        return [fail(MAIL, str(error), "see mail.transport in meaculpa.yml; letters would not go out")]
    try:
        limits = _limits(connection)
    except (NotNow, TakesNothing) as error:
        return [fail(MAIL, str(error), "see mail.transport in meaculpa.yml; letters would not go out")]
    finally:
        connection.close()
    if limits:
        return [warn(MAIL, f"SES: {limit}", "letters to some or all customers would be refused") for limit in limits]
    host = f"{transport.host}:{transport.port}" if isinstance(transport, SmtpTransport) else "SES"
    return [ok(MAIL, f"{host} answers and lets us in")]


def _limits(connection: Connection) -> Sequence[str]:
    from meaculpa.customers.ses import SesConnection

    return connection.limits() if isinstance(connection, SesConnection) else ()


def inspect_pools(left: Mapping[str, int], wanted: Iterable[str]) -> list[Finding]:
    """Say which pools run out: `left` is how many codes of each nobody has, `wanted` what open incidents offer."""
    findings = []
    for name in sorted({*left, *wanted}):
        if not left.get(name):
            verdict = fail if name in wanted else warn
            findings.append(verdict(CODES, f"no code is left in private/codes/{name}", "fill it: one code a line"))
        elif left[name] < _FEW_CODES:
            message = f"{left[name]} codes are left in private/codes/{name}"
            findings.append(warn(CODES, message, "fetch more while there is time"))
    if findings:
        return findings
    words = f"{sum(left.values()):,} codes in {len(left)} pools"
    return [ok(CODES, words if left else "there is no pool, and no open incident needs one")]


def inspect_playbooks(playbooks: Mapping[str, bytes], locales: Sequence[str]) -> list[Finding]:
    """Say which first message would have to be written by hand: a playbook for every kind and language that works."""
    known = set(playbooks)
    missing = [
        f"{kind}.{locale}.md"
        for locale in locales
        for kind in Kind
        if not {f"{kind}.{locale}.md", f"{kind}.{locale.split('-')[0]}.md"} & known
    ]
    broken = [told for locale in locales for kind in Kind if (told := _try(playbooks, kind, locale))]
    if broken:
        return [fail(PLAYBOOKS, told, "mend it, or take it away: the packaged one does") for told in broken]
    if not missing:
        return [ok(PLAYBOOKS, f"one for each of {len(Kind)} kinds in {', '.join(locales)}")]
    shown = ", ".join(missing[:6]) + (" ..." if len(missing) > 6 else "")
    return [warn(PLAYBOOKS, f"missing: {shown}", "write them into site_templates/playbooks/")]


def _try(playbooks: Mapping[str, bytes], kind: Kind, locale: str) -> str | None:
    """Write a first message as in the night; gives what is wrong with it."""
    at = datetime(2026, 11, 22, 9, 20, tzinfo=UTC)
    facts = dict.fromkeys(("title", "works", "money"), "x") | dict.fromkeys(
        ("started", "known", "starts", "ends"), at
    )
    try:
        text = ready_text(playbooks, kind, locale, str(first_status(kind)), facts)
    except Refused as error:
        return str(error)
    return None if text else f"{kind}.{locale}.md has no text for {first_status(kind)}"
