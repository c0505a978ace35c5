"""The findings about one submission, before points are given."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Outcome = Literal["passed", "failed", "not written", "waits"]


@dataclass(frozen=True)
class TestResult:
    """One test of the contract.

    Attributes:
        name: such as "test_learning_rate_is_the_config_s[0.1]".
        outcome: "waits" if it cannot be judged while another part is broken.
        words: its failure message, perhaps of several lines, in part from the student's code. ""
            if it passed. Those of hidden tests are for the teacher.
    """

    __test__ = False  # not a test for pytest

    name: str
    outcome: Outcome
    words: str = ""


@dataclass
class FileVerdict:
    """One of the student's files, beside stand-ins for the others.

    Attributes:
        public: the tests that students have.
        hidden: the same with other sizes, seeds and names, in the same order.
        problem: why some or all of them could not be run, in one line.
        signs: lines about possible tampering, for the teacher to look at. They do not affect
            points; `is_tampered` does.
        is_tampered: the tests also passed for code that is known to be wrong.
    """

    public: list[TestResult] = field(default_factory=list)
    hidden: list[TestResult] = field(default_factory=list)
    problem: str | None = None
    signs: list[str] = field(default_factory=list)
    is_tampered: bool = False


@dataclass
class Trained:
    """A network with the weights that were handed in.

    Attributes:
        accuracy: on the teacher's images, 0..1; None if it could not be measured.
        parameters: number of learnable parameters.
        problem: why there is no accuracy, in one line.
    """

    accuracy: float | None = None
    parameters: int | None = None
    problem: str | None = None


@dataclass
class Verdict:
    """A submission.

    Attributes:
        reason: why nothing can be graded, in one line.
        grader_failed: whether `reason` is the grader's failure, not the submission's.
        notices: lines about what is missing or was not read.
        files: for each that exists, such as "image_loader" or "lecture/layers".
        trained: for "SimpleNet" and "SimpleNetFinal".
        seconds: time taken.
        peak_memory: bytes, of the student's processes.
    """

    reason: str | None = None
    grader_failed: bool = False
    notices: list[str] = field(default_factory=list)
    files: dict[str, FileVerdict] = field(default_factory=dict)
    trained: dict[str, Trained] = field(default_factory=dict)
    seconds: float = 0.0
    peak_memory: int = 0

    @staticmethod
    def not_finished(why: object) -> Verdict:
        """That of a submission for which the grader failed."""
        return Verdict(f"grading did not finish: {why}", grader_failed=True)

    def as_json(self) -> dict[str, Any]:
        """Plain values from which `from_json` restores the verdict."""
        return asdict(self)

    @staticmethod
    def from_json(found: dict[str, Any]) -> Verdict:
        """The inverse of `as_json`. Raises KeyError or TypeError for anything else."""
        files = {
            file: FileVerdict(
                public=[TestResult(**each) for each in one.pop("public")],
                hidden=[TestResult(**each) for each in one.pop("hidden")],
                **one,
            )
            for file, one in found.pop("files").items()
        }
        trained = {network: Trained(**one) for network, one in found.pop("trained").items()}
        return Verdict(files=files, trained=trained, **found)
