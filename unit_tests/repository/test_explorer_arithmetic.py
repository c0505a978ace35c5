"""The explorer's JavaScript computes what PyTorch, Pillow and torchvision do (run by Node.js)."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torchvision import transforms
from torchvision.transforms import v2

from scene_recog.loading.transform_spec import build_transforms, describe_transforms
from scene_recog.models.scene_net import SceneNet, ScenePyramidNet, TinySceneNet
from scene_recog.simple_net import SimpleNet
from scene_recog.simple_net_final import SimpleNetFinal
from scene_recog.visualize.activations import grad_cam, occlusion_sensitivity
from scene_recog.visualize.explorer import page
from scene_recog.visualize.explorer.network import describe_network

REPOSITORY = Path(__file__).parents[2]
RIGHT = REPOSITORY / "teaching" / "submissions" / "right"
SCRIPTS = REPOSITORY / "scene_recog" / "visualize" / "explorer"
NODE = shutil.which("node")

pytestmark = [
    pytest.mark.skipif(NODE is None, reason="Node.js is not installed"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # in students' files
    pytest.mark.filterwarnings("ignore:Using padding='same'"),
]

# Reads {name: argument} from stdin, and writes what `answer(argument)` gives.
DRIVER = """
const given = JSON.parse(require("fs").readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(answer(given), (_, value) =>
  ArrayBuffer.isView(value) ? Array.from(value) : value));
"""


def javascript(answer: str, given: Any) -> Any:
    """The value of the JavaScript function `answer` for `given`, with the explorer's scripts."""
    names = (*page.SHARED, page.WORKER[0])
    scripts = "\n".join((SCRIPTS / name).read_text(encoding="utf-8") for name in names)
    program = f'"use strict";\n{scripts}\nconst answer = {answer};\n{DRIVER}'
    finished = subprocess.run(
        [str(NODE), "-e", program], input=json.dumps(given), capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


def described(model: nn.Module, shape: Sequence[int]) -> dict[str, Any]:
    steps, arrays = describe_network(model, shape)
    return {"steps": steps, "arrays": arrays}


def settled(model: nn.Module) -> nn.Module:
    """With batch norms that have seen something, and parameters that differ from 0 and 1."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) and module.running_mean is not None:
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
            if module.affine:
                nn.init.normal_(module.weight)
                nn.init.normal_(module.bias)
    return model.eval()


class Functions(nn.Module):
    """A forward that is written with functions, sizes, a shortcut, and numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 6, 3, padding=1)
        self.second = nn.Conv2d(6, 6, 3, padding=1)
        self.last = nn.Linear(6 * 16, 15)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = (x * 2 - 0.5) / 1.5
        x = F.max_pool2d(F.relu(self.first(x)), kernel_size=2)
        x = torch.tanh(x + self.second(x))
        x = F.dropout(x, 0.5, training=self.training)
        x = torch.cat([x[:, 4:], x[:, :4, ...]], dim=1)
        x = F.adaptive_avg_pool2d(x, (4, 4))
        return self.last(x.view(x.size(0), -1))


