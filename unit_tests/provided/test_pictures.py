"""What the pictures show: numbers, labels, order, and positions of evidence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image
from torch import nn

from scene_recog.data_transforms import (
    get_fundamental_augmentation_transforms,
    get_fundamental_normalization_transforms,
    get_fundamental_transforms,
)
from scene_recog.figure_2 import FIGURE_2, Figure2
from scene_recog.image_loader import ImageLoader
from scene_recog.runs.curves import comparison_figure, curves_figure
from scene_recog.runs.scoring import Evaluation
from scene_recog.simple_net import SimpleNet
from scene_recog.simple_net_final import SimpleNetFinal
from scene_recog.system.figures import SERIES
from scene_recog.visualize.activations import (
    draw_overlay,
    evidence_figure,
    feature_maps_figure,
    grad_cam,
    occlusion_sensitivity,
    stage_outputs,
)
from scene_recog.visualize.confusion import confusion_figure, top_confusions_figure
from scene_recog.visualize.figure_2 import network_figure
from scene_recog.visualize.filters import filters_figure, first_filters
from scene_recog.visualize.mistakes import (
    confident_mistakes_figure,
    highest_losses,
    highest_losses_figure,
    most_confident_mistakes,
)
from scene_recog.visualize.overview import overview_figure
from scene_recog.visualize.pixels import (
    augmentation_figure,
    class_examples_figure,
    normalization_figure,
)
from scene_recog.visualize.style import image_grid

NAMES = ["coast", "forest", "street"]


@pytest.fixture
def evaluation(tmp_path: Path) -> Evaluation:
    """Eight images, image i of grey level 20 * i; five are labelled wrongly."""
    rows = [
        (0, [0.9, 0.1, 0.0]),
        (0, [0.2, 0.8, 0.0]),
        (0, [0.3, 0.7, 0.0]),
        (0, [0.05, 0.95, 0.0]),
        (1, [0.1, 0.9, 0.0]),
        (1, [0.0, 0.4, 0.6]),
        (2, [1.0, 0.0, 0.0]),
        (2, [0.0, 0.1, 0.9]),
    ]
    paths = []
    for index in range(len(rows)):
        paths.append(str(tmp_path / f"photo_{index}.png"))
        Image.new("L", (30, 20), 20 * index).save(paths[-1])
    targets = np.array([target for target, _ in rows])
    return Evaluation(paths, targets, np.array([p for _, p in rows], dtype=np.float32))


def drawn(figure: Figure) -> Figure:
    """The figure after drawing, during which a bad layout would warn."""
    figure.canvas.draw()
    return figure


def titles(figure: Figure) -> list[str]:
    """Captions of the axes that show an image, in order."""
    return [axes.get_title() for axes in figure.axes if axes.images]


def grey_levels(figure: Figure) -> list[int]:
    """The grey level of each uniform image shown, in order."""
    return [
        int(np.asarray(axes.images[0].get_array())[0, 0]) for axes in figure.axes if axes.images
    ]


def cells(axes: Axes) -> dict[tuple[int, int], str]:
    """Texts of a matrix: (row, column) -> text."""
    return {
        (round(t.get_position()[1]), round(t.get_position()[0])): t.get_text() for t in axes.texts
    }


def labels(figure: Figure) -> list[str]:
    """Row labels."""
    return [text.get_text() for axes in figure.axes for text in axes.texts]


# ---------------------------------------------------------------- confusion and mistakes


def test_confusion_matrix_shows_counts_or_percent(evaluation: Evaluation) -> None:
    figure = drawn(confusion_figure(evaluation, NAMES, "run, test", normalize=False))
    assert figure.get_suptitle() == "run, test"
    axes = figure.axes[0]
    counts = {(0, 0): "1", (0, 1): "3", (1, 1): "1", (1, 2): "1", (2, 0): "1", (2, 2): "1"}
    assert cells(axes) == counts
    assert [label.get_text() for label in axes.get_yticklabels()] == NAMES
    assert [label.get_text() for label in axes.get_xticklabels()] == NAMES
    assert axes.get_ylabel() == "target class"
    assert axes.get_xlabel() == "predicted class (images)"
    shares = cells(confusion_figure(evaluation, NAMES, "").axes[0])
    assert shares == {**counts, (0, 0): "25", (0, 1): "75"} | dict.fromkeys(
        [(1, 1), (1, 2), (2, 0), (2, 2)], "50"
    )


def test_text_in_the_matrix_stands_out(evaluation: Evaluation) -> None:
    axes = confusion_figure(evaluation, NAMES, "").axes[0]
    image = axes.images[0]
    for text in axes.texts:
        column, row = (round(value) for value in text.get_position())
        cell = image.to_rgba(image.get_array())[row, column, :3] @ [0.299, 0.587, 0.114]
        ink = np.dot(to_rgb(text.get_color()), [0.299, 0.587, 0.114])
        assert abs(cell - ink) > 0.4


def test_top_confusions_come_with_their_images(evaluation: Evaluation) -> None:
    figure = drawn(top_confusions_figure(evaluation, NAMES, "t", pairs=2, images=4))
    assert labels(figure)[0].split("\n") == ["coast", "taken for", "forest", "3 times"]
    assert grey_levels(figure)[:3] == [60, 20, 40]
    assert titles(figure)[0] == "photo_3.png, 95%"
    assert len(titles(figure)) == 4  # three of the first pair, one of the second
    assert len(labels(figure)) == 2


def test_without_mistakes_the_figure_says_so(evaluation: Evaluation) -> None:
    perfect = Evaluation(evaluation.paths[:1], evaluation.targets[:1], evaluation.probabilities[:1])
    figure = drawn(top_confusions_figure(perfect, NAMES, "t"))
    assert figure.texts[-1].get_text() == "every image is labelled correctly"
    assert drawn(confident_mistakes_figure(perfect, NAMES, "t")).texts[-1].get_text() == "none"


def test_most_confident_mistakes_first(evaluation: Evaluation) -> None:
    assert most_confident_mistakes(evaluation).tolist() == [6, 3, 1, 2, 5]
    figure = drawn(confident_mistakes_figure(evaluation, NAMES, "t", count=3))
    assert grey_levels(figure) == [120, 60, 20]
    assert titles(figure)[1] == "is coast\ntaken for forest\np = 0.950"


def test_highest_losses_first(evaluation: Evaluation) -> None:
    order, losses = highest_losses(evaluation, 4)
    assert order.tolist() == [6, 3, 1, 2]
    assert losses[1:] == pytest.approx(-np.log([0.05, 0.2, 0.3]), rel=1e-5)
    assert 80 < losses[0] < np.inf
    assert titles(drawn(highest_losses_figure(evaluation, NAMES, "t")))[1].startswith("loss 3.00")


def test_names_are_never_formulas(tmp_path: Path) -> None:
    figure = drawn(image_grid([np.zeros((4, 4))], [r"$\frac{1}$ a_b"], "run $x^$ <b>"))
    assert titles(figure) == [r"\$\frac{1}\$ a_b"]
    figure.savefig(tmp_path / "a.png")  # a formula that does not parse would raise


# ---------------------------------------------------------------- curves


def history(accuracies: list[float]) -> list[dict[str, float]]:
    return [
        {
            "epoch": float(epoch + 1),
            "train_loss": 2.0 - accuracy,
            "train_accuracy": accuracy + 0.1,
            "validation_loss": 2.5 - accuracy,
            "validation_accuracy": accuracy,
        }
        for epoch, accuracy in enumerate(accuracies)
    ]


def test_curves_mark_the_best_epoch() -> None:
    losses, accuracies = ([2, 1, 0.5], [2, 1.5, 1.7]), ([0.2, 0.4, 0.6], [0.2, 0.5, 0.4])
    figure = drawn(curves_figure(losses, accuracies, "run on sketches", "validation"))
    assert figure.get_suptitle() == "run on sketches"
    for axes, series in zip(figure.axes, (losses, accuracies), strict=True):
        shown = {line.get_label(): list(line.get_ydata()) for line in axes.lines}
        assert shown["train"] == series[0]
        assert shown["validation"] == series[1]
        best = next(line for line in axes.lines if line.get_label() == "best epoch")
        assert list(best.get_xdata()) == [2, 2]
    assert "50.0%" in [text.get_text() for text in figure.axes[1].texts]


def test_of_epochs_with_equal_accuracy_the_least_loss_is_marked() -> None:
    losses, accuracies = ([2, 1, 0.5], [2, 1.5, 1.7]), ([0.2, 0.4, 0.6], [0.5, 0.5, 0.5])
    figure = drawn(curves_figure(losses, accuracies, "run on sketches", "validation"))
    best = next(line for line in figure.axes[1].lines if line.get_label() == "best epoch")
    assert list(best.get_xdata()) == [2, 2]
    runs = {"a": history([0.3, 0.6, 0.6])}
    runs["a"][1]["validation_loss"], runs["a"][2]["validation_loss"] = 1.2, 1.1
    legend = drawn(comparison_figure(runs, "a run", "validation")).axes[1].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["a: best 60.0% in epoch 3"]


def test_the_overview_shows_curves_and_one_image_of_each_class(evaluation: Evaluation) -> None:
    losses, accuracies = ([2.0, 1.0], [2.0, 1.5]), ([0.2, 0.4], [0.2, 0.5])
    figure = drawn(overview_figure((losses, accuracies), evaluation, NAMES, "a run", "validation"))
    loss, accuracy, *images = figure.axes
    assert [list(line.get_ydata()) for line in loss.lines] == [[2.0, 1.0], [2.0, 1.5]]
    assert "50.0%" in [text.get_text() for text in accuracy.texts]
    for axes, target in zip(images, np.unique(evaluation.targets), strict=True):
        first = int(np.flatnonzero(evaluation.targets == target)[0])
        answer = evaluation.predictions[first]
        caption = axes.get_title()
        assert caption.startswith(f"{NAMES[answer]}, {evaluation.probabilities[first].max():.0%}")
        assert ("it is" in caption) == (answer != target)
        assert axes.images[0].get_array().shape == Image.open(evaluation.paths[first]).size[::-1]


def test_several_runs_in_one_figure() -> None:
    runs = {"a": history([0.3, 0.6, 0.5]), "b": history([0.4]), "stopped at once": []}
    figure = drawn(comparison_figure(runs, "three runs", "validation"))
    accuracy = figure.axes[1]
    texts = [text.get_text() for text in accuracy.get_legend().get_texts()]
    assert texts == [
        "a: best 60.0% in epoch 2",
        "b: best 40.0% in epoch 1",
        "stopped at once: no epoch is finished",
    ]
    circles = [line for line in accuracy.lines if line.get_marker() == "o"]
    assert [(list(c.get_xdata()), list(c.get_ydata())) for c in circles] == [
        ([2.0], [0.6]),
        ([1.0], [0.4]),
    ]
    thick = [
        line for line in accuracy.lines if line.get_linewidth() > 1.5 and line.get_marker() != "o"
    ]
    assert [list(line.get_ydata()) for line in thick] == [[0.3, 0.6, 0.5], [0.4], []]


def test_lines_differ_without_colour() -> None:
    assert len({str(look["linestyle"]) for look in SERIES}) == len(SERIES)
    assert len({look["color"] for look in SERIES}) == len(SERIES)


# ---------------------------------------------------------------- inside the network


class Spots(nn.Module):
    """Two maps: one keeps what is bright, one what is dark; a class for each, by its mean."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 1)
        self.relu = nn.ReLU()
        self.pool = nn.AvgPool2d(4)
        with torch.no_grad():
            self.conv.weight.copy_(torch.tensor([1.0, -1.0]).reshape(2, 1, 1, 1))
            self.conv.bias.zero_()
        for parameter in self.parameters():
            parameter.requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 20 * self.pool(self.relu(self.conv(x))).mean(dim=(2, 3))


