"""`python -m teaching grade`: any class can be graded, and grading resumes where it stopped."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from grading_standins import HOSTILE, judge, submission, write_zip

from scene_recog.submission import STEP_FILES
from teaching.__main__ import main
from teaching.grading import similarity, workshop
from teaching.grading.grade import Grading, grade_all, grader_fingerprint
from teaching.grading.incoming import folders_of, submissions
from teaching.grading.workshop import images_folder
from teaching.handout import REPOSITORY, handed_out
from teaching.receiving import Received
from teaching.rubric import read_rubric
from teaching.variants import rewritten

RUBRIC = read_rubric()
DEADLINE = "[late]\ndeadline = 2026-12-01T23:59:00+01:00\npoints_per_day = 5\n"
FILES = ["feedback.html", "feedback.md", "for_teacher.json", "results.json"]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """One line per call of the judge."""
    path = tmp_path / "judged.log"
    path.touch()
    return path


@pytest.fixture
def grading(tmp_path: Path, log: Path) -> Grading:
    return Grading(tmp_path / "out", partial(judge, log=log), "grader", RUBRIC, seconds=60)


@pytest.fixture
def handed_in(tmp_path: Path) -> Path:
    """A class of three."""
    folder = tmp_path / "in"
    for name, passed in (("anna", 4), ("ben", 2), ("cleo", 0)):
        write_zip(folder / f"{name}.zip", submission(f"passed {passed}\n", name.title()))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def score(out: Path, name: str) -> float:
    found = json.loads((out / name / "results.json").read_bytes())
    return float(found["score"])


def table(out: Path) -> dict[str, dict[str, str]]:
    text = (out / "grades.csv").read_bytes().decode("utf-8-sig")
    return {row["folder"]: row for row in csv.DictReader(io.StringIO(text))}


# ------------------------------------------------------------------------ a class


def test_a_class(grading: Grading, handed_in: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = grade_all(grading, [handed_in])
    out = grading.out
    assert {name: score(out, name) for name in ("anna", "ben", "cleo")} == {
        "anna": 100, "ben": 60, "cleo": 20,
    }  # fmt: skip
    assert sorted(contents(out / "ben")) == FILES
    rows = table(out)
    assert [rows[name]["points"] for name in rows] == ["100.0", "60.0", "20.0"]
    assert rows["ben"]["name in zip"] == "Ben"
    assert rows["ben"]["optimizer public"] == "3.0"
    assert rows["ben"]["accuracy of SimpleNet"] == "0.5"
    said = capsys.readouterr().err
    assert "anna: 100 of 100" in said
    assert said.count("[") == 3
    assert "3 graded now" in lines[-1]
    assert (out / "similarity" / "ben" / "notebook.py").read_text() == "own = 1"
    assert "jplag" in (out / "similarity" / "about.txt").read_text()


def test_broken_and_empty_ones_get_0_and_stop_nothing(grading: Grading, handed_in: Path) -> None:
    (handed_in / "damaged.zip").write_bytes((handed_in / "anna.zip").read_bytes()[:300])
    (handed_in / "nothing.zip").touch()
    (handed_in / "folder").mkdir()
    (handed_in / "other.tar.gz").write_bytes(b"x")
    (handed_in / "notes.txt").write_text("from the teacher")
    lines = grade_all(grading, [handed_in])
    assert lines[0] == "skipped, not a submission: notes.txt"
    rows = table(grading.out)
    assert len(rows) == 7
    for name in ("damaged", "nothing", "folder", "other.tar"):
        assert score(grading.out, name) == 0
        assert rows[name]["not graded"]
    assert score(grading.out, "anna") == 100


def test_results_without_the_lecture_are_named(grading: Grading, handed_in: Path) -> None:
    grade_all(grading, [handed_in])
    (handed_in / "ben.zip").unlink()
    later = replace(grading, rubric=read_rubric(lecture=True), grader="with the lecture")
    (line,) = [line for line in grade_all(later, [handed_in]) if "without the lecture" in line]
    assert line.startswith("1 of 3 were graded without the lecture, which counts 0 points for them")
    assert "ben" in line


@pytest.mark.parametrize("how", ["crash", "die", "exit"])
def test_a_crash_of_the_judge_is_for_a_person(
    grading: Grading, handed_in: Path, how: str, log: Path
) -> None:
    write_zip(handed_in / "bad.zip", submission(how))
    lines = grade_all(grading, [handed_in])
    assert "1 needs your attention" in lines[-2]
    found = json.loads((grading.out / "bad" / "results.json").read_bytes())
    assert found["score"] == 0
    assert "grading did not finish: " in found["output"]
    assert "Your teacher will look at it; you need not upload anything again." in found["output"]
    assert "scene-recog submit" not in found["output"]
    assert "secret place" not in json.dumps(found)
    about = json.loads((grading.out / "bad" / "for_teacher.json").read_bytes())
    assert about["for_a_person"][0].startswith("could not be graded: ")
    assert score(grading.out, "anna") == 100
    before = contents(grading.out)
    grade_all(grading, [handed_in])  # the others are as before, and this one is tried again
    assert contents(grading.out) == before
    assert len(log.read_text().splitlines()) == 5


def test_a_grader_that_fails_for_all_gives_up(grading: Grading, handed_in: Path) -> None:
    for path in sorted(handed_in.iterdir()):
        path.unlink()
        write_zip(path, submission("crash"))
    with pytest.raises(
        ValueError, match=r"failed for each of the first 3 .* not theirs: could not"
    ):
        grade_all(grading, [handed_in])


def test_submissions_that_are_alike_are_named(grading: Grading, handed_in: Path) -> None:
    grade_all(grading, [handed_in])
    assert not any(row["attention"] for row in table(grading.out).values())
    weights = {"model_checkpoints/trained_SimpleNet_final.pt": b"trained"}
    for name in ("dora", "emil"):
        write_zip(handed_in / f"{name}.zip", submission() | weights)
    grade_all(grading, [handed_in])
    rows = table(grading.out)
    assert rows["dora"]["attention"].startswith("as in emil: the same weights in trained_SimpleNet")
    assert rows["emil"]["attention"].startswith("as in dora: ")
    assert not rows["ben"]["attention"]


def test_what_is_no_longer_handed_in_is_said(grading: Grading, handed_in: Path) -> None:
    grade_all(grading, [handed_in])
    (handed_in / "ben.zip").unlink()
    lines = grade_all(grading, [handed_in])
    assert lines[0].startswith(
        "1 of 3 were graded earlier and are not among these submissions: ben"
    )


def test_a_wrong_path_is_no_student(grading: Grading, handed_in: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "FAQ.md").write_text("?")
    (tmp_path / "README.md").write_text("?")
    write_zip(tmp_path / "lms.zip", {"anna/submission.zip": b"PK", "list.html": b""})
    for name, expected in {
        "empty": "neither submissions nor one of the eight files",
        "docs": "neither submissions nor one of the eight files",
        "README.md": "is not a zip",
        "lms.zip": "is a zip of submissions: unpack it",
    }.items():
        with pytest.raises(ValueError, match=expected):
            grade_all(grading, [tmp_path / name])
    grade_all(grading, [handed_in])
    with pytest.raises(ValueError, match="holds results"):
        grade_all(replace(grading, out=tmp_path / "other"), [grading.out])


def test_a_judge_that_hangs_is_for_a_person(grading: Grading, handed_in: Path) -> None:
    write_zip(handed_in / "slow.zip", submission("hang 600"))
    grade_all(replace(grading, seconds=5), [handed_in])
    found = json.loads((grading.out / "slow" / "results.json").read_bytes())
    assert "it took longer than 5 s. Your teacher will look at it" in found["output"]
    assert score(grading.out, "anna") == 100


# ------------------------------------------------------------------------ again


def test_what_is_the_same_is_not_judged_again(grading: Grading, handed_in: Path, log: Path) -> None:
    grade_all(grading, [handed_in])
    before = contents(grading.out)
    assert len(log.read_text().splitlines()) == 3
    lines = grade_all(grading, [handed_in])
    assert lines[-1].startswith(f"{grading.out}: 0 graded now")
    assert contents(grading.out) == before
    assert len(log.read_text().splitlines()) == 3
    write_zip(handed_in / "ben.zip", submission("passed 3\n"))
    grade_all(grading, [handed_in])
    assert len(log.read_text().splitlines()) == 4
    assert score(grading.out, "ben") == 80
    grade_all(replace(grading, grader="other tests"), [handed_in])
    assert len(log.read_text().splitlines()) == 7


def test_the_same_bytes_in_another_folder(grading: Grading, handed_in: Path) -> None:
    grade_all(grading, [handed_in], jobs=1)
    before = contents(grading.out)
    shutil.rmtree(grading.out)
    grade_all(grading, [handed_in], jobs=3)
    assert contents(grading.out) == before


def test_one_again_and_the_rest_stays(grading: Grading, handed_in: Path, log: Path) -> None:
    grade_all(grading, [handed_in])
    before = contents(grading.out)
    grade_all(grading, [handed_in], again=["ben"])
    assert len(log.read_text().splitlines()) == 4
    assert contents(grading.out) == before
    grade_all(grading, [handed_in / "anna.zip"], again=[])  # all of one
    assert len(log.read_text().splitlines()) == 5
    assert len(table(grading.out)) == 3, "the others are still in the table"
    with pytest.raises(ValueError, match="--again dora: there is no such"):
        grade_all(grading, [handed_in], again=["dora"])


def test_results_of_another_variant_are_not_overwritten(
    grading: Grading, handed_in: Path, log: Path
) -> None:
    grade_all(replace(grading, variant=2026), [handed_in])
    before = contents(grading.out)
    with pytest.raises(ValueError, match=r"has results of variant 2026.*write --variant 2026"):
        grade_all(grading, [handed_in])
    assert contents(grading.out) == before
    assert len(log.read_text().splitlines()) == 3
    grade_all(replace(grading, variant=2026), [handed_in])
    assert len(log.read_text().splitlines()) == 3


def test_a_new_rubric_needs_no_new_verdicts(grading: Grading, handed_in: Path, log: Path) -> None:
    grade_all(grading, [handed_in])
    rubric = replace(RUBRIC, public=dict.fromkeys(RUBRIC.public, 10.0))
    grade_all(replace(grading, rubric=rubric), [handed_in / "anna.zip"])
    assert len(log.read_text().splitlines()) == 3
    assert score(grading.out, "anna") == 132
    assert score(grading.out, "ben") == 76


def test_what_was_deleted_or_damaged_is_made_again(
    grading: Grading, handed_in: Path, log: Path
) -> None:
    grade_all(grading, [handed_in])
    before = contents(grading.out)
    (grading.out / "anna" / "results.json").unlink()
    (grading.out / "ben" / "for_teacher.json").write_text("{")
    shutil.rmtree(grading.out / "similarity")
    grade_all(grading, [handed_in])
    assert contents(grading.out) == before
    assert len(log.read_text().splitlines()) == 4


KILLED = """
import signal, sys
from functools import partial
from pathlib import Path
sys.path[:0] = {path!r}
from grading_standins import judge
from teaching.grading.grade import Grading, grade_all
from teaching.rubric import read_rubric
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell says "&"
    out, handed_in, log = map(Path, sys.argv[1:])
    grading = Grading(out, partial(judge, log=log), "grader", read_rubric())
    try:
        grade_all(grading, [handed_in], jobs=1)
    except KeyboardInterrupt:
        raise SystemExit(130)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_stopped_and_run_again_it_goes_on(
    grading: Grading, handed_in: Path, tmp_path: Path, number: signal.Signals, log: Path
) -> None:
    write_zip(handed_in / "benno.zip", submission("hang 600"))
    script = tmp_path / "script.py"
    script.write_text(KILLED.format(path=[str(REPOSITORY), str(Path(__file__).parent)]))
    process = subprocess.Popen(
        [sys.executable, script, grading.out, handed_in, log], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert process.stderr.readline().startswith("4 submissions, ")
    for _ in range(2):
        line = process.stderr.readline()
        assert " of 4] " in line
    while len(log.read_text().splitlines()) < 3:  # the third is being judged
        time.sleep(0.05)
    process.send_signal(number)
    process.communicate(timeout=150)
    assert process.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL)
    assert {path.name for path in grading.out.iterdir() if path.is_dir()} == {
        "anna", "ben", "similarity",
    }  # fmt: skip
    write_zip(handed_in / "benno.zip", submission("passed 1"))
    grade_all(grading, [handed_in])
    assert len(log.read_text().splitlines()) == 5, "anna and ben were not judged again"
    assert len(table(grading.out)) == 4
    assert not list(grading.out.rglob("*.part"))