LAYERS: dict[str, Callable[[], nn.Module]] = {
    "convolution": lambda: nn.Conv2d(2, 4, 3),
    "convolution, everything": lambda: nn.Conv2d(
        2, 4, (3, 2), stride=(2, 1), padding=(2, 1), dilation=(1, 2), groups=2, bias=False
    ),
    "convolution, same": lambda: nn.Conv2d(2, 3, (4, 3), padding="same"),
    "batch norm": lambda: nn.BatchNorm2d(2),
    "batch norm, fixed": lambda: nn.BatchNorm2d(2, affine=False),
    "max pooling": lambda: nn.MaxPool2d(3),
    "max pooling, overlapping": lambda: nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True),
    "max pooling, dilated": lambda: nn.MaxPool2d(2, stride=1, dilation=2),
    "average pooling": lambda: nn.AvgPool2d(2),
    "average pooling, padded": lambda: nn.AvgPool2d(3, stride=2, padding=1, ceil_mode=True),
    "average pooling, not counting": lambda: nn.AvgPool2d(
        3, stride=2, padding=1, ceil_mode=True, count_include_pad=False
    ),
    "average pooling, divisor": lambda: nn.AvgPool2d(2, divisor_override=3),
    "l2 pooling": lambda: nn.LPPool2d(2, 3, stride=2, ceil_mode=True),
    "adaptive average": lambda: nn.AdaptiveAvgPool2d((3, 4)),
    "adaptive maximum": lambda: nn.AdaptiveMaxPool2d(3),
    "enlarged": lambda: nn.Upsample(scale_factor=2),
    "enlarged to a size": lambda: nn.Upsample(size=(13, 17)),
    "dropout": lambda: nn.Dropout(0.3),
    "dropout of maps": lambda: nn.Dropout2d(0.3),
    "PReLU": lambda: nn.PReLU(2),
    **{
        kind.__name__: kind
        for kind in (
            nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish,
            nn.Softplus, nn.Hardswish, nn.Tanh, nn.Sigmoid, nn.CELU, nn.Hardtanh, nn.Hardsigmoid,
            nn.Softsign,
        )
    },
    "threshold": lambda: nn.Threshold(0.1, -0.5),
    "GELU by tanh": lambda: nn.GELU(approximate="tanh"),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_layers_and_their_gradients_agree_with_torch(name: str) -> None:
    torch.manual_seed(0)
    layer = settled(LAYERS[name]())
    image = torch.randn(1, 2, 10, 9)
    flat = int(np.prod(layer(image).shape))
    model = nn.Sequential(layer, nn.Flatten(), nn.Linear(flat, 4))
    image.requires_grad_()
    scores = model(image)
    (expected,) = torch.autograd.grad(scores[0, 1] - 2 * scores[0, 3], image)
    found = javascript(
        """({steps, arrays, image}) => {
          const network = makeNetwork(steps, arrays);
          const outputs = forward(network, Float32Array.from(image));
          const gradients = backward(network, outputs, Float32Array.from([0, 1, 0, -2]));
          return {scores: outputs.at(-1), gradient: gradients[0]};
        }""",
        described(model, (2, 10, 9)) | {"image": image.flatten().tolist()},
    )
    assert np.allclose(found["scores"], scores[0].detach(), atol=1e-5)
    assert np.allclose(found["gradient"], expected.flatten(), atol=2e-3 if "ELU" in name else 1e-3)


NETS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "SimpleNet": (SimpleNet, 64),
    "SimpleNetFinal": (SimpleNetFinal, 64),
    "SceneNet": (lambda: SceneNet(8), 64),
    "ScenePyramidNet": (lambda: ScenePyramidNet(8), 64),
    "TinySceneNet": (lambda: TinySceneNet(6), 64),
    "functions": (Functions, 32),
}


@pytest.mark.parametrize("name", NETS)
def test_networks_agree_with_torch(name: str) -> None:
    torch.manual_seed(1)
    make, side = NETS[name]
    model = settled(make())
    images = torch.randn(20, 1, side, side)
    found = scores_of(model, images)
    with torch.no_grad():
        assert np.abs(found - model(images).numpy()).max() < 1e-4


def scores_of(model: nn.Module, images: torch.Tensor) -> np.ndarray:
    found = javascript(
        """({steps, arrays, images}) => {
          const network = makeNetwork(steps, arrays);
          return images.map((image) => scoresOf(network, Float32Array.from(image)));
        }""",
        described(model, tuple(images.shape[1:])) | {"images": images.flatten(1).tolist()},
    )
    return np.array(found)


@pytest.mark.parametrize("file", ["simple_net", "simple_net_final"])
def test_students_own_networks_agree_with_torch(file: str) -> None:
    class_name = {"simple_net": "SimpleNet", "simple_net_final": "SimpleNetFinal"}[file]
    paths = sorted(RIGHT.glob(f"*/{file}.py"))
    assert len(paths) >= 8
    images = torch.randn(3, 1, 64, 64)
    for path in paths:
        specification = importlib.util.spec_from_file_location(
            f"scene_recog.{path.parent.name}_{file}", path
        )
        assert specification
        assert specification.loader
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        torch.manual_seed(2)
        model = settled(getattr(module, class_name)())
        with torch.no_grad():
            expected = model(images).numpy()
        assert np.abs(scores_of(model, images) - expected).max() < 1e-4, path.parent.name


