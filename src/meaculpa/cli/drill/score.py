"""What came of a drill."""

from msgspec import Struct, field


class Mark(Struct, frozen=True):
    """A step that is done: seconds since `go`, and the most that it may take, where there is a target."""

    step: str
    seconds: float
    target: float | None = None

    @property
    def is_met(self) -> bool:
        """Whether it was in time."""
        return self.target is None or self.seconds <= self.target


class Score(Struct):
    """What came of a drill."""

    marks: list[Mark] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    letters: int = 0
    arrived: int = 0
    alerts: int = 0