# ------------------------------------------------------------------------ names


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_hostile_names_and_texts(grading: Grading, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    for number, text in enumerate(HOSTILE):
        name = text[:60].replace("/", "|").replace("\0", "").replace("\ud800", "\udcff")
        write_zip(folder / f"{name}.zip", submission(f"hostile {number}", text))
    for name in ("Anna", "anna", "ANNA", "an:na", "an?na", "CON", "com1.x", "similarity",
                 "grades.csv", "..", "...", ".hidden", " ", "A\u0308nna", "\u00c4nna"):  # fmt: skip
        write_zip(folder / f"{name}.zip", submission("passed 4"))
    found, _ = submissions([folder])
    assert len(found) == len(list(folder.iterdir()))
    grade_all(grading, [folder])
    before = contents(grading.out)
    folders = sorted(path.name for path in grading.out.iterdir() if path.is_dir())
    assert len(folders) == len(found) + 1
    assert len({name.casefold() for name in folders}) == len(folders)
    for name in folders:
        assert name.isprintable()
        assert not set(name) & set('<>:"/\\|?*')
        assert name[0] not in "-. "
        assert name[-1] not in ". "
    grade_all(grading, [folder])
    assert contents(grading.out) == before, "each has the folder that it had"
    csv_file = (grading.out / "grades.csv").read_bytes()
    assert csv_file.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(csv_file.decode("utf-8-sig"))))
    assert len(rows) == len(found) + 1
    for row in rows[1:]:
        assert len(row) == len(rows[0])
        for cell in row:
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
            assert not any(
                part.lstrip().startswith(("=", "+", "-", "@")) for part in cell.split(";")
            )
            assert cell.isprintable()
    page = (grading.out / "class.html").read_bytes().decode()
    assert "<script>alert" not in page
    assert "<img" not in page