@pytest.mark.parametrize("name", ["SimpleNet", "SceneNet", "functions"])
def test_what_is_added_up_gives_each_value(name: str) -> None:
    torch.manual_seed(0)
    make, side = NETS[name]
    image = torch.randn(1, side, side)
    worst = javascript(
        """({steps, arrays, image}) => {
          const network = makeNetwork(steps, arrays);
          const outputs = forward(network, Float32Array.from(image));
          let worst = 0;
          for (let number = 1; number < network.length; number++) {
            for (let n = 0; n < 12; n++) {
              const index = Math.floor((n * outputs[number].length) / 12);
              const {terms, constant} = explain(network, outputs, number, index);
              const sum = terms.reduce((total, {product}) => total + product, constant);
              worst = Math.max(worst, Math.abs(sum - outputs[number][index]));
              for (const {input, index: at, value} of terms) {
                if (outputs[input][at] !== value) throw new Error("another value");
              }
            }
          }
          return worst;
        }""",
        described(settled(make()), image.shape) | {"image": image.flatten().tolist()},
    )
    assert worst < 1e-4


def test_a_value_sees_the_pixels_that_change_it() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.AvgPool2d(2), nn.Conv2d(2, 3, 3, stride=2), nn.Tanh(),
        nn.Flatten(), nn.Linear(3 * 4 * 4, 5),
    )  # fmt: skip
    image = torch.randn(1, 1, 20, 20, requires_grad=True)
    maps = model[:4](image)
    index = 1 * maps.shape[2] * maps.shape[3] + 2 * maps.shape[3] + 1
    (gradient,) = torch.autograd.grad(maps.flatten()[index], image)
    rows, columns = torch.nonzero(gradient[0, 0], as_tuple=True)
    found = javascript(
        "({steps, arrays, index}) => receptiveFields(makeNetwork(steps, arrays), 4, index)[0]",
        described(model, (1, 20, 20)) | {"index": index},
    )
    expected = [rows.min(), rows.max(), columns.min(), columns.max()]
    assert [found[key] for key in ("top", "bottom", "left", "right")] == expected


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize(
    ("size", "to"),
    [((300, 220), (64, 64)), ((257, 181), (64, 64)), ((64, 64), (64, 64)), ((40, 31), (64, 80)),
     ((1, 1), (64, 64)), ((500, 3), (16, 16)), ((64, 300), (64, 64)), ((97, 180), (64, 64)),
     ((100, 136), (64, 64)), ((100, 137), (64, 64)), ((40, 50), (64, 64))],
)  # fmt: skip
def test_resizing_is_pillows(size: tuple[int, int], to: tuple[int, int], mode: str) -> None:
    levels = np.random.default_rng(0).integers(0, 256, size[::-1], dtype=np.uint8)
    filter_ = Image.Resampling.BILINEAR if mode == "bilinear" else Image.Resampling.BICUBIC
    expected = np.asarray(Image.fromarray(levels).resize(to, filter_))
    found = javascript(
        """({width, height, data, to, mode, first}) =>
          resized({width, height, data: Uint8Array.from(data)}, to[0], to[1], mode, first)""",
        {"width": size[0], "height": size[1], "data": levels.flatten().tolist(),
         "to": to, "mode": mode, "first": page._columns_first()},
    )  # fmt: skip
    assert found["data"] == expected.flatten().tolist()


