"""Why neural networks? The lecture's methods, each on seven representations of the photographs.

    OMP_NUM_THREADS=1 python benchmarks/methods.py SCRATCH [--data data] [--seeds 0 1 2]

needs scikit-learn (`pip install -e '.[classical]'`), about 5 GB in SCRATCH, and an hour or two. It
writes SCRATCH/methods.csv and SCRATCH/methods.md, the tables of docs/METHODS.md. A stopped script
can be restarted: finished representations, networks and measurements are not computed again.

Two protocols: the course's train and test, and the literature's 100 training images of each class
(`protocol100.py`). A tenth of the training images is held out to choose settings; then the method
is trained on all of them, and test is read once. Networks do not see the held-out images. Seconds
are CPU seconds of one thread: other programs on the machine hardly change them.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import pickle
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from common import machine, make_parser, mean_and_deviation, run_script
from numpy.typing import NDArray
from protocol100 import mean_recall
from representations import (
    EXTRA,
    HISTOGRAMS,
    REPRESENTATIONS,
    Floats,
    Split,
    Vectors,
    costs_in,
    represent,
    trained_net,
    write_json,
)
from sklearn import __version__ as sklearn_version
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from scene_recog.datasets import find_dataset
from scene_recog.runs.scoring import evaluate_split
from scene_recog.system.files import write_atomically

Labels = NDArray[np.int64]
Row = dict[str, Any]
CLASSES = 15


class Trained(Protocol):
    """Decides on the classes [N] of vectors [N, D]."""

    def predict(self, x: Floats) -> Labels: ...


class Classifier(Trained, Protocol):
    """Learns from vectors [N, D] and their classes [N]."""

    def fit(self, x: Floats, y: Labels) -> object: ...


# ------------------------------------------------------------------------ comparing two images


def inner_products(a: Floats, b: Floats) -> Floats:
    """[N, D], [M, D] -> [N, M]."""
    products: Floats = a @ b.T
    return products


def distances(a: Floats, b: Floats) -> Floats:
    """Squared Euclidean distances: [N, D], [M, D] -> [N, M]."""
    apart = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * (a @ b.T)
    squares: Floats = np.maximum(apart, 0)  # rounding may leave a little less than 0
    return squares


def intersections(a: Floats, b: Floats) -> Floats:
    """The histogram intersection kernel, the sum of min(a_i, b_i): [N, D], [M, D] -> [N, M].

    It is computed from the L1 distance, because min(a, b) = (a + b - |a - b|) / 2.
    """
    x, y = torch.from_numpy(a), torch.from_numpy(b)
    apart = torch.empty(len(a), len(b))
    for i in range(0, len(a), 500):
        if a is b:  # symmetric: half of the work
            block = torch.cdist(x[i : i + 500], x[: i + 500], p=1)
            apart[i : i + 500, : i + 500], apart[: i + 500, i : i + 500] = block, block.T
        else:
            apart[i : i + 500] = torch.cdist(x[i : i + 500], y, p=1)
    kernel: Floats = (a.sum(axis=1)[:, None] + b.sum(axis=1) - apart.numpy()) / 2
    return kernel


# ------------------------------------------------------------------------ methods


class Neighbours:
    """The most frequent class among the k nearest training images; ties go to the nearer ones.

    It learns from distances between images [N, N], and decides from those to them [M, N].
    """

    def __init__(self, k: int = 1) -> None:
        self.k = k

    def fit(self, between: Floats, y: Labels) -> None:
        """Nothing to do but to remember the classes."""
        self.y = y

    def predict(self, between: Floats) -> Labels:
        """[M, N] -> [M]."""
        nearest = self.y[np.argsort(between, axis=1)[:, : self.k]]
        # one vote each; the fractions decide ties, and add up to less than a vote
        votes = 1 + 0.5 ** np.arange(1, self.k + 1)
        scores = np.stack([(nearest == c) @ votes for c in range(CLASSES)], axis=1)
        classes: Labels = scores.argmax(axis=1)
        return classes


class OneVersusAll:
    """Support vector machines, one for each class against all others; the highest score wins.

    They learn from a comparison of the training images [N, N], and decide from one with them
    [M, N]. A kernel is divided by its mean diagonal, so that one range of C suits all.

    Args:
        C: price of a training image on the wrong side.
        gamma: None: what is given is a kernel. Else it is squared distances d, and the kernel is
            exp(-gamma * d / m), where m is the median of d.
    """

    def __init__(self, C: float, gamma: float | None = None) -> None:  # noqa: N803
        self.C, self.gamma = C, gamma

    def fit(self, between: Floats, y: Labels) -> None:
        """All machines share the kernel."""
        if self.gamma is None:
            self.scale = float(between.diagonal().mean())
        else:
            self.scale = float(np.median(between))
        kernel = self._kernel(between)
        self.weights = np.zeros((len(between), CLASSES), np.float32)
        self.biases = np.zeros(CLASSES, np.float32)
        for c in range(CLASSES):
            svm = SVC(C=self.C, kernel="precomputed").fit(kernel, y == c)
            self.weights[svm.support_, c] = svm.dual_coef_[0]
            self.biases[c] = svm.intercept_[0]

    def predict(self, between: Floats) -> Labels:
        """[M, N] -> [M]."""
        classes: Labels = (self._kernel(between) @ self.weights + self.biases).argmax(axis=1)
        return classes

    def _kernel(self, between: Floats) -> Floats:
        kernel: Floats = between / np.float32(self.scale)
        return kernel if self.gamma is None else np.exp(-np.float32(self.gamma) * kernel)


class Linear:
    """`OneVersusAll` with a linear kernel, after training: one weight for each dimension.

    Args:
        svm: the trained machines.
        x: the training images [N, D], whose weighted sums these are.
    """

    def __init__(self, svm: OneVersusAll, x: Floats) -> None:
        self.weights = x.T @ svm.weights / np.float32(svm.scale)
        self.biases = svm.biases

    def predict(self, x: Floats) -> Labels:
        """[M, D] -> [M]."""
        classes: Labels = (x @ self.weights + self.biases).argmax(axis=1)
        return classes


class Perceptron:
    """A network with one hidden layer, on vectors that are centered and scaled by one number.

    A tenth of what it learns from decides when it stops.
    """

    def __init__(self, *, hidden: int, seed: int) -> None:
        self.net = MLPClassifier(
            (hidden,), early_stopping=True, max_iter=100, random_state=seed, batch_size=64
        )

    def fit(self, x: Floats, y: Labels) -> None:
        """Adam, at scikit-learn's rate of 0.001."""
        self.mean, self.deviation = x.mean(axis=0), float(x.std(axis=0).mean())
        self.net.fit(self._scaled(x), y)

    def predict(self, x: Floats) -> Labels:
        """[N, D] -> [N]."""
        classes: Labels = self.net.predict(self._scaled(x))
        return classes

    def _scaled(self, x: Floats) -> Floats:
        scaled: Floats = (x - self.mean) / np.float32(self.deviation)
        return scaled


