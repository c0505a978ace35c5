"""Another term's project: its sizes, and that only its own solution passes its tests."""

from __future__ import annotations

import ast
import itertools
import json
import os
import shutil
import subprocess
import sys
from dataclasses import astuple
from pathlib import Path
from types import ModuleType

import pytest

from scene_recog.simple_net_final import SimpleNetFinal
from teaching import variants

REPOSITORY = Path(__file__).parents[2]
PACKAGE = REPOSITORY / "scene_recog"
NETS = ("simple_net", "simple_net_final")
MANY = 400


def differences(one: object, other: object) -> int:
    return sum(a != b for a, b in zip(astuple(one), astuple(other), strict=True))  # type: ignore[call-overload]


# ---------------------------------------------------------------- sizes


def test_variant_0_is_the_course() -> None:
    sizes, final = variants.sizes_of(0)
    assert astuple(sizes) == (10, 5, 3, 20, 5, 3, 100)
    assert (sizes.parameters, sizes.multiply_adds, sizes.flat) == (56_895, 2_231_500, 500)
    assert astuple(final) == (None, None)
    assert variants.is_allowed(sizes)


def test_many_variants_are_allowed_and_all_different() -> None:
    course, _ = variants.sizes_of(0)
    found = [variants.sizes_of(number) for number in range(1, MANY)]
    assert len({sizes for sizes, _ in found}) == len(found)
    for sizes, final in found:
        assert variants.is_allowed(sizes)
        assert differences(sizes, course) >= 5
        assert final.last_maps not in (96, None)
        assert final.hidden not in (64, None)
    for (before, final_before), (after, final_after) in itertools.pairwise(found):
        assert differences(before, after) >= 4
        assert differences(final_before, final_after) == 2


def test_a_number_keeps_its_sizes() -> None:
    """The hand-out of a variant can be made again."""
    sizes = [astuple(variants.sizes_of(number)[0]) for number in (1, 2, 365)]
    assert sizes == [(9, 7, 3, 24, 7, 3, 96), (12, 7, 3, 26, 3, 4, 120), (9, 3, 4, 22, 7, 2, 136)]


@pytest.mark.parametrize("number", [-1, 1_000_000])
def test_no_such_variant(number: int) -> None:
    with pytest.raises(ValueError, match=f"there is no variant {number}: use a number from 0 to"):
        variants.sizes_of(number)


@pytest.mark.parametrize(
    "sizes",
    [
        (15, 5, 3, 20, 5, 3, 100),  # as many biases as the last layer has
        (10, 5, 3, 20, 5, 3, 20),
        (10, 5, 3, 20, 5, 3, 200),  # too many weights
        (10, 5, 2, 20, 5, 4, 100),  # too much arithmetic
        (10, 5, 3, 20, 3, 3, 72),  # adaptive pooling would be the same
        (10, 5, 40, 20, 5, 3, 100),  # nothing left
    ],
)
def test_not_allowed(sizes: tuple[int, ...]) -> None:
    assert not variants.is_allowed(variants.Figure2(*sizes))


# ---------------------------------------------------------------- files


def of_variant(name: str, number: int) -> str:
    text = (REPOSITORY / name).read_text(encoding="utf-8")
    rewritten: str = variants.rewritten(name, text, number)
    return rewritten


def test_variant_0_changes_no_file() -> None:
    for name in variants.PHRASES:
        assert of_variant(name, 0) == (REPOSITORY / name).read_text(encoding="utf-8")


def test_files_without_sizes_stay_as_they_are() -> None:
    assert variants.rewritten("scene_recog/optimizer.py", "any text", 1) == "any text"


