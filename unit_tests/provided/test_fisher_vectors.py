"""Dense SIFT, Fisher vectors against autograd, and ridge regression against its equations."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from scene_recog.models.descriptors import (
    DenseCensus,
    DenseCurvature,
    DenseDescriptor,
    DenseSift,
    curvatures,
)
from scene_recog.models.fisher_vectors import FOUR_SCALES, KINDS, FisherVectorNet, VisualWords


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_sift_has_the_direction_in_which_an_image_gets_brighter(turns: int) -> None:
    brighter_to_the_right = torch.linspace(0, 1, 48).expand(1, 1, 48, 48)
    seen = DenseSift()(torch.rot90(brighter_to_the_right, -turns, (2, 3)))
    of_directions = seen.square().unflatten(3, (8, 16)).sum(4)  # [1, rows, columns, 8]
    down_is_a_quarter_turn_on = F.one_hot(torch.tensor(2 * turns), 8).float()
    assert torch.allclose(of_directions, down_is_a_quarter_turn_on.expand(1, 4, 4, 8), atol=1e-4)


def test_sift_has_the_cells_in_their_places() -> None:
    x = torch.zeros(1, 1, 48, 48)
    x[..., 13:16, 13:16] = 1  # between the second and the third of the cells, at 5, 11, 17 and 23
    cells = DenseSift()(x)[0, 0, 0].square().view(8, 4, 4).sum(0)
    assert torch.allclose(cells, cells.flip(0), atol=1e-6)
    assert torch.allclose(cells, cells.T, atol=1e-6)
    assert cells[1:3, 1:3].sum() > 0.9
    moved = DenseSift()(x.roll(6, dims=3))[0, 0, 0].square().view(8, 4, 4).sum(0)
    assert torch.allclose(moved[:, 1:], cells[:, :-1], atol=0.02)


def test_sift_does_not_see_light_and_contrast() -> None:
    x = torch.rand(2, 1, 60, 48) / 2
    seen = DenseSift()(x)
    assert seen.shape == (2, 6, 4, 128)
    assert torch.allclose(DenseSift()(2 * x), seen, atol=1e-3)
    assert torch.allclose(DenseSift()(x + 0.3), seen, atol=1e-3)
    assert torch.allclose(seen.square().sum(3), torch.ones(2, 6, 4), atol=1e-4)
    assert torch.equal(DenseSift()(torch.full((1, 1, 48, 48), 0.4)), torch.zeros(1, 4, 4, 128))


def sift_pixel_by_pixel(image: torch.Tensor) -> torch.Tensor:
    """Lowe's sums with loops over the pixels of [H, W]: the descriptor around (14, 14), [128]."""
    histograms = torch.zeros(8, 4, 4, dtype=torch.float64)
    for y in range(29):
        for x in range(29):
            left, right = image[y, max(x - 1, 0)], image[y, x + 1]
            above, below = image[max(y - 1, 0), x], image[y + 1, x]
            slope_x, slope_y = float(right - left) / 2, float(below - above) / 2
            angle = math.atan2(slope_y, slope_x) % (2 * math.pi)
            for direction in range(8):
                turn = abs(angle - direction * math.pi / 4)
                of_direction = 1 - min(turn, 2 * math.pi - turn) / (math.pi / 4)
                for row in range(4):
                    for column in range(4):
                        of_row = 1 - abs(y - 5 - 6 * row) / 6
                        of_column = 1 - abs(x - 5 - 6 * column) / 6
                        if min(of_direction, of_row, of_column) > 0:
                            share = of_direction * of_row * of_column
                            histograms[direction, row, column] += share * math.hypot(
                                slope_x, slope_y
                            )
    descriptor = histograms.flatten()
    descriptor = (descriptor / (descriptor.norm() + 4e-3)).clamp(max=0.2)
    return (descriptor / (descriptor.sum() + 1e-6)).sqrt()


@pytest.mark.parametrize("contrast", [1.0, 1e-3])
def test_sift_is_what_loops_over_pixels_give(contrast: float) -> None:
    x = torch.rand(1, 1, 48, 54, generator=torch.Generator().manual_seed(0)) * contrast
    seen = DenseSift()(x)
    assert seen.shape == (1, 4, 5, 128)
    assert torch.allclose(seen[0, 0, 0].double(), sift_pixel_by_pixel(x[0, 0]), atol=1e-4)