@dataclass(frozen=True)
class Method:
    """One row of the table.

    Attributes:
        make: (seed, settings as keywords) -> classifier.
        grid: the values of each setting that are tried on the validation images.
        fixed: choices that we made once for all representations.
        shows: what one can read out of a trained one.
        compare: the classifier learns from this comparison of the training images, not from their
            vectors.
        only_histograms: the other representations have no such method.
    """

    make: Callable[..., Classifier]
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    fixed: tuple[str, ...] = ()
    shows: str = ""
    compare: Callable[[Floats, Floats], Floats] | None = None
    only_histograms: bool = False

    @property
    def choices(self) -> int:
        """Number of choices to make."""
        return len(self.grid) + len(self.fixed)


METHODS: dict[str, Method] = {
    "1-NN": Method(
        lambda _: Neighbours(),
        fixed=("distance",),
        shows="the training image that decided",
        compare=distances,
    ),
    "k-NN": Method(
        lambda _, **of: Neighbours(**of),
        {"k": (3, 5, 9, 15, 25)},
        ("distance",),
        "the training images that voted",
        distances,
    ),
    "linear SVM": Method(
        lambda _, **of: OneVersusAll(**of),
        {"C": (0.1, 1.0, 10.0)},
        shows="a weight for each dimension and class",
        compare=inner_products,
    ),
    "RBF SVM": Method(
        lambda _, **of: OneVersusAll(**of),
        {"gamma": (0.5, 2.0), "C": (1.0, 10.0)},
        ("kernel",),
        "the support vectors and their weights",
        distances,
    ),
    "intersection SVM": Method(
        lambda _, **of: OneVersusAll(**of),
        {"C": (1.0, 10.0, 100.0)},
        ("kernel",),
        "the support vectors, and which words they share",
        intersections,
        only_histograms=True,
    ),
    "decision tree": Method(
        lambda seed, **of: DecisionTreeClassifier(random_state=seed, **of),
        {"min_samples_leaf": (1, 10)},
        ("impurity",),
        "each decision as a list of thresholds",
    ),
    "random forest": Method(
        lambda seed: RandomForestClassifier(200, random_state=seed),
        fixed=("trees", "dimensions tried at a split", "leaves", "impurity"),
        shows="how much each dimension matters",
    ),
    "small net": Method(
        lambda seed, **of: Perceptron(seed=seed, **of),
        {"hidden": (32, 128)},
        ("layers", "optimizer", "rate", "batch size", "weight decay", "when to stop"),
        "little: weights of mixtures",
    ),
}
FEWER = {
    "pyramid 400": ("linear SVM", "intersection SVM"),
    **dict.fromkeys(EXTRA, ("intersection SVM",)),
}
END_TO_END = {"part2": "part2 features", "fast80": "fast80 features"}  # nets and their features
NET = "net, end to end"
COLUMNS = ("protocol", "seed", "representation", "method", "settings", "validation", "accuracy",
           "mean_recall", "seconds", "seconds_choosing", "peak", "ms", "bytes")  # fmt: skip


