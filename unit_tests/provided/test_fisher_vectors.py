"""Dense SIFT, Fisher vectors against autograd, and ridge regression against its equations."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from scene_recog.models.fisher_vectors import DenseSift, FisherVectorNet


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


def test_descriptors_are_of_four_scales() -> None:
    grids = [tuple(d.shape) for d in FisherVectorNet(2)._descriptors(torch.rand(1, 1, 256, 200))]
    assert grids == [(1, 38, 29, 128), (1, 26, 19, 128), (1, 17, 12, 128), (1, 11, 7, 128)]
    sharp = torch.rand(1, 1, 200, 200)
    *_, smallest = FisherVectorNet(2)._descriptors(sharp)
    small = F.interpolate(sharp, (70, 70), mode="bilinear", antialias=True)
    assert torch.allclose(smallest, DenseSift()(small))


def random_words(net: FisherVectorNet) -> None:
    torch.manual_seed(0)
    net.center.copy_(torch.rand(128) / 10)
    net.projection.copy_(torch.linalg.qr(torch.randn(128, net.components)).Q)
    net.shares.copy_(torch.rand(len(net.shares)).softmax(0))
    net.means.copy_(torch.randn_like(net.means) / 10)
    net.variances.copy_(torch.rand_like(net.variances) / 10 + 0.01)


def test_fisher_vectors_are_the_gradients_of_the_likelihood() -> None:
    net = FisherVectorNet(words=3)
    random_words(net)
    x = torch.rand(2, 1, 110, 100)
    expected = []
    for i in range(2):
        regions: list[list[torch.Tensor]] = [[] for _ in range(5)]
        for grid in net._descriptors(x[i : i + 1]):
            d = ((grid[0] - net.center) @ net.projection).double()
            above, left = d.shape[0] // 2, d.shape[1] // 2
            parts = d, d[:above, :left], d[:above, left:], d[above:, :left], d[above:, left:]
            for region, part in zip(regions, parts, strict=True):
                region.append(part.flatten(0, 1))
        for region in regions:
            means = net.means.double().requires_grad_()
            deviations = net.variances.double().sqrt().requires_grad_()
            words = torch.distributions.MixtureSameFamily(
                torch.distributions.Categorical(net.shares.double()),
                torch.distributions.Independent(torch.distributions.Normal(means, deviations), 1),
            )
            likelihood = words.log_prob(torch.cat(region)).sum()
            of_means, of_deviations = torch.autograd.grad(likelihood, (means, deviations))
            unit = deviations.detach() / net.shares.double().sqrt()[:, None]
            vector = torch.cat(
                [(of_means * unit).flatten(), (of_deviations * unit).flatten() / 2**0.5]
            )
            expected.append(F.normalize(vector.sign() * vector.abs().sqrt(), dim=0) / 5**0.5)
    vectors = net.fisher_vectors(x)
    assert torch.allclose(vectors, torch.stack(expected).view(2, -1).float(), atol=2e-3)
    assert torch.allclose(vectors.norm(dim=1), torch.ones(2))


def test_words_are_found_where_descriptors_are() -> None:
    generator = torch.Generator().manual_seed(0)
    centers = F.one_hot(torch.arange(4), 128).float()
    crowds = [6000, 2000, 8000, 4000]
    d = torch.cat([c.expand(n, 128) for c, n in zip(centers, crowds, strict=True)])
    d = d + 0.05 * torch.randn(d.shape, generator=generator)
    net = FisherVectorNet(words=16)
    with torch.inference_mode():
        net._fit_words(d, generator)
    found = net.means @ net.projection.T + net.center
    of_crowd = F.one_hot(torch.cdist(found, centers).argmin(dim=1), 4) * net.shares[:, None]
    assert of_crowd.sum(0).tolist() == pytest.approx([0.3, 0.1, 0.4, 0.2], abs=1e-3)
    assert torch.allclose(of_crowd.T @ found / of_crowd.sum(0)[:, None], centers, atol=0.01)
    deviation = (net.shares @ net.variances).mean().sqrt().item()
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


def test_the_seed_decides_on_the_words() -> None:
    nets = [FisherVectorNet(words=4) for _ in range(3)]
    for net, seed in zip(nets, (0, 0, 1), strict=True):
        net.fit(Stripes(seed=0, count=8), seed=seed)
    assert torch.allclose(nets[0].means, nets[1].means, atol=1e-4)
    assert not torch.allclose(nets[0].means, nets[2].means, atol=1e-2)


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


def test_says_what_does_not_suit_it() -> None:
    with pytest.raises(ValueError, match="words is 1: it must be from 2 to 1024"):
        FisherVectorNet(1)
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
