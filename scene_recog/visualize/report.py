"""The report: one page on what was trained, how to repeat it, how good it is, and its mistakes."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from scene_recog.recipes import changes_in_words
from scene_recog.runs.curves import comparison_figure
from scene_recog.runs.history import best_row
from scene_recog.system.progress import progress_bar
from scene_recog.system.text import percent
from scene_recog.system.versions import versions
from scene_recog.visualize.explorer import EXPLORER
from scene_recog.visualize.page import (
    Element,
    bullets,
    element,
    path_of_page,
    picture,
    table,
    with_code,
    write_page,
)
from scene_recog.visualize.report_sections import (
    class_table,
    curves,
    each_member,
    inside_the_network,
    mistakes,
    what_the_doctor_said,
    what_was_trained,
)
from scene_recog.visualize.report_subject import (
    Subject,
    caveats,
    confidence_interval,
    investigate,
)

if TYPE_CHECKING:
    from tqdm import tqdm

MOST_DETAILED = 4  # runs with pictures of their own; about 0.7 MB each


def write_report(
    names: Sequence[str | Path],
    out: str | Path | None = None,
    *,
    data_dir: str | Path | None = None,
    split: str = "test",
    device: str = "auto",
) -> Path:
    """Write one HTML page about one or several runs, with every picture inside it.

    The page names what is missing, because the images are gone or no epoch was finished.

    Args:
        names: runs, as for `load_run`.
        out: the file; None for `report.html` in the run's folder, or beside the folders of several.
        data_dir: folder with train/ and test/; None for the one each run was trained on.
        split: the split to measure on: "test", or "validation" while choices are still to be made.
        device: as for `choose_device`.

    Returns:
        The file written.

    Raises:
        FileNotFoundError: no such run, or no folder to write into.
        ValueError: a damaged config, no run named, or "validation" of a run that held no images
            out or was trained on another dataset.
    """
    if not names:
        raise ValueError("name at least one run")
    different = list(dict.fromkeys(str(name) for name in names))
    bar = progress_bar(total=3 * len(different), desc="report", unit="part", leave=False)
    with bar:
        subjects = []
        for name in different:
            subjects.append(investigate(name, data_dir, split, device))
            bar.update()
        if len({subject.name for subject in subjects}) < len(subjects):
            for name, subject in zip(different, subjects, strict=True):
                subject.name = name
        folder = subjects[0].folder
        beside = folder if len(subjects) == 1 else folder.parent
        path = path_of_page(out, beside / "report.html")
        title = f"scene-recog: {', '.join(subject.name for subject in subjects)}"
        write_page(path, title, _body(title, subjects, bar, path.parent))
    return path


def _body(title: str, subjects: Sequence[Subject], bar: tqdm[Any], where: Path) -> Element:
    body = element("body", element("h1", title))
    if len(subjects) > 1:
        contents = [
            element("li", element("a", subject.name, href=f"#run-{number}"))
            for number, subject in enumerate(subjects, start=1)
        ]
        body.append(element("nav", element("ul", *contents)))
        body.append(_comparison(subjects))
    for number, subject in enumerate(subjects, start=1):
        chapter = _chapter(subject, number)
        chapter.extend(_explorer(subject, where))
        body.append(chapter)
        if number <= MOST_DETAILED:
            chapter.extend(_pictures(subject, bar))
        else:
            only = f"Pictures are shown for the first {MOST_DETAILED} runs only."
            chapter.append(element("p", only, class_="pale"))
            bar.update(2)
    now = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    packages = ", ".join(f"{name} {number}" for name, number in versions().items())
    body.append(element("p", f"Written {now} with {packages}.", class_="pale"))
    return body


def _comparison(subjects: Sequence[Subject]) -> Element:
    rows = []
    for subject in subjects:
        row = best_row(subject.history)
        best = row["validation_accuracy"] if row else None
        measured = subject.evaluation.accuracy if subject.evaluation else None
        parameters = subject.config.get("model", {}).get("parameters")
        rows.append(
            [
                subject.name,
                str(subject.config.get("model", {}).get("class_name", "")),
                (parameters, f"{parameters:,}" if parameters else "-"),
                subject.trained_on,
                str(subject.config.get("seed", "-")),
                str(subject.recipe.get("name", "-")),
                changes_in_words(subject.recipe) if subject.recipe else "",
                (len(subject.history), str(len(subject.history)) if subject.has_epochs else "-"),
                (best, f"{percent(best)} ({subject.validated_on})"),
                (measured, percent(measured)),
                (subject.seconds, f"{subject.seconds:.0f} s"),
            ]
        )
    columns = [
        "run", "network", "parameters", "trained on", "seed", "recipe", "changes", "epochs",
        "best in training",
        f"{subjects[0].split} accuracy", "training",
    ]  # fmt: skip
    watched = {subject.validated_on for subject in subjects}
    where = watched.pop() if len(watched) == 1 else "validation or test"
    histories = {subject.name: subject.history for subject in subjects if subject.has_epochs}
    data = {subject.trained_on for subject in subjects}
    note = None
    if len(data) > 1:
        note = element(
            "p",
            f"These runs were trained on different data ({', '.join(sorted(data))}): "
            "their accuracies cannot be compared.",
            class_="note",
        )
    held_out = {subject.held_out for subject in subjects if subject.held_out}
    other_images = None
    if len(data) == 1 and len(held_out) > 1:
        other_images = element(
            "p",
            "These runs have different validation images, because the seed draws them: a "
            "difference in validation accuracy may come from the images alone. Compare runs of "
            "one seed, or means over several seeds.",
            class_="note",
        )
    title = f"{len(subjects)} runs, trained on {' and '.join(sorted(data))}"
    return element(
        "section",
        element("h2", "Comparison"),
        note,
        table(columns, rows, caption="comparison of the runs"),
        other_images,
        None
        if not histories
        else picture(
            comparison_figure(histories, title, where),
            "loss and accuracy of all runs by epoch",
            "Thick lines are measured on held-out images, thin lines on the training images during "
            "the epoch. A circle marks each run's best epoch.",
        ),
    )


def _chapter(subject: Subject, number: int) -> Element:
    chapter = element("section", element("h2", subject.name), id=f"run-{number}", class_="run")
    for problem in subject.problems:
        chapter.append(element("p", problem, class_="note"))
    if subject.evaluation:
        accuracy, images = subject.evaluation.accuracy, len(subject.evaluation.targets)
        low, high = confidence_interval(accuracy, images)
        chapter.append(
            element(
                "p",
                element("strong", f"{accuracy:.1%}"),
                f" of {images:,} {subject.split} images of {subject.data_title} are labelled "
                f"correctly (95 % interval {low:.1%} to {high:.1%}).",
                class_="headline",
            )
        )
    chapter.append(bullets(caveats(subject)))
    chapter.extend(what_was_trained(subject))
    chapter.extend(each_member(subject))
    if subject.history and subject.has_epochs:
        chapter.append(curves(subject))
    chapter.extend(what_the_doctor_said(subject))
    if subject.evaluation and subject.run:
        chapter.append(element("h3", f"The classes, on {subject.split}"))
        chapter.append(class_table(subject.evaluation, subject.run.class_names))
    return chapter


def _explorer(subject: Subject, where: Path) -> Iterator[Element]:
    """A link to the page in which the network runs live, or the command that writes it."""
    if subject.run is None or not subject.has_epochs or subject.members:
        return
    written = subject.folder / EXPLORER
    if written.is_file():
        link = quote(os.path.relpath(written.resolve(), where.resolve()).replace(os.sep, "/"))
        yield element("p", "See it think: ", element("a", EXPLORER, href=link), ".")
    else:
        command = f"scene-recog explore {shlex.quote(subject.name)} --open"
        yield with_code("p", f"To see it think, on your own images, too: `{command}`.")


def _pictures(subject: Subject, bar: tqdm[Any]) -> Iterator[Element]:
    if subject.run and subject.evaluation:
        yield from mistakes(subject, subject.run, subject.evaluation)
    bar.update()
    if subject.run:
        yield from inside_the_network(subject, subject.run)
    bar.update()