def test_sizes_are_exchanged_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "scene_recog/figure_2.py"
    before = (REPOSITORY / name).read_text(encoding="utf-8").splitlines()
    after = of_variant(name, 1).splitlines()
    changed = [line for line in after if line not in before]
    assert [line.split()[0] for line in changed] == ["VARIANT", "FIGURE_2", "FINAL"]
    assert len(before) == len(after)
    module = ModuleType("figure_2_of_1")
    monkeypatch.setitem(sys.modules, module.__name__, module)  # where dataclasses look
    exec("\n".join(after), vars(module))
    sizes, final = variants.sizes_of(1)
    assert module.VARIANT == 1
    assert astuple(module.FIGURE_2) == astuple(sizes)
    assert astuple(module.FINAL) == astuple(final)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_docstrings_state_the_sizes_of_the_term(number: int) -> None:
    sizes, final = variants.sizes_of(number)
    stated = []
    for net in NETS:
        tree = ast.parse(of_variant(f"scene_recog/{net}.py", number))
        (one,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
        stated.append(" ".join((ast.get_docstring(one) or "").split()))
    assert f"{sizes.parameters:,} parameters" in stated[0]
    assert f"flatten to {sizes.flat} values, linear to {sizes.hidden}" in stated[0]
    assert f"{final.last_maps} maps, and the head has {final.hidden} hidden units" in stated[1]


@pytest.mark.parametrize("number", [1, 2])
def test_no_number_of_the_course_is_left(number: int) -> None:
    course, _ = variants.sizes_of(0)
    parameters = sum(p.numel() for p in SimpleNetFinal().parameters())
    sums = [course.parameters, course.multiply_adds, parameters]
    old = [f"{value:{form}}" for value in sums for form in (",", "_", "")]
    old += [f"{course.flat} features", f"[N, {course.flat}]", f"to {course.flat} values"]
    old += [f"{course.maps_1} maps", f"{course.maps_2} maps", f"Linear({course.flat}"]
    paths = [*PACKAGE.rglob("*.py"), *(REPOSITORY / "unit_tests").rglob("*.py")]
    for path in paths:
        name = path.relative_to(REPOSITORY).as_posix()
        if "repository/" in name or "models/" in name or "lecture/" in name:
            continue  # the lecture's networks keep the course's sizes
        text = of_variant(name, number)
        assert not [phrase for phrase in old if phrase in text], name
    notebook = json.loads((REPOSITORY / "proj3.ipynb").read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        assert not [phrase for phrase in old if phrase in text], cell["id"]


def test_a_phrase_that_is_not_there_is_named() -> None:
    name = "scene_recog/simple_net.py"
    text = (REPOSITORY / name).read_text(encoding="utf-8")
    changed = text.replace("nn.Linear(500, 100)", "nn.LazyLinear(100)")
    with pytest.raises(ValueError, match=r"simple_net\.py has this 0 times.*nn\.Linear\(500, 100"):
        variants.rewritten(name, changed, 1)
    with pytest.raises(ValueError, match=r"simple_net\.py has this 2 times"):
        variants.rewritten(name, text + text, 1)


# ---------------------------------------------------------------- tests of a variant


def told_by_tests(folder: Path, *, tests: int, nets: int) -> str:
    """pytest's output in a variant's project, for the nets of the same or another variant."""
    ignore = shutil.ignore_patterns("__pycache__", "provided")
    shutil.copytree(PACKAGE, folder / "scene_recog", ignore=ignore)
    shutil.copytree(REPOSITORY / "unit_tests", folder / "unit_tests", ignore=ignore)
    shutil.copy(REPOSITORY / "pyproject.toml", folder)
    for name in variants.PHRASES:
        number = nets if Path(name).stem in NETS else tests
        (folder / name).write_text(of_variant(name, number), encoding="utf-8")
    files = [f"unit_tests/test_{net}.py" for net in NETS]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rf", "--runxfail", *files],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("number", [3, pytest.param(1, marks=pytest.mark.slow)])
def test_a_variant_is_solved_by_its_own_solution(tmp_path: Path, number: int) -> None:
    told = told_by_tests(tmp_path, tests=number, nets=number)
    assert "FAILED" not in told, told
    assert "simple_net_final  16 of 16" in told  # the sizes that are asked for are two tests


@pytest.mark.parametrize(
    ("tests", "nets"),
    [(1, 0), *(pytest.param(*each, marks=pytest.mark.slow) for each in [(1, 2), (0, 1)])],
)
def test_no_other_solution_passes(tmp_path: Path, tests: int, nets: int) -> None:
    told = told_by_tests(tmp_path, tests=tests, nets=nets)
    sizes, final = variants.sizes_of(tests)
    assert "FAILED unit_tests/test_simple_net.py" in told
    assert f"figure 2 has {sizes.parameters:,}" in told
    if tests:
        assert f"this term's SimpleNetFinal has {final.last_maps} there" in told
        assert f"this term's SimpleNetFinal has {final.hidden} there" in told
    else:  # the course leaves the sizes of SimpleNetFinal free
        assert "FAILED unit_tests/test_simple_net_final.py" not in told