def test_folders_do_not_depend_on_what_else_is_graded() -> None:
    first = folders_of(["Anna"], {})
    assert first == {"Anna": "Anna"}
    later = folders_of(["ANNA", "Anna"], {"Anna": "Anna"})
    assert later["Anna"] == "Anna"
    assert later["ANNA"].startswith("ANNA-")
    assert folders_of(["ANNA"], {v: k for k, v in later.items()}) == {"ANNA": later["ANNA"]}


def test_what_an_lms_makes(tmp_path: Path) -> None:
    top = tmp_path / "in"
    files = submission()
    write_zip(top / "doejane_12345_67890_submission.zip", files)
    write_zip(top / "doejohn_LATE_12346_67891_submission-1.zip", files)
    write_zip(top / "Jane Roe_123_assignsubmission_file_" / "submission.zip", files)
    (top / "Jane Roe_123_assignsubmission_file_" / "report.pdf").write_bytes(b"%PDF")
    write_zip(top / "Max Moe_124_assignsubmission_file_submission.zip", files)
    write_zip(top / "two" / "first.zip", files)
    write_zip(top / "two" / "second.zip", files)
    write_zip(top / "__MACOSX" / "junk.zip", files)
    for name, data in files.items():
        for place in (top / "unpacked", top / "deep" / "project3"):
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(data)
    (top / "loose").mkdir()
    (top / "loose" / "optimizer.py").touch()
    (top / "grading worksheet.csv").touch()
    found, lines = submissions([top, top / "unpacked"])
    assert [each.name for each in found] == [
        "Jane Roe_123_assignsubmission_file_", "Max Moe_124_assignsubmission_file_submission",
        "deep", "doejane_12345_67890_submission", "doejohn_LATE_12346_67891_submission-1",
        "loose", "two_first", "two_second", "unpacked",
    ]  # fmt: skip
    assert lines == ["skipped, not a submission: grading worksheet.csv"]


