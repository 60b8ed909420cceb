"""What the commands about customers share: where private things lie, the ledger, what a plan was made from."""

import hashlib
import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from email.utils import parseaddr
from pathlib import Path

from meaculpa.cli.common import program_for, shown_path
from meaculpa.config import Config
from meaculpa.customers.folder import Basis, digest_of
from meaculpa.customers.ledger import Ledger
from meaculpa.customers.ledger_file import open_ledger
from meaculpa.errors import InvalidInput, Problem, Refused
from meaculpa.files import alone
from meaculpa.model import Incident
from meaculpa.names import LEDGER
from meaculpa.project import read_letter_templates

PRIVATE = Path("private")
CODES, PLANS = PRIVATE / "codes", PRIVATE / "plans"
_LOCK = PRIVATE / "ledger.lock"


@contextmanager
def project_ledger(root: Path, patience: float = 30.0) -> Iterator[Ledger]:
    """Open a project's ledger; raises Refused."""
    with open_ledger(root / LEDGER, patience) as ledger:
        yield ledger


@contextmanager
def only_sender(root: Path) -> Iterator[None]:
    """Be the only process that sends a project's letters or changes what is known of them; raises Refused."""
    (root / PRIVATE).mkdir(mode=0o700, exist_ok=True)
    try:
        with alone(root / _LOCK):
            yield
    except BlockingIOError as error:
        raise Refused(f"another `meaculpa customers` command (process {error}) is at work on this ledger") from None


def refuse_handed_over(incident: str, ledger: Ledger) -> None:
    """Refuse to go on here with letters that another machine sends now; raises Refused."""
    at = ledger.handed_over(incident)
    if at:
        raise Refused(
            f"the letters about {incident} were handed over to another machine at {at}: nothing is sent from here; "
            "to go on here, import its ledger back: meaculpa customers ledger import FILE"
        )


def reply_address(config: Config) -> str:
    """The address at which a person reads what customers answer."""
    assert config.mail is not None  # noqa: S101
    return config.mail.reply_to or config.site.support.email or parseaddr(config.mail.sender)[1]


def refuse_public(place: Path, root: Path, config: Config) -> None:
    """Letters hold personal data: they never lie where they would be published."""
    refuse_published(place, root, config)
    if may_be_committed(place, root):
        raise Refused(f"{place} may be committed with the project; letters hold personal data: choose private/")


def refuse_published(place: Path, root: Path, config: Config) -> None:
    """Refuse a place for personal data in a folder that is published; raises Refused."""
    published = [root / target.path for target in config.targets if target.type == "directory"]
    for folder in (*published, root / "public", root / "incidents", root / "assets", root / "site_templates"):
        if place.is_relative_to(folder.resolve()):
            raise Refused(f"{place} is published, and personal data never is: choose a place below private/")


def may_be_committed(place: Path, root: Path) -> bool:
    """Whether a file lies in the project and not in private/, which git leaves alone."""
    return place.is_relative_to(root.resolve()) and not place.is_relative_to((root / PRIVATE).resolve())


def private_lines(file: Path, path: str) -> Iterator[str]:
    """Read a file of people line by line; raises InvalidInput where it is no text."""
    number = 1
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            for number, line in enumerate(stream, start=1):
                if "\0" in line:
                    raise InvalidInput([Problem(path, number, "this is not a text file", "write it in UTF-8")])
                yield line
    except UnicodeDecodeError:
        problem = Problem(path, number, "this is not UTF-8 text", "save it as UTF-8")
        raise InvalidInput([problem]) from None


def basis_of(
    incident: Incident,
    stage: str,
    day: str,
    orders: Path | None,
    sources: dict[str, bytes],
    config: Config,
    given: str,
) -> Basis:
    """What a plan is made from, or would be made from now."""
    mail, letters = config.mail, config.letters.model_dump_json() if config.letters else ""
    who = (mail.sender, mail.signed_by or "", mail.reply_to or "") if mail else ()
    return Basis(
        incident=incident.id,
        incident_digest=incident.text_digest,
        stage=stage,
        day=day,
        orders=str(orders.absolute()) if orders else "",
        orders_digest=digest_of(orders) if orders else "",
        templates_digest=_digest(content for _, content in sorted(sources.items())),
        settings_digest=_digest(
            [config.site.model_dump_json().encode(), letters.encode(), *(word.encode() for word in who)]
        ),
        given_digest=given,
    )


def changes_since(
    basis: Basis, incident: Incident, root: Path, config: Config, ledger: Ledger, at: datetime
) -> list[str]:
    """Say what has changed since a plan was made, so that another one would be made now."""
    orders = Path(basis.orders) if basis.orders else None
    if orders and not orders.is_file():
        return [f"{shown_path(orders)}, from which this was planned, is gone"]
    day = at.astimezone(config.site.timezone).date().isoformat()
    given = ledger.goodwill_digest(incident.id, basis.stage)
    now = basis_of(incident, basis.stage, day, orders, read_letter_templates(root), config, given)
    told = {
        "incident_digest": f"{incident.path} has changed",
        "day": f"another day has begun ({basis.day} when it was planned), and dates in the letters count from it",
        "orders_digest": f"{shown_path(orders) if orders else ''} has changed",
        "templates_digest": "the templates of letters have changed",
        "settings_digest": "site or mail in meaculpa.yml have changed",
        "given_digest": "other letters have given gifts",
    }
    return [text for name, text in told.items() if getattr(now, name) != getattr(basis, name)]


def plan_again(basis: Basis, root: Path) -> str:
    """The command that makes a plan anew, as it is typed here."""
    file = f" --orders {shlex.quote(shown_path(Path(basis.orders)))}" if basis.orders else ""
    return f"{program_for(root)} customers plan {basis.incident} --stage {basis.stage}{file}"


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()