def main() -> None:
    """Measure what is missing; write the tables after each representation."""
    parser = make_parser(__doc__)
    parser.add_argument("scratch", type=Path, help="folder for everything that is computed")
    parser.add_argument("--protocols", nargs="+", default=["course", "literature"],
                        choices=["course", "literature"])  # fmt: skip
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--representations", nargs="+",
                        default=[name for name in REPRESENTATIONS if name not in EXTRA],
                        choices=list(REPRESENTATIONS))  # fmt: skip
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    args = parser.parse_args()

    source = find_dataset(args.data)
    print(f"{machine()}, scikit-learn {sklearn_version}", flush=True)
    for seed, protocol in itertools.product(args.seeds, args.protocols):
        split = Split(protocol, seed, args.scratch)
        split.link(source)
        for name in args.representations:
            vectors = represent(name, split)
            for method in args.methods:
                if method in methods_for(name):
                    measure(split, name, vectors, method)
            for recipe in (net for net, of in END_TO_END.items() if of == name):
                measure_net(split, recipe, name)
            write_tables(args.scratch)
    print((args.scratch / "methods.md").read_text(encoding="utf-8"))


def methods_for(representation: str) -> list[str]:
    """The methods that are measured on a representation."""
    known = FEWER.get(representation, tuple(METHODS))
    is_histogram = representation in HISTOGRAMS
    return [name for name in known if is_histogram or not METHODS[name].only_histograms]


def measure(split: Split, representation: str, vectors: Vectors, name: str) -> None:
    """Choose the settings, train, read test once, and store the row, unless that is done."""
    path = split.folder / "rows" / f"{representation}, {name}.json"
    if path.exists():
        return
    method, y = METHODS[name], vectors.y
    learning, trained = slice(vectors.learning), slice(vectors.trained)
    held_out, test = slice(vectors.learning, vectors.trained), slice(vectors.trained, None)
    x_train, x_test = vectors.x[trained], vectors.x[test]
    comparing, choosing, training = dict[str, float](), dict[str, float](), dict[str, float]()
    with costs_in(comparing):
        given = x_train if method.compare is None else method.compare(x_train, x_train)
    columns = slice(None) if method.compare is None else learning

    def right(settings: Mapping[str, Any]) -> float:
        classifier = method.make(split.seed, **settings)
        classifier.fit(given[learning, columns], y[learning])
        return float((classifier.predict(given[held_out, columns]) == y[held_out]).mean())

    with costs_in(choosing):
        tried = [dict(zip(method.grid, values, strict=True))
                 for values in itertools.product(*method.grid.values())]  # fmt: skip
        scores = [right(settings) for settings in tried]
    settings = tried[int(np.argmax(scores))]

    with costs_in(training):
        classifier = method.make(split.seed, **settings)
        classifier.fit(given, y[trained])
    if isinstance(classifier, Neighbours):  # which only compare to choose k
        choosing["seconds"] += comparing["seconds"]
    elif method.compare is not None:
        training["seconds"] += comparing["seconds"]
        training["peak"] = max(comparing["peak"], given.nbytes + training["peak"])
    final: Trained = classifier
    if method.compare is inner_products and isinstance(classifier, OneVersusAll):
        final = Linear(classifier, x_train)
    start = time.process_time()
    if method.compare is not None and not isinstance(final, Linear):
        x_test = method.compare(x_test, x_train)
    predicted = final.predict(x_test)
    ms = 1000 * (time.process_time() - start) / len(predicted)
    row = {
        "settings": settings,
        "validation": max(scores),
        **recalls(predicted, y[test]),
        "seconds": training["seconds"],
        "seconds_choosing": choosing["seconds"],
        "peak": x_train.nbytes + training["peak"],
        "ms": ms,
        "bytes": kept(final, x_train),
    }
    store(path, split, representation, name, row)