def test_links_to_the_submission_of_another_are_not_taken(tmp_path: Path) -> None:
    zip_file = write_zip(tmp_path / "in" / "anna" / "submission.zip", submission())
    (tmp_path / "in" / "ben").mkdir()
    (tmp_path / "in" / "ben" / "submission.zip").symlink_to(zip_file)
    found, _ = submissions([tmp_path / "in"])
    assert [each.path.name for each in found] == ["submission.zip", "ben"]


def test_zips_of_one_name_get_their_folders_names(tmp_path: Path) -> None:
    paths = [write_zip(tmp_path / name / "submission.zip", submission()) for name in "ab"]
    found, _ = submissions([*paths, paths[0]])
    assert [each.name for each in found] == ["a_submission", "b_submission"]


# ------------------------------------------------------------------------ late days


def test_late_days_take_points_off_and_are_kept(
    grading: Grading, handed_in: Path, tmp_path: Path
) -> None:
    path = tmp_path / "rubric.toml"
    path.write_text((REPOSITORY / "teaching" / "rubric.toml").read_text() + DEADLINE)
    late = replace(grading, rubric=read_rubric(path))
    times = tmp_path / "times.csv"
    times.write_text("name,time\nanna,2026-12-03T12:00:00Z\nben,2026-12-01T23:00:00\n", "utf-8-sig")
    lines = grade_all(late, [handed_in], times=times)
    assert lines[0].startswith("1 of 3 have no time")
    assert lines[0].endswith("count as on time: cleo")
    assert score(grading.out, "anna") == 90
    assert [row["late days"] for row in table(grading.out).values()] == ["2", "0", ""]
    before = contents(grading.out)
    grade_all(late, [handed_in / "cleo.zip"], again=[])
    assert contents(grading.out) == before


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nome,time\n", "there is no column name"),
        ("", "there is no column name"),
        ("name,time\nanna,yesterday\n", "line 2: 'yesterday' is not a time"),
        ("name,time\nanna\n", "line 2: '' is not a time"),
        ("name;time\nanna;2026-12-01\nanna;2026-12-01\n", "line 3: 'anna' appears twice"),
    ],
)
def test_times_that_cannot_be_read(
    grading: Grading, handed_in: Path, tmp_path: Path, text: str, expected: str
) -> None:
    path = tmp_path / "rubric.toml"
    path.write_text((REPOSITORY / "teaching" / "rubric.toml").read_text() + DEADLINE)
    times = tmp_path / "times.csv"
    times.write_text(text)
    with pytest.raises(ValueError, match=expected):
        grade_all(replace(grading, rubric=read_rubric(path)), [handed_in], times=times)
    with pytest.raises(ValueError, match="no deadline"):
        grade_all(grading, [handed_in], times=times)
    assert not grading.out.exists()


