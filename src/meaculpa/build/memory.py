"""What builds of one process know of those before them, and leave behind for the next process."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from meaculpa.build.bodies import Bodies
from meaculpa.build.closing import Archive
from meaculpa.build.contents import Contents
from meaculpa.build.findings import Findings
from meaculpa.build.last_good import Copies, note_copies
from meaculpa.build.making import Workshop
from meaculpa.build.markup_pool import MarkupPool
from meaculpa.build.values import Values
from meaculpa.config import Config
from meaculpa.content.files import id_in
from meaculpa.errors import Problem
from meaculpa.model import Incident
from meaculpa.project import ProjectFiles
from meaculpa.redirects import Redirect
from meaculpa.render.environment import Theme
from meaculpa.render.pages import Kept
from meaculpa.status import Month, Site
from meaculpa.timeline import IncidentState


class Memory:
    """What an earlier build of the same process knew; it may be dropped at any time.

    `good_config`, `good_theme` and `good_incidents` (by id) are what the last build that succeeded showed, `copied`
    is what `keep_good` has copied. With an archive, months that are over are closed.
    """

    def __init__(self, pool: MarkupPool | None = None, archive: Archive | None = None) -> None:
        record = archive.record if archive else None
        self.pool = pool or MarkupPool()
        self.archive, self.record = archive, record
        self.doubts = 0
        self.bodies = Bodies(self.pool, record)
        self.config: tuple[str, Config | list[Problem]] | None = None
        self.theme: tuple[tuple[object, ...], Theme | list[Problem]] | None = None
        self.contents = Contents()
        self.doubtful: dict[str, Incident] = {}
        self.redirects: tuple[str, tuple[tuple[Redirect, ...], list[Problem]]] | None = None
        self.values: Values = {}
        self.workshop = Workshop(record)
        self.kept: Kept = {}
        self.versions: dict[str, tuple[Month, dict[str, str]]] = {}
        self.good_config: Config | None = None
        self.good_theme: Theme | None = None
        self.good_incidents: dict[str, Incident] = {}
        self.site: Site | None = None
        self.copied = Copies()
        self.findings = Findings(record)

    def states_before(self, now: datetime, config: Config) -> Mapping[str, IncidentState]:
        """The states of the last build, by their incident's digest, if they were derived alike and earlier."""
        if self.site is None or now < self.site.now or config != self.good_config:
            return {}
        return {state.incident.digest: state for state in self.site.every}

    def remember_good(self, site: Site, config: Config, theme: Theme, incidents: Iterable[Incident]) -> None:
        """Take over what a build showed, as that to which a broken file gives way."""
        self.site, self.good_config, self.good_theme = site, config, theme
        self.good_incidents = {incident.id: incident for incident in incidents}

    def heed_doubts(self) -> None:
        """Forget what was taken from the record, once it has turned out to be wrong."""
        if self.record and self.doubts != self.record.doubts:
            self.workshop, self.findings = Workshop(self.record), Findings(self.record)
            self.doubts = self.record.doubts

    def give_another_chance(self) -> None:
        """Make all pages anew when a text that could not be rendered is tried again."""
        if self.bodies.is_retried:
            self.make_all_anew()
            self.bodies.is_retried = False

    def make_all_anew(self) -> None:
        """Take no page from before for what it would be now."""
        self.workshop.forget_all()
        self.kept = {}

    def keep(self, files: ProjectFiles) -> None:
        """Write down for the next process what was read, found and made; nothing depends on it."""
        if self.archive:
            self.archive.record.close()
            self.bodies.keep({id_in(path) for path in files.incidents})
            self.archive.readings.keep(files)
            self.archive.keep()
            note_copies(files.root, self.copied, self.archive.record)
            self.findings.keep()
            self.workshop.keep(self.archive.volumes)
