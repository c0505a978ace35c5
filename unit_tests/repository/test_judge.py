"""Is each file judged on its own, by its answers?

The sandbox depends on the system, and each submission takes seconds: `pytest -m slow`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
import torch
from PIL import Image

from scene_recog.submission import LECTURE_FILES, STEP_FILES
from teaching import sandbox
from teaching.grading.signs import signs_in
from teaching.grading.verdict import FileVerdict, Verdict
from teaching.grading.workshop import Workshop, prepare, prepare_images
from teaching.handout import REPOSITORY, handed_out
from teaching.receiving import Received

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """With the course's own sizes, and two images."""
    if not hasattr(os, "fork"):
        pytest.skip("untrusted code cannot be run on Windows")
    with tempfile.TemporaryDirectory() as folder:  # other users come through to it
        work = Path(folder) / "workshop"
        work.mkdir()
        Path(folder).chmod(0o755)
        prepare(work, variant=0, seed=3)
        images = tmp_path_factory.mktemp("images")
        for name, grey in (("bedroom", 40), ("coast", 200)):
            (images / name).mkdir()
            Image.new("L", (80, 70), grey).save(images / name / "image_0001.jpg")
        prepare_images(work, images)
        yield Workshop(work, is_alone=sandbox.protections()["processes"].holds)


def solution() -> dict[str, bytes]:
    return {name: (REPOSITORY / name).read_bytes() for name in STEP_FILES.values()}


def outcomes(verdict: FileVerdict, kind: str) -> list[str]:
    return sorted({each.outcome for each in getattr(verdict, kind)})


def is_full(verdict: FileVerdict) -> bool:
    return outcomes(verdict, "public") == outcomes(verdict, "hidden") == ["passed"]


def not_full(verdict: Verdict) -> list[str]:
    return [file for file, one in verdict.files.items() if not is_full(one)]


def test_the_solution_passes_all(workshop: Workshop) -> None:
    verdict = workshop.judge(Received(files=solution()))
    assert list(verdict.files) == list(STEP_FILES)
    for file, one in verdict.files.items():
        assert is_full(one), (file, one)
        assert [each.name.partition("[")[0] for each in one.public] == [
            each.name.partition("[")[0] for each in one.hidden
        ]
        assert not one.signs, (file, one.signs)
        assert not one.is_tampered
        assert one.problem is None
    assert verdict.peak_memory > 0


def test_the_starter_is_not_written(workshop: Workshop) -> None:
    contents = handed_out(0)
    files = {name: contents[name] for name in STEP_FILES.values()}
    verdict = workshop.judge(Received(files=files))
    for file, one in verdict.files.items():
        assert "passed" not in outcomes(one, "public") + outcomes(one, "hidden"), (file, one)
        assert "not written" in outcomes(one, "public"), (file, one)


def test_mistakes_cost_in_their_own_file_only(workshop: Workshop) -> None:
    files = solution()
    files["scene_recog/dl_utils.py"] = b"raise SystemExit(3)\n"
    files["scene_recog/simple_net.py"] = b"def f(:\n"
    source = files["scene_recog/optimizer.py"].decode()
    files["scene_recog/optimizer.py"] = (source + "\nget_optimizer = lambda m, c: 3\n").encode()
    del files["scene_recog/stats_helper.py"]
    verdict = workshop.judge(Received(files=files))
    assert not_full(verdict) == ["simple_net", "dl_utils", "optimizer"]
    assert "stats_helper" not in verdict.files
    assert "SystemExit" in str(verdict.files["dl_utils"].problem)
    assert "line 1" in str(verdict.files["simple_net"].problem)
    words = " ".join(each.words for each in verdict.files["optimizer"].public)
    assert "torch.optim.Optimizer" in words


def test_weights_that_were_never_loaded_do_not_look_loaded(workshop: Workshop) -> None:
    source = solution()["scene_recog/dl_utils.py"].decode()
    assert source.count("model.load_state_dict(state_dict)") == 1
    source = source.replace("model.load_state_dict(state_dict)", "pass")
    verdict = workshop.judge(Received(files={"scene_recog/dl_utils.py": source.encode()}))
    one = verdict.files["dl_utils"]
    for tests in (one.public, one.hidden):
        failed = {each.name.partition("[")[0] for each in tests if each.outcome != "passed"}
        assert failed == {"test_saved_weights_come_back"}


@pytest.fixture(scope="module")
def of_lecture(workshop: Workshop) -> Iterator[Workshop]:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "workshop"
        work.mkdir()
        Path(folder).chmod(0o755)
        prepare(work, variant=2026, seed=3, lecture=True)
        for name in ("images.npy", "labels.npy"):
            (work / name).write_bytes((workshop.folder / name).read_bytes())
        yield Workshop(work, is_alone=workshop.is_alone)


def solved_lecture() -> dict[str, bytes]:
    return {name: (REPOSITORY / name).read_bytes() for name in LECTURE_FILES.values()}


