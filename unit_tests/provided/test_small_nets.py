"""The small networks of other tasks: denoiser, embedding, segmenter, detector."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from scene_recog.loading.annotated_sketches import draw_sketches
from scene_recog.models.denoiser import Denoiser
from scene_recog.models.detector import (
    OBJECT,
    STRIDE,
    WINDOW,
    Detector,
    cut_windows,
    detect,
    windows_around,
)
from scene_recog.models.embedding import ContrastiveLoss, EmbeddingNet
from scene_recog.models.segmenter import Segmenter


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def losses(
    net: nn.Module, loss_of_batch: Callable[[], torch.Tensor], steps: int = 15
) -> list[float]:
    """The loss of each step."""
    optimizer, seen = torch.optim.Adam(net.parameters(), 3e-3), []
    for _ in range(steps):
        loss = loss_of_batch()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.append(loss.item())
    return seen


def parameters(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def test_parameter_counts_of_the_docstrings() -> None:
    for net, text in (
        (Denoiser(), Denoiser.__doc__),
        (EmbeddingNet(), EmbeddingNet.__doc__),
        (Segmenter(13), Segmenter.__doc__),
        (Detector(2), Detector.__doc__),
    ):
        assert f"{parameters(net):,} parameters" in (text or "")


# Denoiser


@pytest.mark.parametrize("size", [(8, 8), (33, 20)])
def test_denoiser_starts_as_the_identity_at_any_size(size: tuple[int, int]) -> None:
    x = torch.rand(2, 1, *size)
    assert torch.equal(Denoiser()(x), x)


def test_denoiser_sees_thirteen_pixels() -> None:
    net = Denoiser()
    nn.init.ones_(net.conv_layers[-1].weight)
    x = torch.rand(1, 1, 31, 31, requires_grad=True)
    net(x)[0, 0, 15, 15].backward()
    rows, columns = x.grad[0, 0].nonzero().T  # type: ignore[index]
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (9, 21, 9, 21)


def test_denoiser_learns() -> None:
    clean = draw_sketches(8, 32).images
    noisy = clean + 0.1 * torch.randn_like(clean)
    net = Denoiser()
    seen = losses(net, lambda: net.loss_criterion(net(noisy), clean), steps=30)
    assert seen[0] == pytest.approx(0.01, rel=0.1)  # the noise itself
    assert seen[-1] < 0.8 * seen[0]


# Embedding


def test_contrastive_loss_by_hand() -> None:
    """Distances 0.5 (same), 0.25 and 2 (different); margin 1."""
    first = torch.zeros(3, 2)
    second = torch.tensor([[0.5, 0.0], [0.0, 0.25], [2.0, 0.0]])
    same = torch.tensor([True, False, False])
    expected = 0.5**2 + (0.75**2 + 0) / 2
    assert ContrastiveLoss()(first, second, same).item() == pytest.approx(expected)
    assert ContrastiveLoss(margin=3)(first, second, same).item() == pytest.approx(
        0.5**2 + (2.75**2 + 1) / 2
    )


def test_contrastive_loss_of_pairs_of_one_kind() -> None:
    first, second = torch.zeros(2, 2), torch.tensor([[0.5, 0.0], [0.5, 0.0]])
    for value, expected in ((True, 0.25), (False, 0.25)):
        loss = ContrastiveLoss()(first, second, torch.tensor([value, value]))
        assert loss.item() == pytest.approx(expected)


def test_contrastive_loss_of_equal_points_has_a_gradient() -> None:
    points = torch.zeros(2, 4, requires_grad=True)
    ContrastiveLoss()(points[:1], points[1:], torch.tensor([False])).backward()
    assert points.grad is not None
    assert points.grad.isfinite().all()


def test_embedding_learns() -> None:
    images = draw_sketches(24, 64, class_names=("coast", "office")).images
    labels = torch.arange(24) % 2
    net = EmbeddingNet(dimensions=8)
    assert net(images).shape == (24, 8)
    first, second = torch.combinations(torch.arange(24)).T

    def loss_of_batch() -> torch.Tensor:
        points = net(images)
        same = labels[first] == labels[second]
        loss: torch.Tensor = net.loss_criterion(points[first], points[second], same)
        return loss

    seen = losses(net, loss_of_batch)
    assert seen[-1] < 0.5 * seen[0]


# Segmenter


@pytest.mark.parametrize("size", [(64, 64), (16, 48)])
def test_segmenter_scores_every_pixel(size: tuple[int, int]) -> None:
    assert Segmenter(5)(torch.rand(2, 1, *size)).shape == (2, 5, *size)


def test_segmenter_learns() -> None:
    scenes = draw_sketches(6, 32)
    net = Segmenter(13)
    seen = losses(net, lambda: net.loss_criterion(net(scenes.images), scenes.labels))
    assert seen[-1] < 0.6 * seen[0]


# Detector


def test_a_window_is_one_position_and_an_image_many() -> None:
    net = Detector(2)
    assert net(torch.rand(3, 1, WINDOW, WINDOW)).shape == (3, 3, 1, 1)
    assert net(torch.rand(1, 1, 64, 96)).shape == (1, 3, 9, 17)
    assert net.probabilities(torch.rand(1, 1, 64, 96)).shape == (1, 2, 9, 17)


def test_sliding_is_the_same_as_cutting_windows_out() -> None:
    net, image = Detector(2).eval(), torch.rand(1, 1, 48, 56)
    with torch.no_grad():
        maps = net(image)[0]
        for row, column in ((0, 0), (1, 3), (4, 6)):
            y, x = row * STRIDE, column * STRIDE
            window = image[..., y : y + WINDOW, x : x + WINDOW]
            torch.testing.assert_close(net(window)[0, :, 0, 0], maps[:, row, column])


def test_windows_around_boxes_have_their_centers_and_scale() -> None:
    windows = windows_around(torch.tensor([[10.0, 20, 10 + 2 * OBJECT, 30]]))
    side = 2 * WINDOW
    center = (10 + OBJECT, 25)
    expected = [center[0] - side / 2, center[1] - side / 2, center[0] + side / 2]
    assert windows[0].tolist() == [*expected, center[1] + side / 2]


def test_windows_are_cut_out_as_they_are() -> None:
    images = torch.rand(5, 1, 64, 64)
    corners = torch.tensor([[8.0, 4, 40, 36], [0, 0, 32, 32]])
    patches = cut_windows(images, torch.tensor([3, 1]), corners)
    torch.testing.assert_close(patches[0, 0], images[3, 0, 4:36, 8:40])
    torch.testing.assert_close(patches[1, 0], images[1, 0, :32, :32])


def test_windows_beyond_the_edge_repeat_it() -> None:
    images = torch.full((1, 1, 40, 40), 0.7)
    patches = cut_windows(images, torch.tensor([0]), torch.tensor([[-10.0, -10, 22, 22]]))
    torch.testing.assert_close(patches, torch.full((1, 1, 32, 32), 0.7))


def bright_middle(images: torch.Tensor) -> torch.Tensor:
    """Score [1, 1, H / 4 - 7, W / 4 - 7]: the mean of a window's middle 14x14 pixels."""
    middle = images[..., 9:-9, 9:-9]
    scores: torch.Tensor = nn.functional.avg_pool2d(middle, 14, STRIDE)
    return scores