def test_times_of_others_stop_nothing(grading: Grading, handed_in: Path, tmp_path: Path) -> None:
    path = tmp_path / "rubric.toml"
    path.write_text((REPOSITORY / "teaching" / "rubric.toml").read_text() + DEADLINE)
    times = tmp_path / "times.csv"
    times.write_text("name,time\ndora,2026-12-01T23:00:00Z\nanna,2026-12-01T23:00:00Z\n")
    lines = grade_all(replace(grading, rubric=read_rubric(path)), [handed_in], times=times)
    assert lines[0].endswith("times.csv also has dora, without a submission")


def test_times_saved_by_excel_say_how_to_save_them(
    grading: Grading, handed_in: Path, tmp_path: Path
) -> None:
    path = tmp_path / "rubric.toml"
    path.write_text((REPOSITORY / "teaching" / "rubric.toml").read_text() + DEADLINE)
    times = tmp_path / "times.csv"
    times.write_bytes("name,time\nJürgen,2026-12-01\n".encode("cp1252"))
    with pytest.raises(ValueError, match="save it as CSV UTF-8"):
        grade_all(replace(grading, rubric=read_rubric(path)), [handed_in], times=times)


# ------------------------------------------------------------------------ corrections


def test_a_correction_counts_is_said_and_stays(grading: Grading, handed_in: Path) -> None:
    grade_all(grading, [handed_in])
    corrections = grading.out / "corrections.csv"
    corrections.write_text("name,points,why\nben,2.5,The test was wrong.\ncleo,-100,\n")
    grade_all(grading, [handed_in])
    assert [score(grading.out, name) for name in ("anna", "ben", "cleo")] == [100, 62.5, 0]
    rows = table(grading.out)
    assert [row["correction"] for row in rows.values()] == ["", "2.5", "-100.0"]
    for name in ("feedback.md", "feedback.html", "results.json"):
        text = (grading.out / "ben" / name).read_text().replace("\\", "")
        assert "Corrected by your teacher: +2.5 points. The test was wrong." in text
    grade_all(grading, [handed_in / "ben.zip"], again=["ben.zip"])
    assert score(grading.out, "ben") == 62.5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name,points\n", "no column why"),
        ("name,points,why\ndora,1,\n", "no submission called 'dora'"),
        ("name,points,why\nanna,much,\n", "'much' are not points"),
        ("name,points,why\nanna,nan,\n", "'nan' are not points"),
        ("name,points,why\nanna,1.25,\n", "'1.25' are not points"),
        ("name,points,why\nanna,1,\nanna,1,\n", "line 3: 'anna' appears twice"),
    ],
)
def test_corrections_that_cannot_be_read(
    grading: Grading, handed_in: Path, text: str, expected: str
) -> None:
    grading.out.mkdir()
    (grading.out / "corrections.csv").write_text(text)
    with pytest.raises(ValueError, match=expected):
        grade_all(grading, [handed_in])


