"""The text of `meaculpa.yml` -> Config, or every Problem in it."""

import hashlib
from collections.abc import Mapping
from functools import cached_property
from itertools import combinations
from pathlib import PurePosixPath
from posixpath import normpath
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field, field_validator, model_validator

from meaculpa.errors import Problem, did_you_mean
from meaculpa.fields import (
    AssetPath,
    BaseUrl,
    Colour,
    EmailAddress,
    EndpointUrl,
    Mailbox,
    Phone,
    SecretUrl,
    Url,
    Zone,
)
from meaculpa.names import CONFIG_FILE
from meaculpa.schema import (
    Date,
    Identifier,
    Line,
    LocaleCode,
    PathGlob,
    Shape,
    ShortLine,
    check,
    matching,
    mistake,
)
from meaculpa.strict_yaml import Document, YamlMistake, load

# Room for a thousand components.
_LONGEST = 131_072
FACT_KEYS = ("next_update", "back_at", "settled")


def _unique(values: list[str], what: str) -> None:
    for value in values:
        if values.count(value) > 1:
            raise mistake(f'{what} "{value}" stands here twice', "keep one of the two")


class Support(Shape):
    """How a customer reaches a person while the shop is down."""

    phone: Phone | None = None
    hours: Line | None = None
    email: EmailAddress | None = None
    chat_url: Url | None = None


class Site(Shape):
    """The shop, and where its status page is served from."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    name: ShortLine
    url: BaseUrl
    store_url: Url
    timezone: Zone = ZoneInfo("UTC")
    locales: tuple[LocaleCode, ...] = Field(default=("en",), min_length=1)
    support: Support = Support()
    jurisdiction: Literal["us", "eu", "uk"] | None = None

    @field_validator("locales")
    @classmethod
    def _each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        _unique([code.casefold() for code in value], "the locale")
        return value


class Brand(Shape):
    """What makes the pages look like the shop's own."""

    logo: AssetPath | None = None
    accent: Colour = "#0b57d0"


class Component(Shape):
    """A part of the shop that customers have a name for."""

    id: Identifier
    name: ShortLine
    group: ShortLine | None = None
    paths: tuple[PathGlob, ...] = ()
    since: Date | None = None

    @field_validator("id")
    @classmethod
    def _no_fact(cls, value: str) -> str:
        if value in FACT_KEYS:
            raise mistake(f'"{value}" is a fact of an update and cannot name a component', "choose another id")
        return value


class Banner(Shape):
    """How the banner behaves on the storefront."""

    position: Literal["bottom", "top", "slot"] = "bottom"
    poll_seconds: int = Field(default=60, ge=10, le=3600)
    off: bool = False


class Splash(Shape):
    """How the splash page brings customers back."""

    retry_after_seconds: int = Field(default=120, ge=10, le=86_400)
    return_over_seconds: int = Field(default=180, ge=0, le=3600)
    tell_me_url: Url | None = None


class DirectoryTarget(Shape):
    """A folder, relative to the project's unless it is absolute."""

    type: Literal["directory"]
    name: Identifier
    path: Line


class S3Target(Shape):
    """A bucket, and the distribution in front of it if there is one."""

    type: Literal["s3"]
    name: Identifier
    bucket: Annotated[str, matching(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "3 to 63 small letters, digits, . and -")]
    region: Annotated[str, matching(r"[a-z0-9-]{2,32}", "a region such as eu-west-1")] | None = None
    endpoint_url: EndpointUrl | None = None
    conditional_writes: bool = True
    cloudfront_distribution: Annotated[str, matching(r"[A-Z0-9]{8,32}", "an id such as E2EXAMPLE1234")] | None = None


def _overlap(one: DirectoryTarget | S3Target, other: DirectoryTarget | S3Target) -> bool:
    """Whether two targets would delete each other's files."""
    if isinstance(one, S3Target) and isinstance(other, S3Target):
        return (one.bucket, one.endpoint_url) == (other.bucket, other.endpoint_url)
    if isinstance(one, DirectoryTarget) and isinstance(other, DirectoryTarget):
        first, second = (PurePosixPath(normpath(target.path)) for target in (one, other))
        return first.is_relative_to(second) or second.is_relative_to(first)
    return False


class Watch(Shape):
    """How long a running watcher answers for what it published, and how often it renews that."""

    heartbeat_seconds: int = Field(default=300, ge=10, le=3600)
    valid_seconds: int = Field(default=900, ge=30, le=86_400)

    @model_validator(mode="after")
    def _renewed_in_time(self) -> "Watch":
        if self.valid_seconds < 2 * self.heartbeat_seconds:
            least = 2 * self.heartbeat_seconds
            raise mistake('"valid_seconds" must be at least twice "heartbeat_seconds"', f"{least} or more")
        return self


