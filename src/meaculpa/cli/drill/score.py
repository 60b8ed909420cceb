"""What came of a drill."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Mark:
    """A step that is done: seconds since `go`, and the most that it may take, where there is a target."""

    step: str
    seconds: float
    target: float | None = None

    @property
    def is_met(self) -> bool:
        """Whether it was in time."""
        return self.target is None or self.seconds <= self.target


@dataclass
class Score:
    """What came of a drill."""

    marks: list[Mark] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    letters: int = 0
    arrived: int = 0
    alerts: int = 0
