"""Whatever a user requests: either a training run can start, or there is one clear line."""

from __future__ import annotations

import contextlib
import io
import json
import os
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from scene_recog import cli
from scene_recog.recipes import AUGMENTATIONS, RECIPES, Recipe, get_recipe, recipe_from_dict

KEYS = [field.name for field in fields(Recipe)]
QUICK = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

numbers = st.one_of(
    st.integers(-3, 200), st.integers(), st.floats(), st.sampled_from([0.0, 0.5, 1.0, 1e-3, 1e400])
)
words = st.sampled_from(
    ["sgd", "adam", "adamw", "none", "None", "one-cycle", "cosine", "step", "true", "False",
     "SimpleNet", "SimpleNetFinal", *AUGMENTATIONS, "", " ", "[]", "{}", "()", "1e5", "0x10", "'a'",
     "__import__('os')", "9" * 5000, "(" * 300, "\\", "1_0", "nan", "-inf", "../x", "a/b", "é"]
)  # fmt: skip
values = st.one_of(numbers.map(str), words, st.text(max_size=12))
overrides = st.lists(
    st.one_of(
        st.builds("{}={}".format, st.sampled_from(KEYS), values),
        st.builds("{}={}".format, st.text(max_size=5), values),
        st.text(max_size=8),
    ),
    max_size=4,
)
plain = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=8), words),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


def one_line(error: ValueError) -> None:
    message = str(error)
    assert message
    assert "\n" not in message
    assert len(message) < 1000


@QUICK
@given(st.sampled_from(sorted(RECIPES)), overrides)
@example("part2", ["nesterov=True", "momentum=0"])
@example("part2", ["grad_clip=0"])
@example("part2", ["val_fraction=0", "patience=3"])
@example("part2", ["label_smoothing=1"])
@example("part2", ["lr=9" + "9" * 400])
def test_override_gives_a_recipe_or_one_line(name: str, changes: list[str]) -> None:
    try:
        recipe = RECIPES[name].override(changes)
    except ValueError as error:
        one_line(error)
        return
    assert recipe_from_dict(json.loads(json.dumps(asdict(recipe)))) == recipe
    assert recipe.override([]) == recipe


@QUICK
@given(st.dictionaries(st.sampled_from(KEYS), plain, max_size=3))
def test_recipe_of_any_values_is_valid_or_one_line(changes: dict[str, Any]) -> None:
    try:
        recipe = recipe_from_dict(asdict(RECIPES["part2"]) | changes)
    except ValueError as error:
        one_line(error)
        return
    assert all(getattr(recipe, key) == value for key, value in changes.items())


@settings(QUICK, max_examples=60)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "batch_size": st.integers(1, 10**6),
            "optimizer_type": st.sampled_from(["sgd", "adam", "adamw"]),
            "lr": st.floats(0, 1e6),
            "weight_decay": st.floats(0, 1e6),
            "momentum": st.floats(0, 1),
            "nesterov": st.booleans(),
            "scheduler": st.sampled_from(["none", "one-cycle", "cosine", "step"]),
            "label_smoothing": st.floats(0, 1),
            "grad_clip": st.one_of(st.none(), st.floats(0, 1e9)),
            "patience": st.one_of(st.none(), st.integers(0, 9)),
            "val_fraction": st.floats(0, 1),
            "input_size": st.integers(1, 10**9),
            "seed": st.integers(0, 2**70),
            "normalize": st.booleans(),
            "augmentation": st.sampled_from(sorted(AUGMENTATIONS)),
        },
    )
)
def test_a_recipe_makes_a_trainer_or_one_line(
    sketches: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    try:
        recipe = replace(RECIPES["part1"], **changes)
        recipe = replace(recipe, cache="memory")
        trainer = recipe.make_trainer(sketches, tmp_path / "run", device="cpu")
    except ValueError as error:
        one_line(error)
        return
    assert trainer.config["recipe"] == asdict(recipe)
    assert len(trainer.train_loader) > 0


options = st.sampled_from(
    ["--recipe", "--epochs", "--set", "--seed", "--name", "--resume", "--data", "--device",
     "--cache", "--amp", "--skip-bad", "--json", "--top", "--split", "--checkpoint", "--tta"]
)  # fmt: skip
arguments = st.lists(
    st.one_of(options, values, st.builds("{}={}".format, st.sampled_from(KEYS), values)),
    max_size=6,
)


@settings(QUICK, max_examples=150)
@given(
    st.sampled_from(["train", "evaluate", "predict", "runs", "recipes", "info", "data"]), arguments
)
def test_command_line_never_shows_a_traceback(
    tmp_path: Path, verb: str, given_arguments: list[str]
) -> None:
    """In a folder without data or runs, with a missing data folder."""
    given_arguments = [a.replace("\0", "") for a in given_arguments]
    if verb == "train":
        given_arguments += ["--data", "nowhere"]
    out, err = io.StringIO(), io.StringIO()
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = cli.main([verb, *given_arguments])
    except SystemExit as stop:  # argparse: usage and one line, exit code 2
        code = int(stop.code or 0)
    finally:
        os.chdir(before)
    assert code in (0, 1, 2)
    assert "Traceback" not in err.getvalue()
    if code == 2:
        assert err.getvalue().strip()


@QUICK
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode) | plain.map(
    lambda value: json.dumps({"recipe": value}).encode()
))  # fmt: skip
def test_any_config_file_is_a_recipe_or_one_line(tmp_path: Path, contents: bytes) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(contents)
    try:
        get_recipe(str(path))
    except ValueError as error:
        one_line(error)