def spots() -> torch.Tensor:
    """A bright spot at the top left, a dark one at the bottom right, grey elsewhere (0)."""
    image = torch.zeros(1, 32, 32)
    image[0, 4:12, 4:12] = 1
    image[0, 20:28, 20:28] = -1
    return image


@pytest.mark.parametrize(("class_index", "corner"), [(0, (0, 0)), (1, (16, 16))])
def test_evidence_is_where_it_is(class_index: int, corner: tuple[int, int]) -> None:
    top, left = corner
    images = torch.stack([spots(), spots()])
    cam = grad_cam(Spots().eval(), images, torch.tensor([class_index] * 2))
    hidden = occlusion_sensitivity(Spots().eval(), spots(), class_index, patch=8, stride=4)
    for evidence in (cam[0], cam[1], hidden):
        assert evidence.shape == (32, 32)
        assert float(evidence.max()) == pytest.approx(1)
        assert float(evidence.min()) == 0
        inside = evidence[top : top + 16, left : left + 16].sum() / evidence.sum()
        assert float(inside) > 0.85


def test_evidence_leaves_the_model_as_it_was() -> None:
    model = SimpleNetFinal().eval()
    with torch.inference_mode():
        image = torch.rand(1, 1, 64, 64)
    grad_cam(model, image, torch.tensor([3]))
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not any(module._forward_hooks for module in model.modules())


