"""How the grader handles anything from a student's process, and serves its requests."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from scene_recog.submission import STEP_FILES
from teaching import sandbox
from teaching.grading import judge as judging
from teaching.grading import wire
from teaching.grading.client import NoAnswerError, RemoteOptimizer, Session, remove
from teaching.grading.signs import signs_in
from teaching.grading.verdict import Verdict
from teaching.grading.wire import BrokenFrameError, Reader, Writer
from teaching.grading.workshop import Workshop, prepare
from teaching.handout import REPOSITORY
from teaching.receiving import Received


def frame(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return wire.LENGTHS.pack(len(text), len(data)) + text + data


def read(header: Any, data: bytes = b"") -> Any:
    return Reader({}).value(frame(header, data))


# ------------------------------------------------------------------------ frames


@pytest.mark.parametrize(
    "value",
    [
        None, True, 3, -(2**62), 2**80, 0.5, "text", b"bytes", [1, [2]], (1, (2, "a")), {"a": (1,)},
        {1: 2}, {3, 4}, slice(1, None, 2), ..., 1 + 2j, torch.float16, torch.Size([2, 3]),
        Path("a/b"), torch.device("cpu"), torch.channels_last,
    ],
    ids=repr,
)  # fmt: skip
def test_plain_values_come_back(value: Any) -> None:
    assert Reader({}).value(Writer().frame(value)) == value


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int64, torch.bool])
@pytest.mark.parametrize("shape", [(), (0,), (2, 3), (1, 0, 4)])
def test_tensors_come_back(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    value = torch.ones(shape).to(dtype)
    got = Reader({}).value(Writer().frame([value, torch.nn.Parameter(torch.ones(2))]))
    assert got[0].dtype == dtype
    assert torch.equal(got[0], value)
    assert isinstance(got[1], torch.nn.Parameter)


def test_arrays_and_images_come_back() -> None:
    values = [np.arange(6).reshape(2, 3), np.float32(0.5), np.array(["a", "bc"]), np.array(3)]
    got = Reader({}).value(Writer().frame(values))
    assert all(np.array_equal(a, b) for a, b in zip(got, values, strict=True))
    for mode in ("L", "1", "RGB"):
        image = Image.new(mode, (11, 7), 1)
        back = Reader({}).value(Writer().frame(image))
        assert (back.mode, back.size, back.tobytes()) == (mode, (11, 7), image.tobytes())


def test_named_tuples_keep_their_names() -> None:
    row = {"k": "named", "name": "Row", "fields": ["layer", "maps"], "v": ["conv1", 96]}
    got = read(row)
    assert got == ("conv1", 96)
    assert (got.layer, got.maps) == ("conv1", 96)
    for broken in ({"fields": ["__class__"]}, {"fields": ["a", "b", "c"]}, {"name": "a b"}):
        with pytest.raises(BrokenFrameError):
            read({**row, **broken})


def test_what_a_call_changes_is_changed_here() -> None:
    array, generator = np.zeros(3), np.random.default_rng(1)
    other = np.random.default_rng(2)
    wire.restore(array, np.ones(3))
    wire.restore(generator, wire.state_of(other))
    assert array.tolist() == [1, 1, 1]
    assert generator.random() == np.random.default_rng(2).random()
    for value, state in ((array, np.ones(4)), (array, "text"), (generator, {"state": 3})):
        with pytest.raises(ValueError, match=r"cannot have its state|changed its shape"):
            wire.restore(value, state)


ARRAY = {"k": "array", "dtype": "<f4", "shape": [2], "at": [0, 8]}
TENSOR = {
    "k": "tensor",
    "dtype": "torch.float32",
    "shape": [2],
    "grad": 0,
    "param": 0,
    "at": [0, 8],
}


def test_a_tensor_of_any_stride_comes_back() -> None:
    one = torch.arange(15.0).reshape(1, 15)[:, 3]  # as argmax(1) of one image
    for tensor in (one, one.long(), torch.arange(6).reshape(2, 3).T, torch.zeros(3)[::2]):
        assert torch.equal(Reader({}).value(Writer().frame(tensor)), tensor)


@pytest.mark.parametrize(
    ("header", "data"),
    [
        ({}, b""), ({"k": "no"}, b""), ({"k": ["array"]}, b""), (b"{", b""), (b"\xff", b""),
        (b"[" * 100_000 + b"]" * 100_000, b""),
        (b"9" * 10_000, b""),
        ({**ARRAY, "at": [0, 9]}, bytes(8)), ({**ARRAY, "at": [-8, 8]}, bytes(8)),
        ({**ARRAY, "at": "08"}, bytes(8)), ({**ARRAY, "shape": [3]}, bytes(8)),
        ({**ARRAY, "shape": [2**40, 0]}, bytes(8)), ({**ARRAY, "shape": [-1, -2]}, bytes(8)),
        ({**ARRAY, "dtype": "O"}, bytes(8)), ({**ARRAY, "dtype": "V8"}, bytes(8)),
        ({**ARRAY, "dtype": "f4,O"}, bytes(8)), ({**ARRAY, "dtype": "M8[s]"}, bytes(8)),
        ({**TENSOR, "dtype": "torch.load"}, bytes(8)), ({**TENSOR, "shape": [[2]]}, bytes(8)),
        ({"k": "image", "mode": "L", "size": [30_000, 1], "at": [0, 8]}, bytes(8)),
        ({"k": "image", "mode": "1", "size": [19_000, 19_000], "at": [0, 8]}, bytes(8)),
        ({"k": "image", "mode": "nope", "size": [1, 1], "at": [0, 8]}, bytes(8)),
        ({"k": "dict", "v": [[[1], 2]]}, b""), ({"k": "dict", "v": 3}, b""),
        ({"k": "int", "v": "9" * 10_000}, b""), ({"k": "slice", "v": [1, 2, 3, 4]}, b""),
        ({"k": "dtype", "v": "torch.load"}, b""), ({"k": "tuple", "v": None}, b""),
        ({"k": "objects", "texts": True, "shape": [3], "v": ["a"]}, b""),
    ],
)  # fmt: skip
def test_what_is_no_frame_is_refused(header: Any, data: bytes) -> None:
    with pytest.raises(BrokenFrameError):
        read(header, data)


def test_bytes_are_not_read_twice() -> None:
    data = bytes(8)
    assert read([ARRAY], data)[0].tolist() == [0, 0]
    with pytest.raises(BrokenFrameError, match="twice"):
        read([ARRAY, ARRAY], data)


def test_one_long_text_does_not_make_all_texts_long() -> None:
    texts = ["x" * 1_000_000, *["y"] * 1000]
    with pytest.raises(BrokenFrameError, match="too long"):
        read({"k": "objects", "texts": True, "shape": [1001], "v": texts})


@pytest.mark.parametrize(
    "lengths", [(2**63, 0), (0, 2**63), (wire.HEADER_LIMIT + 1, 0), (10, wire.FRAME_LIMIT)]
)
def test_frames_have_a_limit_before_they_are_read(lengths: tuple[int, int]) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(wire.LENGTHS.pack(*lengths))
        ours.settimeout(5)
        with pytest.raises(BrokenFrameError, match="too long"):
            wire.receive(ours)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["<f4", "torch.int8", "L", "|S5"]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from([*ARRAY, *TENSOR, "mode", "size", "v", "texts"]),
        inner | st.sampled_from([*wire._MAKERS]), max_size=6,
    ),
    max_leaves=20,
)  # fmt: skip


@given(json_values, st.binary(max_size=40))
@settings(max_examples=300, deadline=None)
def test_any_header_is_read_or_refused(header: Any, data: bytes) -> None:
    with contextlib.suppress(BrokenFrameError):
        read(header, data)


@given(st.binary(max_size=80))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(BrokenFrameError):
        Reader({}).value(data)


# ------------------------------------------------------------------------ answers


Answering = Callable[..., Session]


@pytest.fixture
def answering() -> Iterator[Answering]:
    """A session whose worker sends these frames, one after each message."""
    ends: list[socket.socket] = []

    def start(*frames: bytes, oracle: Any = None) -> Session:
        ours, theirs = socket.socketpair()
        ends.extend([ours, theirs])

        def answer() -> None:
            for each in frames:
                try:
                    length = wire.LENGTH.unpack(wire.exactly(theirs, wire.LENGTH.size))[0]
                    got.append(pickle.loads(wire.exactly(theirs, length)))
                    theirs.sendall(each)
                except (OSError, EOFError):
                    return
            with contextlib.suppress(OSError):
                theirs.shutdown(socket.SHUT_RDWR)

        threading.Thread(target=answer, daemon=True).start()
        return Session(ours, oracle or {})

    got: list[Any] = []
    start.got = got  # type: ignore[attr-defined]
    yield start
    for end in ends:
        end.close()


@pytest.mark.parametrize(
    "header",
    [
        [], 3, {}, {"values": 1}, {"error": 3}, {"error": {}}, {"value": {"k": "known", "n": 0}},
        {"value": {"k": "known", "n": "0"}},
        {"value": {"k": "ref", "r": 0, "name": "a", "as": ["os"]}},
        {"value": {"k": "optimizer", "r": 0, "name": "SGD", "groups": []}},
        {"value": {"k": "net", "r": 0, "v": {}}}, {"value": {"k": "grown", "r": 0}},
    ],
    ids=str,
)  # fmt: skip
def test_a_forged_answer_is_none(answering: Answering, header: Any) -> None:
    session = answering(frame(header))
    with pytest.raises(NoAnswerError):
        session.request("call", "f", (), {})
    assert session.is_closed


def test_a_worker_that_ends_gives_no_answer(answering: Answering) -> None:
    with pytest.raises(NoAnswerError, match="ended"):
        answering().request("call", "f", (), {})


def test_questions_reach_only_what_is_offered(answering: Answering) -> None:
    seen: list[Any] = []
    none = {"k": "dict", "v": []}
    questions = [
        {"k": "dict", "v": [["ask", name], ["args", ["/etc/passwd"]], ["kwargs", none]]}
        for name in ("image", "__import__", 0, -1, None, [1], "mine")
    ]  # fmt: skip
    frames = [frame(each) for each in questions] + [frame({"k": "dict", "v": [["value", 7]]})]
    session = answering(*frames, oracle={"mine": seen.append})
    assert session.request("call", "f", (), {}) == 7
    assert seen == ["/etc/passwd"]


@pytest.mark.parametrize(
    "bases", [["KeyboardInterrupt"], ["SystemExit"], ["GeneratorExit"], ["os"], []]
)
def test_no_error_of_theirs_ends_the_grader(answering: Answering, bases: list[str]) -> None:
    error = {"name": "Evil", "bases": bases, "message": "m", "place": None}
    made = {"k": "dict", "v": [[key, each] for key, each in error.items()]}
    session = answering(frame({"k": "dict", "v": [["error", made]]}))
    with pytest.raises(Exception, match="m") as caught:
        session.request("call", "f", (), {})
    assert isinstance(caught.value, Exception)


def test_an_optimizer_has_groups_of_parameters(answering: Answering) -> None:
    group = {"k": "dict", "v": [["params", []], ["lr", 0.1]]}
    made = {"k": "optimizer", "r": 0, "name": "SGD", "groups": [group]}
    with pytest.raises(NoAnswerError, match="parameters"):
        answering(frame({"k": "dict", "v": [["value", made]]})).request("call", "f", (), {})
    assert issubclass(RemoteOptimizer, torch.optim.Optimizer)


# ------------------------------------------------------------------------ what is told


def test_words_are_short_and_can_be_written() -> None:
    words = judging.clean("\ud800\x1b[2J\x00\u202e <b>\n" + "x" * 10_000)
    assert words.encode()
    assert len(words) == judging.WORDS
    assert all(each.isprintable() or each == "\n" for each in words)
    assert "<b>\n" in words  # what shows it knows how to write it


def test_a_file_is_not_told_what_it_is_to_compute(tmp_path: Path) -> None:
    class _Judge:
        place = None

    offered = {file: set(judging._Holder(_Judge(), file).oracle) for file in STEP_FILES}  # type: ignore[arg-type]
    assert offered["dl_utils"] == {"listed", "image"}
    assert offered["image_loader"] == {"labels", "accuracy"}
    assert "layer" not in set(judging._Holder(_Judge(), "lecture/layers").oracle)  # type: ignore[arg-type]
    assert offered["confusion_matrix"] == {"labels", "accuracy", "listed", "image"}


@pytest.mark.parametrize(
    "source",
    [f"import os\nx = os{'.b' * 600}.system\n", "-" * 100_000 + "1", "not " * 50_000 + "1", "\0"],
    ids=["attributes", "minus", "not", "null"],
)
def test_code_of_any_depth_can_be_looked_at(source: str) -> None:
    assert isinstance(signs_in(source.encode()), list)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the grader needs fork")
def test_tests_cannot_take_all_memory() -> None:
    def take(say: Callable[..., None]) -> None:
        try:
            torch.ones(judging.MEMORY // 3)  # of 4 bytes each
        except RuntimeError:
            say(result="none left")

    assert list(judging._from_child(take, 60)) == [{"result": "none left"}]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the grader needs fork")
def test_folders_of_any_depth_are_removed(tmp_path: Path) -> None:
    def nest(say: Callable[..., None]) -> None:
        os.chdir(tmp_path)
        os.mkdir("top")  # noqa: PTH102
        os.chdir("top")
        for _ in range(1500):
            os.mkdir("d" * 40)  # noqa: PTH102
            os.chdir("d" * 40)

    assert list(judging._from_child(nest, 60)) == []
    remove(tmp_path / "top")
    assert not (tmp_path / "top").exists()


# ------------------------------------------------------------------------ in the sandbox


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """With 60 indistinguishable images, class by class."""
    if not hasattr(os, "fork"):
        pytest.skip("untrusted code cannot be run on Windows")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "workshop"
        work.mkdir()
        Path(folder).chmod(0o755)
        prepare(work, variant=0, seed=5)
        np.save(work / "images.npy", np.full((1500, 64, 64), 100, dtype=np.uint8))
        np.save(work / "labels.npy", np.repeat(np.arange(15), 100))
        yield Workshop(work, is_alone=sandbox.protections()["processes"].holds)


def judged(workshop: Workshop, **sources: str) -> Verdict:
    files = {STEP_FILES[file]: dedent(source).encode() for file, source in sources.items()}
    return workshop.judge(Received(files=files))


def solution(file: str) -> str:
    return (REPOSITORY / STEP_FILES[file]).read_text(encoding="utf-8")


def test_transforms_of_the_second_version_are_no_network(workshop: Workshop) -> None:
    path = REPOSITORY / "teaching/submissions/right/assistant/data_transforms.py"
    source = path.read_text(encoding="utf-8")
    assert "v2.Compose" in source
    judgement = judged(workshop, data_transforms=source).files["data_transforms"]
    assert judgement.public
    assert {each.outcome for each in [*judgement.public, *judgement.hidden]} == {"passed"}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_hidden_tests_ask_is_not_told(workshop: Workshop) -> None:
    tells = """
        import glob, os
        def get_optimizer(model, config):
            text = "".join(open(path).read() for path in glob.glob("asked*"))
            with open("asked", "a") as file:
                file.write(f"{config['lr']} ")
            raise RuntimeError(text[-1000:])
    """
    again = tells.replace("get_optimizer(model, config)", "compute_mean_and_std(config)")
    again = again.replace("config['lr']", "config")
    verdict = judged(workshop, optimizer=tells, stats_helper=again)
    hidden = (workshop.folder / "hidden/unit_tests/test_optimizer.py").read_text(encoding="utf-8")
    rate = next(line.split()[-1] for line in hidden.splitlines() if line.startswith("STEP_LR ="))
    shown = " ".join(
        f"{one.problem} {' '.join(each.words for each in one.public)}"
        for one in verdict.files.values()
    )
    assert "0.01 0.01" in shown  # what public tests ask is no secret
    assert rate not in shown


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_network_cannot_count_the_images(workshop: Workshop) -> None:
    counts = (
        solution("simple_net")
        + """
    _init, _forward = __init__, forward
    def __init__(self) -> None:
        self._init()
        self.register_buffer("count", torch.zeros(1))
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        label = (self.count // 100 % 15).long().expand(len(x))
        self.count.add_(len(x))
        return nn.functional.one_hot(label, 15).float() + 0 * self._forward(x)
"""
    )
    namespace: dict[str, Any] = {"__name__": "counts"}
    exec(compile(counts, "counts.py", "exec"), namespace)
    file = io.BytesIO()
    torch.save(
        {"class_name": "SimpleNet", "state_dict": namespace["SimpleNet"]().state_dict()}, file
    )
    files = {
        "scene_recog/simple_net.py": counts.encode(),
        "model_checkpoints/trained_SimpleNet_final.pt": file.getvalue(),
    }
    trained = workshop.judge(Received(files=files)).trained["SimpleNet"]
    assert trained.problem is None
    assert trained.accuracy is not None
    assert trained.accuracy < 0.2


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "evil",
    [
        "os.kill(os.getppid(), signal.SIGKILL)",
        "os.kill(os.getppid(), signal.SIGSTOP)",
        "for _ in range(3000): os.mkdir('d' * 60); os.chdir('d' * 60)\nos.kill(os.getppid(), 9)",
    ],
    ids=["kill", "stop", "fill"],
)
def test_a_file_that_harms_the_worker_costs_itself(workshop: Workshop, evil: str) -> None:
    evil = f"import os, signal\n{evil}\n"
    verdict = judged(workshop, image_loader=evil, optimizer=solution("optimizer"))
    for kind in (verdict.files["optimizer"].public, verdict.files["optimizer"].hidden):
        assert {each.outcome for each in kind} == {"passed"}