@pytest.mark.parametrize("cell", [4, 6])
@pytest.mark.parametrize("kind", [DenseSift, DenseCurvature, DenseCensus])
def test_cells_are_sums_of_maps(kind: type[DenseDescriptor], cell: int) -> None:
    describe = kind(cell)
    x = torch.rand(2, 1, 50, 43, generator=torch.Generator().manual_seed(0))
    maps, seen = describe.maps(x), describe(x)
    assert maps.shape == (2, 8, 50, 43)
    assert (maps >= 0).all()
    assert torch.allclose(seen.norm(dim=3), torch.ones(seen.shape[:3]), atol=1e-4)
    row, column = seen.shape[1] - 1, seen.shape[2] - 2
    away = torch.arange(50.0)
    sums = torch.empty(8, 4, 4)
    for i in range(4):
        for j in range(4):
            of_row = 1 - (away - (cell - 1 + (row + i) * cell)).abs() / cell
            of_column = 1 - (away[:43] - (cell - 1 + (column + j) * cell)).abs() / cell
            weights = of_row.clamp(min=0)[:, None] * of_column.clamp(min=0)
            sums[:, i, j] = (maps[1] * weights).sum((1, 2))
    expected = sums.flatten() / (sums.norm() + 4e-3)
    expected = expected.clamp(max=0.2)
    expected = (expected / expected.sum()).sqrt()
    assert torch.allclose(seen[1, row, column], expected, atol=1e-4)


def test_curvatures_are_those_of_a_parabola() -> None:
    down, right = torch.meshgrid(torch.arange(9.0), torch.arange(11.0), indexing="ij")
    x = 0.3 * right**2 - 0.2 * down**2 + 0.5 * right * down + right
    for found, expected in zip(curvatures(x[None, None]), (0.6, -0.4, 0.5), strict=True):
        assert torch.allclose(found[..., 1:-1, 1:-1], torch.tensor(expected), atol=1e-4)


@pytest.mark.parametrize(
    ("lying", "bright", "direction"), [(False, False, 0), (False, True, 4), (True, False, 4)]
)
def test_curvature_sees_lines(lying: bool, bright: bool, direction: int) -> None:
    x = torch.full((1, 1, 21, 21), 0.0 if bright else 1.0)
    x[..., 9:12] = 1.0 if bright else 0.0
    maps = DenseCurvature().maps(x.mT if lying else x)[0]
    assert maps[:, 10, 10].argmax() == direction
    assert maps[:, 10, 10].sum() == pytest.approx(maps[direction, 10, 10].item(), abs=1e-5)
    assert maps[direction, 10, 10] == pytest.approx(1 / 3, abs=1e-5)
    assert not maps[:, :5, :5].any()


def test_census_compares_a_pixel_with_its_neighbours() -> None:
    x = torch.full((1, 1, 9, 9), 0.4)
    x[..., 4, 6] = 0.8  # right of (4, 4), below and right of (2, 4)
    x[..., 6, 2] = 0.6  # below and left of (4, 4)
    maps = DenseCensus().maps(x)[0]
    mean = (0.4 + 0.2) / 8
    expected = [min(1, 0.4 / (mean + 0.01)), 0, 0, min(1, 0.2 / (mean + 0.01)), 0, 0, 0, 0]
    assert maps[:, 4, 4].tolist() == pytest.approx(expected, abs=1e-4)
    assert maps[:, 2, 4].argmax() == 1
    assert not maps[:, 0, 0].any()


def test_descriptors_are_of_four_scales() -> None:
    words = VisualWords(DenseSift(), FOUR_SCALES, 2)
    grids = [tuple(d.shape) for d in words.descriptors(torch.rand(1, 1, 256, 200))]
    assert grids == [(1, 38, 29, 128), (1, 26, 19, 128), (1, 17, 12, 128), (1, 11, 7, 128)]
    sharp = torch.rand(1, 1, 200, 200)
    *_, smallest = words.descriptors(sharp)
    small = F.interpolate(sharp, (70, 70), mode="bilinear", antialias=True)
    assert torch.allclose(smallest, DenseSift()(small))


def some_words(count: int) -> VisualWords:
    """Words of SIFT at random places."""
    torch.manual_seed(0)
    words = VisualWords(DenseSift(), FOUR_SCALES, count)
    words.center.copy_(torch.rand(128) / 10)
    words.projection.copy_(torch.linalg.qr(torch.randn(words.projection.shape)).Q)
    words.shares.copy_(torch.rand(count).softmax(0))
    words.means.copy_(torch.randn_like(words.means) / 10)
    words.variances.copy_(torch.rand_like(words.variances) / 10 + 0.01)
    return words


