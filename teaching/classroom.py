"""A workflow for GitHub Classroom: students see which steps pass after each push.

It runs in the student's repository, where the student can change it: it is feedback only; grades
come from `python -m teaching grade`.
"""

from __future__ import annotations

import re
from pathlib import Path

from scene_recog.assignment import FILES, has_lecture, path_of_tests
from scene_recog.submission import HANDOUT_RECORD
from scene_recog.system.files import write_atomically
from teaching.rubric import Rubric, read_rubric

PLACE = Path(".github") / "workflows" / "classroom.yml"
MINUTES = 10  # for the tests of one step

HEAD = """\
# Feedback after each push. These are no grades: those come from your teacher's copy of the tests.
name: the steps of the handout
on: [push, workflow_dispatch]
permissions:
  checks: write
  actions: read
  contents: read
jobs:
  steps:
    runs-on: ubuntu-latest
    if: github.actor != 'github-classroom[bot]'
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.11"
          cache: pip
          cache-dependency-path: pyproject.toml
      - name: install
        run: >-
          pip install --extra-index-url https://download.pytorch.org/whl/cpu -e ".[test]"
"""
STEP = """\
      - name: step {step}, {file}.py
        id: {id}
        uses: classroom-resources/autograding-command-grader@v1
        with:
          test-name: step {step}, {file}.py
          command: pytest --tb=short -m "not beyond" {tests}
          timeout: {minutes}
          max-score: {points:g}
"""
END = """\
      - name: report
        uses: classroom-resources/autograding-grading-reporter@v1
        env:
{results}
        with:
          runners: {runners}
"""


def write_workflow(folder: Path) -> list[str]:
    """Write the workflow into a hand-out, for a template repository.

    Raises:
        ValueError: the folder was not handed out, or has one already.
    """
    if not (folder / HANDOUT_RECORD).is_file():
        raise ValueError(f"{folder} is not a hand-out: make one with `python -m teaching handout`")
    path = folder / PLACE
    if path.exists():
        raise ValueError(f"{path} already exists: remove it first")
    path.parent.mkdir(parents=True, exist_ok=True)
    rubric = read_rubric(lecture=has_lecture(folder))
    text = workflow(rubric)
    write_atomically(path, lambda part: part.write_bytes(text.encode()))
    return [
        f"{path}: {len(rubric.public)} steps; commit and push it with the hand-out, and make the "
        "repository a template"
    ]


def workflow(rubric: Rubric) -> str:
    """The workflow, in YAML."""
    names = {file: re.sub("[_/]", "-", file) for file in rubric.public}
    steps = [
        STEP.format(
            step=FILES[file], file=file, id=names[file], tests=path_of_tests(file), minutes=MINUTES,
            points=points,
        )
        for file, points in rubric.public.items()
    ]  # fmt: skip
    results = [
        f'          {name.upper()}_RESULTS: "${{{{steps.{name}.outputs.result}}}}"'
        for name in names.values()
    ]
    end = END.format(results="\n".join(results), runners=",".join(names.values()))
    return HEAD + "".join(steps) + end