class SmtpTransport(Shape):
    """A mail server; its password comes from the environment, never from here."""

    type: Literal["smtp"]
    host: Line
    port: int = Field(default=587, ge=1, le=65_535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: Line | None = None


class SesTransport(Shape):
    """Amazon SES, with boto3's own credentials."""

    type: Literal["ses"]
    region: Line | None = None
    endpoint_url: EndpointUrl | None = None


class Mail(Shape):
    """Who writes to customers, and over what: `signed_by` is a person, `reply_to` an address that people read.

    More letters than `confirm_above` are sent only to somebody who says their exact number.
    """

    sender: Mailbox = Field(alias="from")
    signed_by: ShortLine | None = None
    reply_to: EmailAddress | None = None
    transport: Annotated[SmtpTransport | SesTransport, Field(discriminator="type")]
    per_second: int = Field(default=14, ge=1, le=10_000)
    connections: int = Field(default=1, ge=1, le=20)
    confirm_above: int = Field(default=50, ge=0, le=1_000_000)


class Letters(Shape):
    """Letters on the page: each mail links to its letter there, for so many days."""

    days: int = Field(default=60, ge=1, le=400)


class Api(Shape):
    """How the JSON that Statuspage's clients read speaks of planned work: some know no word for it."""

    maintenance_indicator: Literal["maintenance", "none"] = "maintenance"


class Channel(Shape):
    """A chat, a phone, an account for posts or a webhook that hears of every update, by an address of apprise's.

    `locale` is the language it is told in, the first of the site's without it.
    """

    name: Identifier
    url: SecretUrl
    locale: LocaleCode | None = None

    @property
    def variable(self) -> str:
        """The environment variable that holds the address."""
        return self.url[2:-1]


class Chart(Shape):
    """How `metrics/<id>.csv` is shown; without a name by its file's."""

    id: Identifier
    name: ShortLine | None = None
    unit: Annotated[str, Field(max_length=16)] = ""
    hours: int = Field(default=24, ge=1, le=744)

    @property
    def title(self) -> str:
        """What it is called."""
        return self.name or self.id.replace("-", " ").capitalize()


class Alerts(Shape):
    """Which component a monitor means: by any word of its alerts, a label's value or the name of a service."""

    components: dict[str, Identifier] = Field(default_factory=dict)


class Lint(Shape):
    """What the rules for messages do not know: words that customers do use, and addresses of the shop's own."""

    allow: Annotated[tuple[ShortLine, ...], Field(max_length=500)] = ()

    @cached_property
    def words(self) -> frozenset[str]:
        """The same for a comparison that knows no case."""
        return frozenset(word.casefold() for word in self.allow)


class Config(Shape):
    """The whole of `meaculpa.yml`."""

    format: Literal["1"] = "1"
    site: Site
    brand: Brand = Brand()
    components: tuple[Component, ...] = Field(min_length=1)
    banner: Banner = Banner()
    splash: Splash = Splash()
    targets: tuple[Annotated[DirectoryTarget | S3Target, Field(discriminator="type")], ...] = Field(
        default=(), max_length=50
    )
    watch: Watch = Watch()
    mail: Mail | None = None
    letters: Letters | None = None
    channels: Annotated[tuple[Channel, ...], Field(max_length=50)] = ()
    lint: Lint = Lint()
    api: Api = Api()
    alerts: Alerts = Alerts()
    metrics: Annotated[tuple[Chart, ...], Field(max_length=20)] = ()

    @field_validator("components")
    @classmethod
    def _ids_once(cls, value: tuple[Component, ...]) -> tuple[Component, ...]:
        _unique([component.id for component in value], "the component")
        return value

    @field_validator("targets")
    @classmethod
    def _names_once(cls, value: tuple[DirectoryTarget | S3Target, ...]) -> tuple[DirectoryTarget | S3Target, ...]:
        _unique([target.name for target in value], "the target")
        return value

    @field_validator("targets")
    @classmethod
    def _each_in_its_own_place(
        cls, value: tuple[DirectoryTarget | S3Target, ...]
    ) -> tuple[DirectoryTarget | S3Target, ...]:
        for one, other in combinations(value, 2):
            if _overlap(one, other):
                raise mistake(
                    f'the targets "{one.name}" and "{other.name}" write to the same place',
                    "give each a folder or a bucket of its own",
                )
        return value

    @field_validator("channels")
    @classmethod
    def _channels_once(cls, value: tuple[Channel, ...]) -> tuple[Channel, ...]:
        _unique([channel.name for channel in value], "the channel")
        return value

    @model_validator(mode="after")
    def _alerts_name_components(self) -> "Config":
        for word, component in self.alerts.components.items():
            if component not in self.component_names:
                message = f'alerts: "{word}" leads to the unknown component "{component}"'
                raise mistake(message, did_you_mean(component, self.component_names))
        return self

    @model_validator(mode="after")
    def _in_languages_of_the_site(self) -> "Config":
        for channel in self.channels:
            if channel.locale and channel.locale not in self.site.locales:
                known = ", ".join(self.site.locales)
                raise mistake(
                    f'the channel "{channel.name}" wants "{channel.locale}", which the site does not speak', known
                )
        return self

    @cached_property
    def digest(self) -> str:
        """What identifies everything that is configured."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @property
    def default_locale(self) -> str:
        """The language in which incidents are written first."""
        return self.site.locales[0]

    @cached_property
    def component_names(self) -> Mapping[str, str]:
        """Names of the components by id, in the order of the file."""
        return {component.id: component.name for component in self.components}


def parse_config(content: bytes, path: str = CONFIG_FILE) -> Config | list[Problem]:
    """Read `meaculpa.yml`; gives the configuration, or every problem with its line."""
    try:
        document = _load(content)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return [Problem(path, line, "not UTF-8 text", "save the file as UTF-8")]
    except YamlMistake as error:
        return [Problem(path, error.line, error.message, error.hint)]
    return _check(document, path)


def _load(content: bytes) -> Document:
    return load(content.decode("utf-8-sig").replace("\r\n", "\n"), longest=_LONGEST)


def line_of(content: bytes, *place: str | int) -> int:
    """Find the line of a key in `meaculpa.yml`, for problems that show only when the rest of the project is known."""
    return _load(content).line_of(place)


def _check(document: Document, path: str) -> Config | list[Problem]:
    if not document.values:
        return [Problem(path, 1, "the file is empty", "`meaculpa init` writes one to begin with")]
    context: dict[str, Any] = {}
    return check(Config, document, path, context)