def test_fisher_vectors_are_the_gradients_of_the_likelihood() -> None:
    words = some_words(3)
    x = torch.rand(2, 1, 110, 100)
    expected = []
    for i in range(2):
        regions: list[list[torch.Tensor]] = [[] for _ in range(5)]
        for grid in words.descriptors(x[i : i + 1]):
            d = ((grid[0] - words.center) @ words.projection).double()
            above, left = d.shape[0] // 2, d.shape[1] // 2
            parts = d, d[:above, :left], d[:above, left:], d[above:, :left], d[above:, left:]
            for region, part in zip(regions, parts, strict=True):
                region.append(part.flatten(0, 1))
        for region in regions:
            means = words.means.double().requires_grad_()
            deviations = words.variances.double().sqrt().requires_grad_()
            mixture = torch.distributions.MixtureSameFamily(
                torch.distributions.Categorical(words.shares.double()),
                torch.distributions.Independent(torch.distributions.Normal(means, deviations), 1),
            )
            likelihood = mixture.log_prob(torch.cat(region)).sum()
            of_means, of_deviations = torch.autograd.grad(likelihood, (means, deviations))
            unit = deviations.detach() / words.shares.double().sqrt()[:, None]
            vector = torch.cat(
                [(of_means * unit).flatten(), (of_deviations * unit).flatten() / 2**0.5]
            )
            expected.append(F.normalize(vector.sign() * vector.abs().sqrt(), dim=0) / 5**0.5)
    vectors = words(x)
    assert torch.allclose(vectors, torch.stack(expected).view(2, -1).float(), atol=2e-3)
    assert torch.allclose(vectors.norm(dim=1), torch.ones(2))


def test_words_are_found_where_descriptors_are() -> None:
    generator = torch.Generator().manual_seed(0)
    centers = F.one_hot(torch.arange(4), 128).float()
    crowds = [6000, 2000, 8000, 4000]
    d = torch.cat([c.expand(n, 128) for c, n in zip(centers, crowds, strict=True)])
    d = d + 0.05 * torch.randn(d.shape, generator=generator)
    words = VisualWords(DenseSift(), FOUR_SCALES, 16)
    with torch.inference_mode():
        words.fit(d, generator)
    found = words.means @ words.projection.T + words.center
    of_crowd = F.one_hot(torch.cdist(found, centers).argmin(dim=1), 4) * words.shares[:, None]
    assert of_crowd.sum(0).tolist() == pytest.approx([0.3, 0.1, 0.4, 0.2], abs=1e-3)
    assert torch.allclose(of_crowd.T @ found / of_crowd.sum(0)[:, None], centers, atol=0.01)
    deviation = (words.shares @ words.variances).mean().sqrt().item()
    assert deviation == pytest.approx(0.05, rel=0.1)


def test_weights_solve_ridge_regression_with_classes_of_equal_weight() -> None:
    torch.manual_seed(0)
    net = FisherVectorNet(words=2)
    vectors = F.normalize(torch.randn(600, net.linear.in_features), dim=1).half()
    labels = torch.tensor([0] * 300 + [1] * 200 + [2] * 100)
    with torch.inference_mode():
        net.fit_weights(vectors, labels)
    v, weights = vectors.double(), net.linear.weight.double().T / 8.5
    importance = (200 / labels.bincount().double())[labels][:, None]
    residual = F.one_hot(labels, 15) * 2 - 1 - v @ weights
    assert torch.allclose(v.T @ (importance * residual), 0.3 * weights, atol=1e-4)
    assert weights.abs().max() > 0.01


class Stripes(torch.utils.data.Dataset[tuple[torch.Tensor, int]]):
    """Noise, smoothed along rows (class 0), columns (1), both (2), or not at all (3)."""

    def __init__(self, seed: int, count: int) -> None:
        noise = torch.rand(count, 1, 108, 108, generator=torch.Generator().manual_seed(seed))
        self.labels = [i % 4 for i in range(count)]
        windows = (1, 9), (9, 1), (3, 3), (1, 1)
        self.images = [
            F.avg_pool2d(image, windows[label], stride=1)[:, :100, :100]
            for image, label in zip(noise, self.labels, strict=True)
        ]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.images[index], self.labels[index]


def test_learns_what_it_was_not_shown_and_survives_being_stored() -> None:
    net, other = FisherVectorNet(words=4), FisherVectorNet(words=4)
    x = torch.stack([image for image, _ in Stripes(seed=1, count=20)])
    assert not net(x).any()
    net.fit(Stripes(seed=0, count=24))
    scores = net.eval()(x)
    assert scores.argmax(dim=1).tolist() == Stripes(seed=1, count=20).labels
    assert scores.requires_grad
    other.load_state_dict(net.state_dict())
    assert torch.equal(other(x), scores)
    again = FisherVectorNet(words=4)
    again.fit(Stripes(seed=0, count=24))
    assert torch.allclose(again(x), scores, atol=1e-3)