def test_the_lectures_solution_passes_all(of_lecture: Workshop) -> None:
    verdict = of_lecture.judge(Received(files=solved_lecture()))
    assert list(verdict.files) == list(LECTURE_FILES)
    assert not_full(verdict) == []
    for file, one in verdict.files.items():
        assert not one.signs, (file, one.signs)
        assert not one.is_tampered
        assert len(one.public) == len(one.hidden)


def test_a_wrong_layer_costs_nothing_in_the_network(of_lecture: Workshop) -> None:
    files = solved_lecture()
    layers = files["scene_recog/lecture/layers.py"].decode()
    layers += (
        "\n\ndef relu(x):\n    x *= x > 0\n    return x\n"  # changes its argument
        "\n\ndef convolve(*args, **kwargs):\n    raise NotImplementedError('write convolve')\n"
    )
    files["scene_recog/lecture/layers.py"] = layers.encode()
    verdict = of_lecture.judge(Received(files=files))
    assert not_full(verdict) == ["lecture/layers"]
    words = {each.name: each.words for each in verdict.files["lecture/layers"].public}
    assert "relu changes its argument x" in words["test_forward[relu-rows]"]
    assert "not written" in outcomes(verdict.files["lecture/layers"], "hidden")


HANGING = """
    import os, time
    def get_optimizer(model, config):
        if config["weight_decay"] == 0.0:
            {what}
        import torch
        return torch.optim.SGD(model.parameters(), lr=config["lr"], momentum=0.9,
                               weight_decay=config["weight_decay"])
"""


def test_code_that_ends_its_process_loses_that_test_only(workshop: Workshop) -> None:
    source = dedent(HANGING.format(what="os._exit(0)")).encode()
    verdict = workshop.judge(Received(files={"scene_recog/optimizer.py": source}))
    one = verdict.files["optimizer"]
    failed = [each.name for each in one.public if each.outcome != "passed"]
    assert failed == ["test_weight_decay_is_the_config_s[0.0]"]
    assert "the process ended" in next(e.words for e in one.public if e.outcome == "failed")
    assert any("in the middle of a test" in sign for sign in one.signs)


def test_answers_that_are_right_for_wrong_code_are_tampering(workshop: Workshop) -> None:
    source = dedent(
        """
        import __main__, torch
        def get_optimizer(model, config):
            return torch.optim.SGD(model.parameters(), lr=config["lr"],
                                   weight_decay=config["weight_decay"])
        kept = get_optimizer
        session = __main__.Session
        session._target = lambda self, target: kept if isinstance(target, str) else (
            self.objects[target])
        """
    ).encode()
    verdict = workshop.judge(Received(files={"scene_recog/optimizer.py": source}))
    one = verdict.files["optimizer"]
    assert one.is_tampered
    assert any("known to be wrong" in sign for sign in one.signs)


def test_weights_are_tried_on_the_images(workshop: Workshop, tmp_path: Path) -> None:
    from scene_recog.simple_net import SimpleNet

    torch.manual_seed(0)
    net = SimpleNet()
    with torch.no_grad():  # class 1 for everything: one of two images
        for parameter in net.parameters():
            parameter.zero_()
        list(net.parameters())[-1][1] = 1.0
    path = tmp_path / "weights.pt"
    torch.save({"class_name": "SimpleNet", "state_dict": net.state_dict()}, path)
    files = {
        "scene_recog/simple_net.py": solution()["scene_recog/simple_net.py"],
        "scene_recog/simple_net_final.py": solution()["scene_recog/simple_net_final.py"],
        "model_checkpoints/trained_SimpleNet_final.pt": path.read_bytes(),
        "model_checkpoints/trained_SimpleNetFinal_final.pt": path.read_bytes(),
    }
    trained = workshop.judge(Received(files=files)).trained
    assert trained["SimpleNet"].accuracy == 0.5  # coast is class 1
    assert trained["SimpleNet"].parameters == sum(p.numel() for p in net.parameters())
    assert "does not fit simple_net_final.py" in str(trained["SimpleNetFinal"].problem)


@pytest.mark.parametrize(
    "name", ["right/loops", "right/torch_first", "right/assistant", "right/library_user"]
)
def test_right_work_of_others_passes_all(workshop: Workshop, name: str) -> None:
    folder = REPOSITORY / "teaching" / "submissions" / name
    files = {f"scene_recog/{path.name}": path.read_bytes() for path in folder.glob("*.py")}
    verdict = workshop.judge(Received(files=files))
    assert not_full(verdict) == []
    assert not [sign for one in verdict.files.values() for sign in one.signs]


def test_signs_of_tampering_are_named_with_their_lines() -> None:
    source = b"import gc\nimport torch\ntorch.allclose = lambda *a: True\nos._exit(0)\n"
    assert signs_in(source) == [
        "line 1: imports gc", "line 3: changes torch.allclose", "line 4: uses os._exit"
    ]  # fmt: skip


def test_right_work_has_no_signs() -> None:
    for path in (REPOSITORY / "teaching" / "submissions" / "right").glob("*/*.py"):
        assert signs_in(path.read_bytes()) == [], path
