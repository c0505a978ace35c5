"""The points of the project, as `rubric.toml` has them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scene_recog.assignment import STEPS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PATH = Path(__file__).parent / "rubric.toml"


@dataclass(frozen=True)
class Rubric:
    """Points.

    Attributes:
        public, hidden: of each of the eight files, for the tests that students have and for those
            that they do not.
        accuracy: of each network: (accuracy that is enough, points).
        report: points that are given by hand.
    """

    public: dict[str, float]
    hidden: dict[str, float]
    accuracy: dict[str, tuple[float, float]]
    report: float

    def steps_table(self, what: Mapping[str, str]) -> str:
        """Markdown: step, file, what to write, points.

        Args:
            what: of each file.
        """
        rows = ["| step | file in `scene_recog/` | what | points |", "|---|---|---|---|"]
        for file, step in STEPS.items():
            points = self.public[file] + self.hidden[file]
            rows.append(f"| {step} | `{file}.py` | {what[file]} | {points:g} |")
        return "\n".join(rows)

    def points_table(self) -> str:
        """Markdown: what the points are for."""
        rows = ["| | points |", "|---|---|"]
        rows.append(f"| tests that you have, of all files | {sum(self.public.values()):g} |")
        rows.append(f"| tests that you do not have | {sum(self.hidden.values()):g} |")
        for network, (enough, points) in self.accuracy.items():
            rows.append(
                f"| your trained {network} reaches {enough:.0%} on test images | {points:g} |"
            )
        rows.append(f"| the report, graded by hand | {self.report:g} |")
        return "\n".join(rows)

    def public_part(self) -> str:
        """TOML for students: no points of single hidden tests."""
        lines = [
            "# The public points; `scene-recog submit` counts with them.",
            "",
            f"hidden_points = {sum(self.hidden.values()):g}  # for tests that you do not have",
            "",
            "[tests]  # for the tests that you have: their share that passes counts",
            *(f"{file} = {{ public = {points:g} }}" for file, points in self.public.items()),
            "",
            "[accuracy]  # of your trained networks, on images that your teacher chooses",
            *(
                f"{network} = {{ at_least = {enough:g}, points = {points:g} }}"
                for network, (enough, points) in self.accuracy.items()
            ),
            "",
            "[report]  # graded by hand",
            f"points = {self.report:g}",
        ]
        return "\n".join(lines) + "\n"


def read_rubric(path: Path = PATH) -> Rubric:
    """The rubric in a file.

    Raises:
        ValueError: it is no TOML, or something is missing or is no number; the line names it.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        tests = {file: found["tests"][file] for file in STEPS}
        if unknown := found["tests"].keys() - tests.keys():
            raise ValueError(f"{', '.join(sorted(unknown))}: there is no such file to write")
        return Rubric(
            public={file: float(each["public"]) for file, each in tests.items()},
            hidden={file: float(each["hidden"]) for file, each in tests.items()},
            accuracy={
                network: (float(each["at_least"]), float(each["points"]))
                for network, each in found.get("accuracy", {}).items()
            },
            report=float(found.get("report", {}).get("points", 0)),
        )
    except KeyError as error:
        raise ValueError(f"{path}: {error.args[0]} is missing") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: {error}") from None