def kept(classifier: Trained, x: Floats) -> int:
    """Bytes that must be kept to classify, with the training images [N, D] where they are needed.

    Of decision trees, it is the size of a file.
    """
    if isinstance(classifier, Neighbours):
        return int(x.nbytes + classifier.y.nbytes)
    if isinstance(classifier, OneVersusAll):
        of_one = x.itemsize * x.shape[1] + classifier.weights[0].nbytes
        used = np.count_nonzero(classifier.weights.any(axis=1))
        return int(used * of_one + classifier.biases.nbytes)
    if isinstance(classifier, Linear):
        return int(classifier.weights.nbytes + classifier.biases.nbytes)
    if isinstance(classifier, Perceptron):
        arrays = (*classifier.net.coefs_, *classifier.net.intercepts_)
        return int(sum(array.nbytes for array in arrays))
    return len(pickle.dumps(classifier))


def measure_net(split: Split, recipe: str, representation: str) -> None:
    """Read test once with the network itself, whose features are the representation."""
    path = split.folder / "rows" / f"{representation}, {NET}.json"
    if path.exists():
        return
    run, costs = trained_net(split, recipe)
    start = time.process_time()
    result = evaluate_split(run, split.data_dir)
    ms = 1000 * (time.process_time() - start) / len(result.targets)
    row = {
        "settings": {},
        "validation": evaluate_split(run, split.data_dir, "validation").accuracy,
        **recalls(result.predictions, result.targets),
        "seconds": costs["seconds"],
        "seconds_choosing": 0.0,
        "peak": costs["peak"],
        "ms": ms,
        "bytes": sum(p.nbytes for p in run.model.state_dict().values()),
    }
    store(path, split, representation, NET, row)


def recalls(predicted: Labels, y: Labels) -> dict[str, float]:
    """Accuracy, and the mean of the classes' recalls, which the papers report."""
    return {"accuracy": float((predicted == y).mean()), "mean_recall": mean_recall(predicted, y)}


def store(path: Path, split: Split, representation: str, method: str, row: Row) -> None:
    """Write a row and print its main figures."""
    head = {"protocol": split.protocol, "seed": split.seed,
            "representation": representation, "method": method}  # fmt: skip
    write_json(path, head | row)
    print(f"{split.folder.name}, {representation}, {method} {row['settings']}: validation "
          f"{row['validation']:.4f}, test {row['accuracy']:.4f}, mean recall "
          f"{row['mean_recall']:.4f}, {row['seconds_choosing']:.1f} + {row['seconds']:.1f} s",
          flush=True)  # fmt: skip


# ------------------------------------------------------------------------ tables


def write_tables(scratch: Path) -> None:
    """Write methods.csv, a line for each row so far, and methods.md, the tables."""
    paths = sorted(scratch.glob("*/rows/*.json"))
    rows: list[Row] = [json.loads(path.read_text()) for path in paths]
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        settings = " ".join(f"{key}={value:g}" for key, value in row["settings"].items())
        figures = {key: f"{v:.4g}" for key, v in row.items() if isinstance(v, float)}
        writer.writerow(row | figures | {"settings": settings})
    tables = [
        f"{title}\n\n{accuracies([row for row in rows if row['protocol'] == protocol], key)}"
        for protocol, key, title in (
            ("course", "accuracy", "Test accuracy on the course's split."),
            ("literature", "mean_recall", "Mean recall with 100 training images of each class."),
        )
    ]
    of_course = [row for row in rows if row["protocol"] == "course"]
    tables += [costs_of_methods(of_course), costs_of_representations(scratch)]
    for name, content in (("methods.csv", text.getvalue()), ("methods.md", "\n".join(tables))):
        write = partial(Path.write_text, data=content, encoding="utf-8")
        write_atomically(scratch / name, write)