@pytest.mark.parametrize("side", [14, 28, 56])
def test_detect_finds_a_bright_square_at_any_scale_and_place(side: int) -> None:
    for left, top in ((0, 0), (30, 17), (120 - side, 90 - side)):
        image = torch.zeros(1, 100, 128)
        image[:, top : top + side, left : left + side] = 1
        found = detect(bright_middle, image, torch.tensor([[14.0, 14.0]]), least=0.7)
        x, y = ((found.boxes[0, :2] + found.boxes[0, 2:]) / 2).tolist()
        assert left <= x <= left + side
        assert top <= y <= top + side
        assert (found.scores.diff() <= 0).all()
        assert set(found.kinds.tolist()) == {0}


def test_detect_may_find_nothing() -> None:
    found = detect(bright_middle, torch.zeros(1, 64, 64), torch.tensor([[14.0, 14.0]]))
    assert (found.boxes.shape, found.kinds.shape, found.scores.shape) == ((0, 4), (0,), (0,))


def test_detector_learns() -> None:
    bright, dark = torch.rand(16, 1, 32, 32), torch.rand(16, 1, 32, 32)
    bright[:, :, 8:24, 8:24] += 1
    patches, labels = torch.cat([bright, dark]), torch.arange(32) // 16
    net = Detector(1)
    seen = losses(net, lambda: net.loss_criterion(net(patches).flatten(1), labels))
    assert seen[-1] < 0.2 * seen[0]