def test_weights_are_fitted_to_every_image_and_its_mirror_image() -> None:
    net, images, fitted_to = FisherVectorNet(words=4), Stripes(seed=0, count=40), []
    net.fit_weights = lambda vectors, labels: fitted_to.append((vectors, labels))  # type: ignore[method-assign]
    net.fit(images)
    ((vectors, labels),) = fitted_to
    found = list(zip(vectors.float(), labels.tolist(), strict=True))
    assert len(found) == 80
    for image, label in (images[i] for i in range(40)):
        for seen in (image, image.flip(-1)):
            (expected,) = net.fisher_vectors(seen[None])
            near = [of for v, of in found if torch.allclose(v, expected, atol=1e-3)]
            assert near == [label]


def test_kinds_of_descriptors_are_weighted_and_stand_side_by_side() -> None:
    net = FisherVectorNet(words=4, descriptors="four")
    net.fit(Stripes(seed=0, count=24))
    x = torch.stack([image for image, _ in Stripes(seed=1, count=20)])
    assert net(x).argmax(dim=1).tolist() == Stripes(seed=1, count=20).labels
    vectors = net.fisher_vectors(x)
    assert torch.allclose(vectors.norm(dim=1), torch.ones(20), atol=1e-4)
    of_kinds = vectors.split([640 * 4, *[640 * 2] * 3], dim=1)
    for number, kind in enumerate(KINDS["four"]):
        share = kind.weight / 5
        assert torch.allclose(of_kinds[number].norm(dim=1).square(), torch.tensor(share))
        words = VisualWords(kind.descriptor(kind.cell), kind.scales, 2 if number else 4)
        saved = net.state_dict()
        start = f"kinds.{number}."
        words.load_state_dict({k[len(start) :]: v for k, v in saved.items() if k.startswith(start)})
        assert torch.allclose(of_kinds[number], words(x) * share**0.5, atol=1e-5)


def test_loads_what_was_saved_when_there_was_one_kind() -> None:
    net, other = FisherVectorNet(words=4), FisherVectorNet(words=4)
    net.fit(Stripes(seed=0, count=24))
    old = {name.removeprefix("kinds.0."): value for name, value in net.state_dict().items()}
    assert set(old) == {
        "center", "projection", "shares", "means", "variances", "linear.weight",
    }  # fmt: skip
    other.load_state_dict(old)
    x = torch.stack([image for image, _ in Stripes(seed=1, count=4)])
    assert torch.equal(other(x), net(x))
    assert "center" in old  # what was given is left as it was


def test_the_seed_decides_on_the_words() -> None:
    nets = [FisherVectorNet(words=4) for _ in range(3)]
    for net, seed in zip(nets, (0, 0, 1), strict=True):
        net.fit(Stripes(seed=0, count=8), seed=seed)
    words = [net.state_dict()["kinds.0.means"] for net in nets]
    assert torch.allclose(words[0], words[1], atol=1e-4)
    assert not torch.allclose(words[0], words[2], atol=1e-2)


def test_flat_images_give_numbers() -> None:
    flat = Stripes(seed=0, count=8)
    flat.images = [torch.full((1, 100, 100), 0.1 * i) for i in range(8)]
    net = FisherVectorNet(words=2)
    net.fit(flat)
    assert net(torch.rand(2, 1, 100, 100)).isfinite().all()
    assert net(flat.images[0][None]).isfinite().all()


def test_weights_are_as_many_as_the_docstring_says() -> None:
    assert FisherVectorNet().linear.weight.numel() == 1_228_800
    assert FisherVectorNet(2).linear.weight.numel() == 15 * 640 * 2
    assert FisherVectorNet(2, "four").linear.weight.numel() == 15 * 640 * 5


def test_says_what_does_not_suit_it() -> None:
    with pytest.raises(ValueError, match="words is 1: it must be from 2 to 1024"):
        FisherVectorNet(1)
    with pytest.raises(ValueError, match="descriptors is 'hog': it must be sift or four"):
        FisherVectorNet(2, "hog")
    net = FisherVectorNet(2)
    with pytest.raises(ValueError, match=r"\[1, 1, 64, 128\].*at least 100x100 pixels"):
        net(torch.rand(1, 1, 64, 128))
    with pytest.raises(ValueError, match=r"\[1, 3, 128, 128\]"):
        net(torch.rand(1, 3, 128, 128))
    with pytest.raises(ValueError, match="no images"):
        net.fit(Stripes(seed=0, count=0))
    labelled_too_high = Stripes(seed=0, count=4)
    labelled_too_high.labels = [0, 1, 2, 15]
    with pytest.raises(ValueError, match="label 15, but there are only 15 outputs"):
        net.fit(labelled_too_high)
    with pytest.raises(ValueError, match="descriptors are too few for 1024 words"):
        FisherVectorNet(1024).fit(Stripes(seed=0, count=2))
