"""What `meaculpa doctor` looks at: a function for each kind of check, the slow ones side by side."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from meaculpa.build.memory import Memory
from meaculpa.build.reading import read_content
from meaculpa.cli.customers.common import CODES as CODES_FOLDER
from meaculpa.cli.customers.common import PLANS, project_ledger
from meaculpa.cli.customers.send import connect
from meaculpa.cli.customers.shout import find_debts, overdue_words
from meaculpa.cli.signs import TargetSign, read_signs, stamp_words
from meaculpa.cli.wording import count, unmarked
from meaculpa.config import Config, S3Target, SesTransport
from meaculpa.doctor import Finding, fail, ok, warn
from meaculpa.doctor.fate import FATE, find_place, judge_bucket, judge_distribution, judge_page, judge_places
from meaculpa.doctor.readiness import CODES, MAIL, PLAYBOOKS, inspect_playbooks, inspect_pools, inspect_transport
from meaculpa.doctor.served import ADDRESS, Answer, ask, inspect_site
from meaculpa.errors import InvalidInput, Refused, Severity, TargetError
from meaculpa.folders import has_ledger
from meaculpa.project import ProjectFiles, read_playbooks, read_project
from meaculpa.publish import open_target
from meaculpa.status import Site, derive

FILES, TARGETS, CLOUDFRONT, CREDENTIALS = "files", "targets", "cloudfront", "credentials"
PROMISES, HEARTBEAT, CHANNELS = "promises", "heartbeat", "channels"
# What is wrong outside of the project's files.
OUTSIDE = (TARGETS, CLOUDFRONT, CREDENTIALS, ADDRESS, FATE, MAIL, HEARTBEAT, CHANNELS)
# More than the patience of each single request, which a server that answers a little can stretch.
SECONDS_A_CHECK = 45.0
_PLACEHOLDERS = (".example", "example.com", "example.org", "example.net", ".invalid", ".test")


class _Patient(Struct, frozen=True):
    """What all checks look at."""

    root: Path
    config: Config
    site: Site
    signs: Sequence[TargetSign]
    now: datetime


def examine(root: Path, now: datetime) -> list[Finding]:
    """Run every check; those that ask somebody else run side by side."""
    memory, files = Memory(), read_project(root)
    found = _validity(files, memory, now)
    try:
        from meaculpa.build.reading import read_config

        config = read_config(files, memory)
    except InvalidInput:
        return found
    content = read_content(files, config, memory)
    signs = read_signs(config.targets, root)
    patient = _Patient(root, config, derive(content.incidents, config, now), signs, now)
    with ThreadPoolExecutor(len(_CHECKS)) as threads:
        for findings in threads.map(lambda one: in_time(one[0], one[1], patient), _CHECKS):
            found += findings
    return [*found, *_promises(patient), *_heartbeats(patient)]


def in_time(name: str, check: Callable[[Any], Iterable[Finding]], patient: object) -> list[Finding]:
    """Run a check, and give it up where a server keeps it waiting by a word now and then."""
    found: list[Finding] = []

    def run() -> None:
        try:
            found.extend(check(patient))
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            found.append(fail(name, f"{place}{error.strerror or error}", "see to it that it can be read"))

    # A thread that nobody waits for: it must not keep the command from ending.
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(SECONDS_A_CHECK)
    if thread.is_alive():
        return [fail(name, f"no answer within {SECONDS_A_CHECK:.0f} s", "see what answers there, and how")]
    return found


def _validity(files: ProjectFiles, memory: Memory, now: datetime) -> list[Finding]:
    from meaculpa.build.composition import build

    try:
        done = build(files, now, memory)
        # What the rules find keeps nothing from going out, so it is no failure here.
        told = [one for one in done.findings if one.severity is not Severity.NOTE]
        problems = (*done.problems, *(replace(one, severity=Severity.WARNING) for one in told))
    except InvalidInput as error:
        problems = error.problems
    finally:
        memory.pool.close()
    errors = [one for one in problems if one.severity is Severity.ERROR]
    if errors:
        return [fail(FILES, f"{count(len(errors), 'error')}, the first: {errors[0]}", "meaculpa check")]
    if problems:
        return [warn(FILES, f"{count(len(problems), 'warning')}, the first: {problems[0]}", "meaculpa check")]
    return [ok(FILES, f"no problem in {count(len(files.incidents), 'incident file')}")]


def _placeholders(patient: _Patient) -> Iterator[Finding]:
    site = patient.config.site
    for name, address in (("site.url", site.url), ("site.store_url", site.store_url)):
        host = urlsplit(address).hostname or ""
        if host.endswith(_PLACEHOLDERS):
            yield warn(FILES, f"{name} is still a placeholder, {address}", f"set {name} in meaculpa.yml")
    if not (site.support.phone or site.support.email):
        yield warn(FILES, "nobody can be reached while the shop is down", "site.support: phone, email")


def _targets(patient: _Patient) -> Iterator[Finding]:
    from meaculpa.publish.probe import probe

    if not patient.config.targets:
        yield fail(TARGETS, "there is none, so nothing is published", "targets in meaculpa.yml")
    for settings in patient.config.targets:
        try:
            is_heeding = probe(open_target(settings, patient.root))
        except (TargetError, Refused) as error:
            yield fail(TARGETS, f"{settings.name}: {error}", "nothing can be published there")
            continue
        if not is_heeding:
            message = f"{settings.name}: it takes conditional writes and ignores their conditions"
            yield fail(TARGETS, message, "if only one machine ever publishes: conditional_writes: false")
        elif isinstance(settings, S3Target) and not settings.conditional_writes:
            message = f"{settings.name} can be written; conditional_writes is false: two publishers may collide"
            yield warn(TARGETS, message, "publish from one machine only")
        else:
            yield ok(TARGETS, f"{settings.name} can be written, conditions are honoured")


def _distributions(patient: _Patient) -> Iterator[Finding]:
    from meaculpa.publish.cloudfront import look

    store = find_place(urlsplit(patient.config.site.store_url).hostname or "")
    for settings in patient.config.targets:
        distribution = settings.cloudfront_distribution if isinstance(settings, S3Target) else None
        if distribution is None:
            continue
        found = look(distribution)
        if isinstance(found, str):
            hint = "changes show within seconds all the same; allow cloudfront:GetDistribution"
            yield warn(CLOUDFRONT, f"{settings.name}: {distribution} cannot be seen: {found}", hint)
            continue
        yield ok(CLOUDFRONT, f"{settings.name}: {distribution} answers as {found[0]}")
        yield from judge_distribution(found[0], found[1], settings.name, store)


def _credentials(patient: _Patient) -> Iterator[Finding]:
    mail = patient.config.mail
    is_needed = any(isinstance(one, S3Target) for one in patient.config.targets)
    if not is_needed and not (mail and isinstance(mail.transport, SesTransport)):
        return
    from meaculpa.publish.credentials import Lasting, inspect_credentials

    held = inspect_credentials()
    where = f" ({held.source})" if held.source else ""
    if held.lasting is Lasting.NONE:
        yield fail(CREDENTIALS, f"there are none for AWS{where}", "docs/aws.md, section 5")
    elif held.lasting is Lasting.ENDING:
        yield fail(CREDENTIALS, f"they end within 24 hours{where}", "renew them, or give the machine a role")
    elif held.lasting is Lasting.BY_LOG_IN:
        yield warn(CREDENTIALS, f"they end with somebody's log-in{where}", "for `watch`, give the machine a role")
    elif held.lasting is Lasting.UNKNOWN:
        yield warn(CREDENTIALS, f"they are temporary, their end is unknown{where}", "AWS_CREDENTIAL_EXPIRATION")
    else:
        words = "they are renewed by themselves" if held.lasting is Lasting.RENEWED else "they last"
        yield ok(CREDENTIALS, f"{words}{where}")


def _address(patient: _Patient) -> list[Finding]:
    site = patient.config.site
    stamps = [one.sign.stamp.at for one in patient.signs if one.sign and one.sign.stamp]
    return inspect_site(site.url, site.store_url, max(stamps, default=None), patient.config.letters is not None)


def _fate(patient: _Patient) -> Iterator[Finding]:
    site = patient.config.site
    status_host, store_host = (urlsplit(url).hostname or "" for url in (site.url, site.store_url))
    store = find_place(store_host)
    yield from judge_places(find_place(status_host), store, status_host, store_host)
    for settings in patient.config.targets:
        if isinstance(settings, S3Target):
            yield from judge_bucket(settings.bucket, settings.endpoint_url, settings.name, store)
    page = ask(f"{site.url}/index.html", site.store_url)
    if isinstance(page, Answer):
        yield from judge_page(page.body.decode("utf-8", "replace"), site.url, store_host)


def _mail(patient: _Patient) -> Iterator[Finding]:
    mail = patient.config.mail
    if mail is None:
        yield warn(MAIL, "there is none: no customer could be written to", "mail in meaculpa.yml")
        return
    if not mail.signed_by:
        yield warn(MAIL, "no person signs the letters", "mail.signed_by in meaculpa.yml")
    try:
        yield from inspect_transport(mail.transport, connect(mail))
    except Refused as error:
        yield fail(MAIL, str(error), "where `customers send` runs")


def _channels(patient: _Patient) -> Iterator[Finding]:
    from meaculpa.channels import Outcome
    from meaculpa.channels.post import look_at

    for channel in patient.config.channels:
        found = look_at(channel)
        if found.outcome is Outcome.TOLD:
            yield ok(CHANNELS, f"{channel.name}: {found.why}, by {channel.url}")
        else:
            yield fail(CHANNELS, f"{channel.name}: {found.why}", "docs/channels.md; then: meaculpa channels --test")


def _pools(patient: _Patient) -> list[Finding]:
    from meaculpa.customers.other_plans import codes_in_plans
    from meaculpa.customers.planning import read_codes

    open_ones = [state.incident for state in patient.site.open]
    wanted = {one.codes for incident in open_ones for one in incident.offers if one.codes}
    folder = patient.root / CODES_FOLDER
    names = sorted({path.name for path in folder.glob("*") if path.is_file()})
    used = codes_in_plans(patient.root / PLANS, None)
    if has_ledger(patient.root):
        with project_ledger(patient.root, patience=1) as ledger:
            used |= ledger.codes()
    pools = read_codes(folder, names, used)
    if isinstance(pools, list):
        return [fail(CODES, str(problem), "one code a line") for problem in pools]
    return inspect_pools({name: len(codes) for name, codes in pools.items()}, wanted)


def _playbooks(patient: _Patient) -> list[Finding]:
    return inspect_playbooks(read_playbooks(patient.root), patient.config.site.locales)


def _promises(patient: _Patient) -> list[Finding]:
    late = [
        fail(
            PROMISES,
            f"{state.incident.id}: an update was promised for {state.next_update:%Y-%m-%d %H:%M} UTC",
            f"meaculpa update {state.incident.id}",
        )
        for state in patient.site.overdue
        if state.next_update
    ]
    try:
        debts = find_debts(patient.root, patient.site)
    except Refused as error:
        return [*late, fail(PROMISES, str(error), "meaculpa customers status")]
    for debt in debts:
        if debt.is_overdue:
            told, step = overdue_words(debt, patient.now)
            late.append(fail(PROMISES, f"{debt.incident}: {told}", step))
        elif debt.found.refunds_due and not debt.handed_over:
            told = f"{debt.incident}: {count(len(debt.found.refunds_due), 'refund')} due"
            late.append(warn(PROMISES, told, f"meaculpa customers status {debt.incident}"))
    return late or [ok(PROMISES, "none is overdue")]


def _heartbeats(patient: _Patient) -> Iterator[Finding]:
    for one in patient.signs:
        message = f"{one.name}: {unmarked(stamp_words(one.sign, patient.now)) if one.sign else one.error}"
        stamp = one.sign.stamp if one.sign else None
        if one.is_wrong(patient.now):
            yield fail(HEARTBEAT, message, "meaculpa watch")
        elif one.sign and one.sign.held:
            yield warn(HEARTBEAT, f"{one.name}: build {one.sign.held} is held there", "meaculpa publish --release")
        elif stamp is None or stamp.valid_until is None:
            yield warn(HEARTBEAT, message, "run meaculpa watch (docs/publishing.md)")
        else:
            yield ok(HEARTBEAT, message)


_CHECKS: tuple[tuple[str, Callable[[_Patient], Iterable[Finding]]], ...] = (
    (FILES, _placeholders),
    (TARGETS, _targets),
    (CLOUDFRONT, _distributions),
    (CREDENTIALS, _credentials),
    (ADDRESS, _address),
    (FATE, _fate),
    (MAIL, _mail),
    (CHANNELS, _channels),
    (CODES, _pools),
    (PLAYBOOKS, _playbooks),
)
