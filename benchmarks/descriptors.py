"""Compare kinds of descriptors for Fisher vectors, by cross-validation in train.

    python benchmarks/descriptors.py SCRATCH [--data data]

Visual words are fitted to all of train, without labels. Ridge regression, which uses labels, is
fitted to four fifths of each class and measured on the last fifth, five times, and all that for
three ways to draw the fifths. It needs only the products of Fisher vectors with each other, and
those of several kinds are sums. So the products of each kind are computed once, one to three
minutes each on one core, and kept in SCRATCH.

Prints accuracy and the mean negative log-likelihood (NLL) of all images of train, from the images
alone and averaged with their mirror images. The factor before softmax is the best for each row.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from common import machine, make_parser, run_script

from scene_recog.datasets import find_dataset
from scene_recog.image_loader import ImageLoader
from scene_recog.models.fisher_vectors import KINDS, FisherVectorNet, products_of, solve_ridge
from scene_recog.system.files import write_atomically

WORDS = 128
FOLDS, DRAWS = 5, 3
LABELS = "labels.pt"
(SIFT,) = KINDS["sift"]
LARGE, SMALL, CURVATURE, CENSUS = KINDS["four"]  # all but the first with half the words
CANDIDATES = {
    "sift 6": SIFT,
    "sift 4": SIFT._replace(cell=4),
    "sift 8": SIFT._replace(cell=8),
    "large": LARGE,
    "small": SMALL._replace(words=1.0),
    "half small": SMALL,
    "curvature": CURVATURE._replace(words=1.0),
    "half curvature": CURVATURE,
    "census": CENSUS._replace(words=1.0),
    "half census": CENSUS,
}
KINDS.update({name: (kind,) for name, kind in CANDIDATES.items()})
ROWS = [  # kinds that are put together, with their weights
    *({name: 1} for name in CANDIDATES if not name.startswith("half")),
    {"sift 6": 1, "sift 8": 1},
    {"sift 4": 1, "sift 8": 1},
    {"large": 1, "small": 1},
    {"large": 1, "half small": 1},
    {"sift 4": 1, "sift 8": 1, "census": 1},
    {"sift 4": 1, "sift 8": 1, "census": 1, "curvature": 1},
    {"large": 1, "small": 1, "curvature": 1},
    {"large": 1, "small": 1, "curvature": 1, "census": 1},
    {"large": 2, "small": 1, "curvature": 1, "census": 1},
    {"large": 2, "half small": 1, "half curvature": 1, "half census": 1},  # KINDS["four"]
]


def main() -> None:
    """Compute what is missing, and print a row for each combination."""
    parser = make_parser(__doc__)
    parser.add_argument("scratch", type=Path)
    args = parser.parse_args()
    args.scratch.mkdir(parents=True, exist_ok=True)
    dataset = ImageLoader(find_dataset(args.data), "train", FisherVectorNet.transform)
    print(machine())
    for row in ROWS:
        total = torch.zeros(2 * len(dataset), 2 * len(dataset))
        for name, weight in row.items():
            total += weight / sum(row.values()) * products(name, dataset, args.scratch)
        labels = torch.load(args.scratch / LABELS)
        drawn = [cross_validated(total, labels, seed) for seed in range(DRAWS)]
        plain, both = (measure(scores, labels) for scores in torch.stack(drawn, dim=1))
        what = " + ".join(f"{weight} {name}" for name, weight in row.items())
        print(f"{what:58} {plain}, with flip {both}", flush=True)


@torch.inference_mode()
def products(name: str, dataset: ImageLoader, scratch: Path) -> torch.Tensor:
    """Of all Fisher vectors of a kind, the images' first, then their mirror images': [2N, 2N]."""
    path = scratch / f"{name}.pt"
    if not path.is_file():
        net = FisherVectorNet(WORDS, name)
        net.fit_words(dataset)
        parts, labels = [], []
        for vectors, y in net.training_vectors(dataset):
            parts.append(vectors.unflatten(0, (2, -1)))
            labels.append(y[: len(y) // 2])
        found = products_of(torch.cat(parts, dim=1).flatten(0, 1))
        write_atomically(scratch / LABELS, lambda file: torch.save(torch.cat(labels), file))
        write_atomically(path, lambda file: torch.save(found, file))
    loaded: torch.Tensor = torch.load(path)
    return loaded


def cross_validated(of_all: torch.Tensor, labels: torch.Tensor, seed: int) -> torch.Tensor:
    """Each image's scores by weights that were fitted without it: [2, N, 15], plain and with flip.

    Args:
        of_all: products of all Fisher vectors, [2N, 2N].
        labels: [N].
        seed: for the folds.
    """
    count = len(labels)
    folds = torch.empty(count, dtype=torch.long)
    generator = torch.Generator().manual_seed(seed)
    for label in labels.unique():
        (where,) = (labels == label).nonzero(as_tuple=True)
        order = torch.randperm(len(where), generator=generator)
        folds[where[order]] = torch.arange(len(where)) % FOLDS
    scores = torch.empty(2, count, 15)
    for fold in range(FOLDS):
        (shown,), (held_out,) = (
            chosen.nonzero(as_tuple=True) for chosen in (folds != fold, folds == fold)
        )
        seen = torch.cat([shown, shown + count])
        dual = solve_ridge(of_all[seen][:, seen], labels[seen % count], 15)
        plain, mirrored = (of_all[each][:, seen] @ dual for each in (held_out, held_out + count))
        scores[0, held_out], scores[1, held_out] = plain, (plain + mirrored) / 2
    return scores


def measure(scores: torch.Tensor, labels: torch.Tensor) -> str:
    """Accuracy and NLL of scores [DRAWS, N, 15], as text."""
    labels = labels.expand(scores.shape[:2]).flatten()
    scores = scores.flatten(0, 1)
    accuracy = (scores.argmax(dim=1) == labels).float().mean().item()
    factors = torch.arange(5, 12, 0.5).tolist()
    nll = min(F.cross_entropy(scores * factor, labels).item() for factor in factors)
    return f"{accuracy:.1%}, NLL {nll:.3f}"


if __name__ == "__main__":
    run_script(main)