# ------------------------------------------------------------------------ the command


def command(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["teaching", "grade", *map(str, arguments)])
    return main()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["none.zip", "--out", "out"], "none.zip does not exist"),
        (["in", "--out", "in/out"], "is inside"),
        (["in", "--out", "in"], "is inside"),
        (["in", "--out", "file"], "is a file"),
        (["one", "--out", "."], "would be graded and hold the results"),
        (["in", "--out", str(REPOSITORY)], "repository's own files"),
        (["in", "--out", str(REPOSITORY / "docs" / "new")], "repository's own files"),
        (["in", "--out", "out", "--images", "none"], "none is not a folder"),
        (["in", "--out", "out", "--times", "none"], "no deadline"),
    ],
)
def test_errors_of_the_teacher_are_one_line(
    monkeypatch: pytest.MonkeyPatch, handed_in: Path, capsys: pytest.CaptureFixture[str],
    arguments: list[str], expected: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(handed_in.parent)
    monkeypatch.setattr(workshop, "open_workshop", standin_workshop)
    monkeypatch.setattr(workshop, "images_folder", lambda named: named and images_folder(named))
    Path("file").touch()
    (Path("one") / "scene_recog").mkdir(parents=True)
    assert command(monkeypatch, *arguments) == 2
    said = capsys.readouterr().err
    assert expected in said
    assert len(said.splitlines()) == 1


def test_the_command_grades(
    monkeypatch: pytest.MonkeyPatch, handed_in: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(workshop, "open_workshop", standin_workshop)
    monkeypatch.setattr(workshop, "images_folder", lambda named: named and images_folder(named))
    out = tmp_path / "out"
    assert command(monkeypatch, handed_in, "--out", out, "--jobs", "1") == 0
    assert score(out, "anna") == 100
    assert "3 graded now" in capsys.readouterr().out


@contextmanager
def standin_workshop(
    variant: int, seed: int, images: Path | None, lecture: bool
) -> Iterator[SimpleNamespace]:
    yield SimpleNamespace(judge=partial(judge, log=Path(os.devnull)), warnings=())


def test_the_fingerprint_is_of_tests_variant_and_images(tmp_path: Path) -> None:
    (tmp_path / "street").mkdir()
    (tmp_path / "street" / "a.jpg").write_bytes(b"1")
    found = {grader_fingerprint(), grader_fingerprint(7), grader_fingerprint(0, tmp_path)}
    (tmp_path / "street" / "a.jpg").write_bytes(b"2")
    found.add(grader_fingerprint(0, tmp_path))
    assert len(found) == 4
    assert grader_fingerprint(7) == grader_fingerprint(7)


# ------------------------------------------------------------------------ whose code is it?


def right() -> list[Path]:
    return sorted((REPOSITORY / "teaching" / "submissions" / "right").iterdir())


@pytest.mark.parametrize("folder", right(), ids=lambda path: str(path.name))
def test_what_others_wrote_is_not_flagged(folder: Path) -> None:
    files = {
        name: (folder / Path(name).name).read_bytes()
        for name in STEP_FILES.values()
        if (folder / Path(name).name).is_file()
    }
    found = similarity.look(Received(files))
    assert not found.copied
    for name, text in found.own.items():
        compile(text, name, "exec", flags=0x400)  # PyCF_ONLY_AST
        assert 'raise NotImplementedError("write ' not in text


@pytest.mark.parametrize("name", STEP_FILES.values())
@pytest.mark.parametrize("variant", [0, 7])
def test_the_solution_with_other_names_is_flagged(name: str, variant: int) -> None:
    source = rewritten(name, (REPOSITORY / name).read_text(encoding="utf-8"), variant)
    for old, new in (
        ("logits", "scores"), ("inp_size", "size"), ("path", "p"), ("config", "c"),
        ("matrix", "m"), ("total", "t"), ("model", "net"), ('"""', "'''"), ("  # ", "  # my "),
        ("import torch\n", "import torch as torch\n\n"),
    ):  # fmt: skip
        source = source.replace(old, new)
    found = similarity.look(Received({name: source.encode()}), variant)
    assert found.copied == [Path(name).stem]


def test_the_starter_is_nobody_s_own() -> None:
    found = similarity.look(Received(handed_out()))
    assert found.own == {}
    assert not found.copied


def test_what_does_not_parse_loses_the_starter_s_lines() -> None:
    starter = handed_out()["scene_recog/optimizer.py"].decode()
    text = similarity.own_code(starter + "\nmine = (\n", (REPOSITORY / "scene_recog/optimizer.py").read_text())  # noqa: E501  # fmt: skip
    assert text.split() == ["mine", "=", "("]


def test_code_that_breaks_the_parser_stops_nothing(grading: Grading, handed_in: Path) -> None:
    write_zip(handed_in / "deep.zip", submission("passed 4\nx = " + "(" * 5000))
    write_zip(handed_in / "long.zip", submission("passed 4\n" + "-" * 900_000 + "1"))
    grade_all(grading, [handed_in])
    assert score(grading.out, "anna") == 100
    assert score(grading.out, "deep") == score(grading.out, "long") == 100