def test_a_blank_image_has_no_evidence() -> None:
    blank = torch.zeros(1, 32, 32)
    assert float(grad_cam(Spots().eval(), blank[None], torch.tensor([0])).abs().sum()) == 0
    assert float(occlusion_sensitivity(Spots().eval(), blank, 0).abs().sum()) == 0
    with pytest.raises(ValueError, match="patch 33"):
        occlusion_sensitivity(Spots().eval(), blank, 0, patch=33)
    with pytest.raises(ValueError, match="no feature maps"):
        grad_cam(nn.Sequential(nn.Flatten(), nn.Linear(1024, 2)), blank[None], torch.tensor([0]))


def test_stages_hand_on_what_is_last_at_their_size() -> None:
    net = nn.Sequential(
        nn.Conv2d(1, 3, 5), nn.MaxPool2d(3), nn.ReLU(),
        nn.Conv2d(3, 4, 5), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(3),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 15),
    ).eval()  # fmt: skip
    x = torch.rand(2, 1, 64, 64)
    logits, stages = stage_outputs(net, x)
    assert torch.equal(logits, net(x))
    assert {name: tuple(maps.shape[1:]) for name, maps in stages.items()} == {
        "0": (3, 60, 60), "2": (3, 20, 20), "5": (4, 16, 16), "6": (4, 5, 5),
    }  # fmt: skip
    assert torch.equal(stages["5"], net[:6](x))


