"""The seams: what a detector is, and where observations and findings go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from otel_mlsec.finding import Finding
    from otel_mlsec.observation import Batch, Outcomes

State = dict[str, "npt.NDArray[np.generic]"]  # arrays under known keys; never pickle


class Detector(Protocol):
    """Learns from batches and says what it found.

    Pure: reads no clock, environment or global, keeps no reference to the batch, and its state has a stated bound.
    """

    name: ClassVar[str]

    def update(self, batch: Batch, /) -> list[Finding]: ...

    def scores(self) -> Mapping[str, float]:
        """Effect by subject (a feature), for the gauge; small effects live here and nowhere else."""
        ...

    def snapshot(self) -> State:
        """A copy of the state, which later updates do not touch."""
        ...

    def restore(self, state: State, /) -> None: ...


class OutcomeDetector(Protocol):
    """The same, of answers whose truth has become known."""

    name: ClassVar[str]

    def update(self, outcomes: Outcomes, /) -> list[Finding]: ...

    def scores(self) -> Mapping[str, float]: ...

    def snapshot(self) -> State: ...

    def restore(self, state: State, /) -> None: ...


@runtime_checkable
class Mergeable(Detector, Protocol):
    """Whose evidence adds, wherever it was seen."""

    def merge(self, state: State, /) -> None:
        """Take in what another process learned; commutative and associative."""
        ...


@runtime_checkable
class Evicting(Protocol):
    """Who remembers so many principals and no more."""

    name: ClassVar[str]

    @property
    def evicted(self) -> int:
        """Principals that were forgotten so far."""
        ...


@runtime_checkable
class Estimating(Protocol):
    """Who can say how good a model's answers are by now."""

    name: ClassVar[str]

    def estimates(self) -> Mapping[str, float]:
        """By measure ("accuracy", "auc", "loss"), of the last rows; nothing while there are too few."""
        ...


class Submit(Protocol):
    """Takes what capture made; never blocks, never raises; false if it was dropped."""

    def __call__(self, call: Any, /) -> bool: ...


class Guarded(NamedTuple):
    """What a guard made of a request."""

    body: bytes  # to be sent instead of the body, where `action` is "modified"
    action: str = ""  # "blocked", "modified"; "" where the request is to be sent as it is
    detectors: tuple[str, ...] = ()  # whose findings were the reason
    error: BaseException | None = None  # to be raised instead of sending, where `action` is "blocked"

    def __repr__(self) -> str:
        """Without the body: it is in the frames of what is raised, whose variables some report."""
        return f"Guarded(action={self.action!r}, detectors={self.detectors!r})"


class Guard(Protocol):
    """Looks at a request in the caller's thread before it is sent; contains its own errors."""

    def __call__(self, host: str, path: str, body: bytes, /) -> Guarded: ...
