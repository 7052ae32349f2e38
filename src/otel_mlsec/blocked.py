"""What a caller gets instead of an answer, where the configuration asks for that."""


class Blocked(Exception):
    """A prompt was not sent, since a detector that is to be enforced found something in it.

    Attributes:
        kind: of the finding, such as `llm.injection.direct`.
        detector: that found it, such as `llm/injection`.
        score: 3 is "one in a thousand benign texts looks as much like it".
        threshold: that the score reached.
        explanation: one line; it quotes nothing of the prompt.
    """

    def __init__(self, explanation: str, *, kind: str, detector: str, score: float = 0.0, threshold: float = 0.0) -> None:
        super().__init__(explanation)
        self.explanation, self.kind, self.detector = explanation, kind, detector
        self.score, self.threshold = score, threshold

    def __reduce__(self) -> tuple[object, ...]:
        return _again, (self.explanation, self.kind, self.detector, self.score, self.threshold)


def _again(explanation: str, kind: str, detector: str, score: float, threshold: float) -> Blocked:
    """Exceptions cross process boundaries: an exception with keywords of its own must say how it is made."""
    return Blocked(explanation, kind=kind, detector=detector, score=score, threshold=threshold)