@pytest.mark.parametrize("net", [SimpleNet, SimpleNetFinal])
def test_both_nets_have_stages(net: type[nn.Module]) -> None:
    model, x = net().eval(), torch.rand(2, 1, 64, 64)
    logits, stages = stage_outputs(model, x)
    assert torch.equal(logits, model(x))
    sides = [maps.shape[-1] for maps in stages.values()]
    assert sides == sorted(sides, reverse=True)
    assert len(sides) >= 2


def test_a_residual_block_hands_on_its_sum() -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 3, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.conv(x)

    model = nn.Sequential(Block(), Block())
    x = torch.rand(1, 1, 8, 8)
    _, stages = stage_outputs(model, x)
    assert list(stages) == ["1"]
    assert torch.equal(stages["1"], model(x))


def test_feature_maps_most_active_first() -> None:
    model = Spots()
    figure = drawn(feature_maps_figure(model, spots() - 0.2, "one image", maps=3))
    assert titles(figure) == ["image", "map 1", "map 0", "map 1", "map 0"]
    assert labels(figure) == ["relu\n2 maps\n32x32", "pool\n2 maps\n8x8"]
    shown = np.asarray(figure.axes[1].images[0].get_array())
    assert np.allclose(shown, (0.2 - spots()[0].numpy()).clip(0))


def test_evidence_figure_has_three_rows() -> None:
    images = torch.stack([spots(), spots()])
    figure = drawn(evidence_figure(Spots(), images, torch.tensor([0, 1]), ["a", "b"], "t"))
    assert labels(figure) == ["image", "Grad-CAM", "occlusion"]
    assert titles(figure)[:2] == ["a", "b"]
    opacity = np.asarray(figure.axes[2].images[1].get_array())[..., 3]
    assert opacity[8, 8] > 0.5 > 0.1 > opacity[24, 24]


def test_overlay_has_an_outline_for_grey_prints() -> None:
    axes = drawn(Figure(layout="constrained")).subplots()
    evidence = torch.zeros(8, 8)
    evidence[2:5, 2:5] = 1
    draw_overlay(axes, torch.rand(1, 8, 8), evidence)
    paths = [path for collection in axes.collections for path in collection.get_paths()]
    assert paths
    assert all(1 <= v <= 5 for path in paths for v in path.vertices.ravel())