PIPELINES = {
    "as in the handout": [transforms.Resize((64, 64)), transforms.ToTensor()],
    "normalized": [
        transforms.Resize((64, 64)), transforms.ToTensor(), transforms.Normalize([0.46], [0.25])
    ],
    "cropped": [transforms.Resize(70), transforms.CenterCrop(64), transforms.ToTensor()],
    "cropped beyond the edge": [
        transforms.Resize([40]), transforms.CenterCrop((61, 70)), transforms.ToTensor()
    ],
    "second version": [
        v2.Resize((64, 64)), v2.ToImage(), v2.ToDtype(torch.float32, scale=True),
        v2.Normalize([0.46], [0.25]),
    ],
    "second version, resizing a tensor": [
        v2.ToImage(), v2.Resize((64, 64)), v2.ToDtype(torch.float32, scale=True)
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", PIPELINES)
@pytest.mark.parametrize("size", [(301, 220), (97, 180)])
def test_transforms_are_torchvisions(name: str, size: tuple[int, int]) -> None:
    steps = describe_transforms(transforms.Compose(PIPELINES[name]))
    assert steps
    levels = np.random.default_rng(0).integers(0, 256, size[::-1], dtype=np.uint8)
    expected = build_transforms(steps)(Image.fromarray(levels))
    found = javascript(
        """({width, height, data, steps}) => {
          const small = shrunk({width, height, data: Uint8Array.from(data)}, steps);
          return {...small, data: normalized(small, steps)};
        }""",
        {
            "width": size[0],
            "height": size[1],
            "data": levels.flatten().tolist(),
            "steps": [
                {**step, "columns_first": page._columns_first()}
                for step in page._in_first_version(steps)
            ],
        },
    )
    assert [found["height"], found["width"]] == list(expected.shape[1:])
    most = 1.001 / 255 if "a tensor" in name else 1e-6
    assert np.abs(np.array(found["data"]) - expected.flatten().numpy()).max() < most


def test_colours_become_grey_as_in_pillow() -> None:
    colours = np.random.default_rng(0).integers(0, 256, (20, 30, 4), dtype=np.uint8)
    expected = np.asarray(Image.fromarray(colours[..., :3]).convert("L"))
    found = javascript("greyOf", {"width": 30, "height": 20, "data": colours.flatten().tolist()})
    assert found["data"] == expected.flatten().tolist()


@pytest.mark.parametrize("name", ["SimpleNet", "SimpleNetFinal"])
def test_evidence_is_that_of_the_report(name: str) -> None:
    torch.manual_seed(0)
    make, side = NETS[name]
    model = settled(make())
    image = torch.randn(1, side, side)
    maps = {label: grad_cam(model, image[None], torch.tensor([label]))[0] for label in range(15)}
    label, expected = next((label, cam) for label, cam in maps.items() if cam.max() > 0)
    found = javascript(
        """({steps, arrays, image, label}) => {
          const network = makeNetwork(steps, arrays);
          const input = Float32Array.from(image);
          const search = occlusion(network, input, label);
          let step;
          do step = search.next(); while (!step.done);
          return {cam: gradCam(network, input, label), hidden: step.value};
        }""",
        described(model, image.shape) | {"image": image.flatten().tolist(), "label": label},
    )
    cam = torch.tensor(found["cam"]["data"], dtype=torch.float32).view(found["cam"]["height"], -1)
    large = F.interpolate(cam[None, None], (side, side), mode="bilinear", align_corners=False)
    assert torch.allclose(large[0, 0] / large.max(), expected, atol=1e-3)
    hidden = occlusion_sensitivity(model, image, label, patch=max(4, side // 5))
    assert np.allclose(found["hidden"]["data"], hidden.flatten(), atol=1e-2)


def test_smallest_changes_do_change_the_answer_and_smaller_ones_do_not() -> None:
    torch.manual_seed(0)
    model = settled(SimpleNet())
    levels = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    steps = describe_transforms(transforms.Compose(PIPELINES["as in the handout"]))
    found = javascript(
        """({steps, arrays, data, transforms}) => {
          const network = makeNetwork(steps, arrays);
          const picture = {width: 64, height: 64, data: Uint8Array.from(data)};
          const answer = (edits) => indexOfLargest(scoresOf(network,
            normalized(shrunk(edited(picture, edits), transforms), transforms)));
          const last = (search) => {
            let step;
            do step = search.next(); while (!step.done);
            return step.value;
          };
          const before = answer(UNTOUCHED);
          const results = {};
          for (const [name, candidates] of Object.entries({
            brightness: brighterOrDarker(UNTOUCHED), shift: shifts(UNTOUCHED, picture),
            cover: coveredSquares(UNTOUCHED, picture),
          })) {
            const result = last(smallest(network, transforms, picture, UNTOUCHED, candidates));
            if (result) {
              const now = answer({...UNTOUCHED, ...result.changes});
              results[name] = {promised: result.label, now, before};
            }
          }
          const wanted = (before + 1) % 15;
          const attack = last(adversarial(network, transforms, picture, wanted));
          const small = attack && {...attack.picture, data: attack.picture.data};
          results.adversarial = attack && {
            promised: attack.label, wanted, levels: attack.levels,
            now: indexOfLargest(scoresOf(network, normalized(small, transforms))), before,
            most: largestChange(small.data, picture.data),
          };
          return results;
        }""",
        described(model, (1, 64, 64)) | {"data": levels.flatten().tolist(), "transforms": steps},
    )
    assert {"shift", "adversarial"} <= set(found)
    for result in found.values():
        assert result["now"] == result["promised"] != result["before"]
    attack = found["adversarial"]
    assert attack["promised"] == attack["wanted"]
    assert 1 <= attack["levels"] == attack["most"] <= 60