def accuracies(rows: list[Row], key: str) -> str:
    """Methods by representations, with means, spreads and ranges."""
    means: dict[tuple[str, str], float] = {}
    names = [name for name in REPRESENTATIONS if any(r["representation"] == name for r in rows)]
    lines = [["", *names, "range"]]
    for method in (*METHODS, NET):
        cells = [method]
        for name in names:
            values = [r[key] for r in rows if (r["representation"], r["method"]) == (name, method)]
            if values:
                means[name, method], spread = mean_and_deviation(values)
                deviation = f" ± {100 * spread:.1f}" if len(values) > 1 else ""
                cells.append(f"{100 * means[name, method]:.1f}{deviation}")
            else:
                cells.append("")
        lines.append([*cells, _range([means[n, method] for n in names if (n, method) in means])])
    whole = [name for name in names if name not in FEWER]
    of_names = {n: [means[n, m] for m in METHODS if (n, m) in means] for n in whole}
    lines.append(["range", *(_range(of_names.get(name, [])) for name in names), ""])
    text = markdown(lines)
    everywhere = [m for m in METHODS if whole and all((n, m) in means for n in whole)]
    no_tiny = [name for name in whole if name != "tiny images"]
    no_tree = [method for method in everywhere if method != "decision tree"]
    for columns, kinds, left_out in (
        (whole, everywhere, ""),
        (no_tiny, everywhere, " Without tiny images:"),
        (no_tiny, no_tree, " Without tiny images and the decision tree:"),
    ):
        if len(columns) < 2 or len(kinds) < 2:
            continue
        of_columns, of_rows = shares(np.array([[means[n, m] for n in columns] for m in kinds]))
        text += "" if left_out else f"\nVariance of a table of {len(kinds)} by {len(columns)}:"
        text += f"{left_out} representation {of_columns:.0%}, method {of_rows:.0%}."
    return text + "\n"


def shares(grid: NDArray[np.float64]) -> tuple[float, float]:
    """The shares of the variance of a table's cells that its columns and its rows explain.

    They are the variances of the columns' means and of the rows' means, divided by that of all
    cells (a two-way analysis of variance). What is left is their interaction.
    """
    total = grid.var()
    return float(grid.mean(axis=0).var() / total), float(grid.mean(axis=1).var() / total)


def costs_of_methods(rows: list[Row]) -> str:
    """What each method costs: the smallest and largest mean over the representations."""
    lines = [["", "choices", "training, s", "choosing, s", "training, MB", "test, ms", "model, MB",
              "one can read out of it"]]  # fmt: skip
    for method in (*METHODS, NET):
        cells = []
        for key, unit in (("seconds", 1.0), ("seconds_choosing", 1.0), ("peak", 1e6),
                          ("ms", 1.0), ("bytes", 1e6)):  # fmt: skip
            by_name: dict[str, list[float]] = {}
            for row in rows:
                if row["method"] == method:
                    by_name.setdefault(row["representation"], []).append(row[key] / unit)
            values = [statistics.mean(v) for v in by_name.values()]
            low, high = (_figure(min(values)), _figure(max(values))) if values else ("", "")
            cells.append(low if low == high else f"{low} to {high}")
        choices = METHODS[method].choices if method in METHODS else "a recipe"
        shows = METHODS[method].shows if method in METHODS else "its filters and maps"
        lines.append([method, str(choices), *cells, shows])
    return markdown(lines)


def costs_of_representations(scratch: Path) -> str:
    """What each representation costs on the course's split."""
    lines = [["", "numbers", "kB", "learning, s", "of an image, ms"]]
    for name in REPRESENTATIONS:
        folders = [f for f in sorted(scratch.glob("course-*")) if (f / f"{name}.json").exists()]
        if not folders:
            continue
        costs = [json.loads((folder / f"{name}.json").read_text()) for folder in folders]
        size = np.load(folders[0] / f"{name}.npy", mmap_mode="r").shape[1]
        seconds, ms = (statistics.mean(each[key] for each in costs) for key in ("seconds", "ms"))
        lines.append([name, f"{size:,}", f"{4 * size / 1000:.3g}", f"{seconds:.0f}", f"{ms:.1f}"])
    return markdown(lines)


def markdown(lines: list[list[str]]) -> str:
    """Rows of cells, the first of them the head, as a table."""
    head, *rest = lines
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, ["---"] * len(head), *rest))


def _figure(value: float) -> str:
    if value < 0.001:
        return "0"
    return f"{value:.2g}" if value < 99.5 else f"{value:,.0f}"


def _range(values: Sequence[float]) -> str:
    return f"{100 * (max(values) - min(values)):.1f}" if len(values) > 1 else ""


if __name__ == "__main__":
    run_script(main)