def test_filters_before_and_after() -> None:
    before, after = SimpleNet(), SimpleNet()
    conv = next(layer for layer in after.modules() if isinstance(layer, nn.Conv2d))
    with torch.no_grad():
        conv.weight.mul_(3)
    old, new = first_filters(before), first_filters(after)
    assert torch.equal(new, conv.weight[:, 0])
    figure = drawn(filters_figure(new, "t", old))
    halves = figure.subfigs
    assert [half.get_suptitle().split(":")[0] for half in halves] == [
        "before training",
        "after training",
    ]
    for half, filters in zip(halves, (old, new), strict=True):
        assert half.get_suptitle().endswith(f"largest weight {float(filters.abs().max()):.2f}")
        assert len(half.axes) == FIGURE_2.maps_1
        for axes, weights in zip(half.axes, filters, strict=True):
            assert np.array_equal(np.asarray(axes.images[0].get_array()), weights.numpy())
            largest = float(weights.abs().max())
            assert axes.images[0].get_clim() == pytest.approx((-largest, largest))
    assert len(drawn(filters_figure(new, "t")).subfigs) == 1
    with pytest.raises(ValueError, match="Linear has no convolution"):
        first_filters(nn.Linear(2, 2))


# ---------------------------------------------------------------- figure 2

SIZES = Figure2(maps_1=14, filter_1=7, pool_1=2, maps_2=16, filter_2=3, pool_2=4, hidden=80)


def test_figure_2_shows_every_step_and_what_it_gives() -> None:
    axes = drawn(network_figure(SIZES)).axes[0]
    texts = [text.get_text().replace("\n", " ") for text in axes.texts if text.get_text()]
    assert texts[::2] == [
        "image 64x64", "14 maps 58x58", "14 maps 29x29", "16 maps 27x27", "16 maps 6x6",
        "576 values", "80 values", "15 scores",
    ]  # fmt: skip
    assert texts[1::2] == [
        "convolution 7x7", "max-pool 2x2, ReLU", "convolution 3x3", "max-pool 4x4, ReLU",
        "flatten", "linear, ReLU", "linear",
    ]  # fmt: skip
    assert len(axes.patches) == 1 + 14 + 14 + 16 + 16 + 3


@pytest.mark.parametrize("sizes", [FIGURE_2, SIZES])
def test_nothing_in_figure_2_covers_anything_else(sizes: Figure2) -> None:
    figure = drawn(network_figure(sizes))
    axes = figure.axes[0]
    boxes = [text.get_window_extent() for text in axes.texts if text.get_text()]
    blocks = [patch.get_window_extent() for patch in axes.patches]
    for place, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in [*boxes[:place], *blocks])


# ---------------------------------------------------------------- pixels


def test_an_example_of_each_class(sketches: Path) -> None:
    dataset = ImageLoader(sketches, "train", get_fundamental_transforms((16, 16)))
    figure = drawn(class_examples_figure(dataset, "t"))
    expected = [f"{label}: {name}, 6" for name, label in dataset.class_dict.items()]
    assert titles(figure) == expected
    for axes, label in zip(figure.axes, range(15), strict=True):
        shown = np.asarray(axes.images[0].get_array())
        mine = [image[0].numpy() for image, index in dataset if index == label]
        assert any(np.array_equal(shown, image) for image in mine)


def test_augmentation_shows_different_draws_on_one_scale() -> None:
    torch.manual_seed(0)
    image = Image.fromarray(np.tile(np.arange(64, dtype=np.uint8) * 2 + 60, (64, 1)))
    figure = drawn(
        augmentation_figure(image, get_fundamental_augmentation_transforms((64, 64)), "t")
    )
    shown = [np.asarray(axes.images[0].get_array()) for axes in figure.axes]
    assert len(shown) == 16
    assert len({float(pixels.mean()) for pixels in shown}) > 10
    assert {bool(pixels[0, 0] < pixels[0, -1]) for pixels in shown} == {True, False}
    assert len({axes.images[0].get_clim() for axes in figure.axes}) == 1


def test_normalization_shows_mean_and_deviation(sketches: Path) -> None:
    plain = ImageLoader(sketches, "train", get_fundamental_transforms((16, 16)))
    pixels = torch.stack([image for image, _ in plain])
    mean, std = float(pixels.mean()), float(pixels.std())
    normalize = get_fundamental_normalization_transforms((16, 16), [mean], [std])
    normalized = ImageLoader(sketches, "train", normalize)
    before, after = drawn(normalization_figure(plain, normalized, "t")).axes
    assert before.get_title() == f"before: mean {mean:.3f}, standard deviation {std:.3f}"
    assert after.get_title().replace("-", "") == "after: mean 0.000, standard deviation 1.000"
    heights = [patch.get_height() * patch.get_width() for patch in after.patches]
    assert sum(heights) == pytest.approx(1)
    few = normalization_figure(plain, normalized, "t", images=5).axes[0].get_title()
    assert few != before.get_title()
