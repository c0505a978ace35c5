"""Step 2.6: are mistakes counted in the right row and column?"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from fakes import FakeDataset, FakeModel
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from steps import cannot_judge
from torch import nn

from scene_recog import confusion_matrix as student

CLASS_NAMES = ["bedroom", "coast", "forest", "kitchen"]
TARGETS = [0, 0, 0, 1, 1, 2, 2, 2, 2, 2, 3]
PREDICTIONS = [0, 0, 1, 1, 0, 2, 2, 2, 3, 3, 3]
COUNTS = [[2, 1, 0, 0], [1, 1, 0, 0], [0, 0, 3, 2], [0, 0, 0, 1]]
SHARES = [
    [0.7, 0.1, 0.2, 0.0],
    [0.05, 0.6, 0.15, 0.2],
    [0.0, 0.25, 0.45, 0.3],
    [0.3, 0.0, 0.2, 0.5],
]
FEW = [0, 1, 1]  # targets and correct predictions, not of every class
MANY = 1000  # images of one class
NO_2_TARGETS = [0, 0, 1, 3]
NO_2_PREDICTIONS = [0, 1, 1, 3]

# A dataset, and the model's predictions for it.
IMAGES = 137
FIRST_NUMBER = 0  # in their names
SEED = 0
FREQUENCIES = [0.4, 0.3, 0.2, 0.1]  # of the classes
GREYS = [120, 0, 180, 60]  # by which the model recognizes the classes
CELLS = [(2, 1), (1, 2), (3, 3), (0, 3)]  # predicted, target

C = len(CLASS_NAMES)
_rng = np.random.default_rng(SEED)
TARGET_OF_EACH = _rng.choice(C, IMAGES, p=FREQUENCIES)
PREDICTED_OF_EACH = np.where(_rng.random(IMAGES) < 0.5, TARGET_OF_EACH, _rng.integers(0, C, IMAGES))


def fake_model() -> FakeModel:
    return FakeModel(GREYS)


def fake_dataset(targets: np.ndarray = TARGET_OF_EACH) -> FakeDataset:
    """The grey level of each image determines the model's prediction."""
    greys = np.array(GREYS)[PREDICTED_OF_EACH]
    return FakeDataset(CLASS_NAMES, targets.tolist(), greys.tolist(), FIRST_NUMBER)


SHOWN: list[Figure] = []


@pytest.fixture(autouse=True)
def clean_slate(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close the figures of other tests; count figures shown by plt.show(), even if then closed."""
    plt.close("all")
    SHOWN.clear()
    monkeypatch.setattr(plt, "show", lambda *_args, **_options: SHOWN.extend(open_figures()))
    torch.manual_seed(0)
    yield
    torch.set_grad_enabled(True)
    plt.close("all")


def open_figures() -> list[Figure]:
    """The figures of pyplot, the current one last."""
    if not plt.get_fignums():
        return []
    current = plt.gcf()
    figures = [plt.figure(number) for number in plt.get_fignums() if number != current.number]
    return [*figures, plt.figure(current.number)]


@contextmanager
def unless_broken(*parts: Callable[[], None]) -> Iterator[None]:
    """A failure inside says nothing if one of these other tests fails too."""
    try:
        yield
    except Exception:
        for part in parts:
            try:
                part()
            except Exception:
                cannot_judge(f"{part.__name__} must pass first")
        raise


# ----------------------------------------------------- targets and predictions


def dl_utils_work() -> None:
    """If the student's file uses predict_labels, it depends on that."""
    if "dl_utils" in inspect.getsource(student):
        from scene_recog.dl_utils import predict_labels

        dataset = fake_dataset()
        for count in (1, 5):
            x = torch.stack([dataset[i][0] for i in range(count)])
            labels = torch.as_tensor(predict_labels(fake_model().eval(), x))
            assert labels.tolist() == PREDICTED_OF_EACH[:count].tolist()


def class_indices(values: Any, what: str) -> np.ndarray:
    """A list, array or tensor with one class index per image, as an array [N]."""
    try:
        if isinstance(values, torch.Tensor):
            values = values.detach().cpu()
        array = np.asarray(values)
        shape: Any = list(array.shape)
    except ValueError:  # arrays of several lengths
        shape = "a list of batches"
    assert shape == [IMAGES], (
        f"{what}: expected one class index for each of the {IMAGES} images, shape [{IMAGES}], got "
        f"{shape}"
    )
    return array.astype(int)


def pairs(targets: np.ndarray, predictions: np.ndarray) -> Counter[tuple[int, int]]:
    return Counter(zip(targets.tolist(), predictions.tolist(), strict=True))


def check_data(expected_targets: np.ndarray = TARGET_OF_EACH, **options: bool) -> None:
    dataset = fake_dataset(expected_targets)
    result = student.generate_confusion_data(fake_model().train(), dataset, **options)
    assert isinstance(result, tuple | list), f"expected a tuple, got a {type(result).__name__}"
    assert len(result) == 3, (
        f"expected (targets, predictions, class_labels), got {len(result)} values"
    )
    targets = class_indices(result[0], "targets")
    predictions = class_indices(result[1], "predictions")
    expected = pairs(expected_targets, PREDICTED_OF_EACH)
    got = pairs(targets, predictions)
    missing = sum((expected - got).values())
    if pairs(predictions, targets) == expected:
        why = "targets and predictions are swapped: return the targets first."
    elif pairs(targets, (predictions - 1) % C) == expected:
        why = "these are the predictions in train mode (dropout on): call model.eval() first."
    elif Counter(targets.tolist()) != Counter(expected_targets.tolist()):
        why = "the targets are not the labels of the images: is the last, smaller batch included?"
    elif Counter(predictions.tolist()) == Counter(PREDICTED_OF_EACH.tolist()):
        why = "targets and predictions are in different orders: collect both from the same batch."
    else:
        why = "the prediction is the index of the highest score of each image."
    assert got == expected, f"{missing} of {IMAGES} (target, prediction) pairs are wrong; {why}"
    labels = [str(label) for label in result[2]]
    assert labels == CLASS_NAMES, (
        f"class_labels should be the class names, ordered by index: expected {CLASS_NAMES}, got "
        f"{labels if len(labels) < 9 else f'{len(labels)} names: {labels[:4]} ...'}"
    )


def test_data_has_every_image() -> None:
    with unless_broken(dl_utils_work):
        check_data()


# --------------------------------------------------------------------- matrix


def matrix_of(
    targets: list[int], predictions: list[int], size: int = C, **options: bool
) -> np.ndarray:
    arrays = np.array(targets), np.array(predictions)
    matrix = student.generate_confusion_matrix(*arrays, size, **options)
    assert matrix is not None, "generate_confusion_matrix returns None: is there a return?"
    matrix = matrix.detach().cpu() if isinstance(matrix, torch.Tensor) else matrix
    array = np.asarray(matrix, dtype=float)
    assert array.shape == (size, size), (
        f"the matrix should be num_classes x num_classes, {size} x {size}, even if some classes do "
        f"not occur; got shape {list(array.shape)}"
    )
    return array


def test_matrix_counts_targets_in_rows() -> None:
    matrix, counts = matrix_of(TARGETS, PREDICTIONS, normalize=False), np.array(COUNTS)
    if np.array_equal(matrix, counts.T):
        why = "it is transposed: the target chooses the row, the prediction the column"
    elif np.array_equal(matrix, counts > 0):
        why = "each pair is counted only once: matrix[targets, preds] += 1 ignores repeated pairs"
    elif np.allclose(matrix.sum(1), 1):
        why = "with normalize=False, these should be counts, not fractions"
    else:
        why = "entry [i, j] counts the images of class i (target) that were labelled j"
    assert np.array_equal(matrix, counts), (
        f"{why}: expected {COUNTS}, got {np.round(matrix, 2).tolist()}"
    )


def test_matrix_has_classes_that_never_occur() -> None:
    absent = [str(index) for index in range(C) if index not in FEW]
    with unless_broken(test_matrix_counts_targets_in_rows):
        matrix = matrix_of(FEW, FEW, normalize=False)
        expected = np.diag(np.bincount(FEW, minlength=C))
        assert np.array_equal(matrix, expected), (
            f"classes {' and '.join(absent)} never occur: expected {expected.tolist()}, got "
            f"{matrix.tolist()}"
        )


def test_matrix_counts_beyond_255() -> None:
    many = [0] * MANY + [1]
    with unless_broken(test_matrix_counts_targets_in_rows):
        got = matrix_of(many, many, 2, normalize=False)[0, 0]
        assert got == MANY, (
            f"{MANY} images of class 0 labelled 0: expected {MANY}, got {got:g}. A small integer "
            "type such as uint8 overflows to 0 after 255."
        )


def test_matrix_rows_are_shares_of_their_class() -> None:
    with unless_broken(test_matrix_counts_targets_in_rows):
        matrix, counts = matrix_of(TARGETS, PREDICTIONS, normalize=True), np.array(COUNTS)
        totals = counts.sum(1, keepdims=True)
        if np.array_equal(matrix, counts):
            why = "these are still counts"
        elif np.allclose(matrix, counts / totals * 100):
            why = "these are percentages: fractions are from 0 to 1"
        elif np.allclose(matrix, counts / totals.T):
            why = "column j is divided by the total of row j: use sum(axis=1, keepdims=True)"
        elif np.allclose(matrix.sum(0), 1):
            why = "in yours, each column does: sum over axis=1, not axis=0"
        elif np.allclose(matrix, counts / totals, atol=0.05):
            why = "these are rounded"
        elif np.isclose(matrix.sum(), 1):
            why = "your whole matrix sums to 1: divide each row by its own total"
        else:
            why = "each row is divided by the number of images of that class"
        assert np.allclose(matrix, counts / totals), (
            f"with normalize=True, every row sums to 1; {why}: expected "
            f"{np.round(counts / totals, 2).tolist()}, got {np.round(matrix, 2).tolist()}"
        )


def test_matrix_is_normalized_by_default() -> None:
    by_default = matrix_of(TARGETS, PREDICTIONS)
    assert np.allclose(by_default, matrix_of(TARGETS, PREDICTIONS, normalize=True)), (
        "without the argument normalize, the result differs from normalize=True: make True the "
        "default"
    )


def test_row_without_targets_is_zeros() -> None:
    with unless_broken(test_matrix_rows_are_shares_of_their_class):
        with np.errstate(all="ignore"):
            row = matrix_of(NO_2_TARGETS, NO_2_PREDICTIONS, normalize=True)[2]
        assert np.array_equal(row, np.zeros(C)), (
            f"row 2 has no targets: divide by at least 1, so that it stays zero; got {row.tolist()}"
        )


# -------------------------------------------------------------------- picture


def picture() -> tuple[Axes, Any]:
    """The axes that show a CxC matrix, and the artist: from imshow, matshow or pcolormesh."""
    for figure in [*reversed(open_figures()), *reversed(SHOWN)]:
        for axes in figure.axes:
            for artist in [*axes.images, *axes.collections]:
                values = artist.get_array()
                if values is not None and np.size(values) == C * C:
                    figure.draw_without_rendering()  # formatters write the tick labels now
                    return axes, artist
    raise AssertionError(
        f"no pyplot figure shows the {C}x{C} matrix: draw it, for instance with plt.imshow"
    )


def tick_places(axis: Any, name: str) -> list[float]:
    """The positions of the class names along an axis."""
    names = {}
    for tick in axis.get_major_ticks():
        text = tick.label1.get_text() or tick.label2.get_text()
        names[text.strip().lower()] = tick.get_loc()
    missing = [label for label in CLASS_NAMES if not any(label in text for text in names)]
    assert not missing, (
        f"the ticks of the {name} axis do not name {', '.join(missing)}: they read {list(names)}. "
        "Set the ticks 0 ... C - 1 and the class names as their labels."
    )
    return [next(names[text] for text in names if label in text) for label in CLASS_NAMES]


def value_at(artist: Any, x: float, y: float) -> float:
    """The value that the picture shows at a position, whatever the direction of its axes."""
    values = np.asarray(artist.get_array(), dtype=float).reshape(C, C)
    if hasattr(artist, "get_coordinates"):  # pcolormesh
        corners = artist.get_coordinates()
        (left, first), (right, last) = corners[0, 0], corners[-1, -1]
    else:
        left, right, bottom, top = artist.get_extent()
        first, last = (bottom, top) if artist.origin == "lower" else (top, bottom)
    column = int(np.floor((x - left) / (right - left) * C))
    row = int(np.floor((y - first) / (last - first) * C))
    if not (0 <= column < C and 0 <= row < C):
        return float("nan")
    return float(values[row, column])


def shown_matrix() -> np.ndarray:
    """The values shown at the class names: rows by the names at y, columns by those at x."""
    axes, artist = picture()
    at_x, at_y = tick_places(axes.xaxis, "x"), tick_places(axes.yaxis, "y")
    return np.array([[value_at(artist, x, y) for x in at_x] for y in at_y])


def same_picture(got: np.ndarray, expected: np.ndarray) -> bool:
    """Colours are the same if all values are multiplied by one number, such as 100 for percent."""
    return bool(np.allclose(got / max(got.sum(), 1e-9), expected / expected.sum(), atol=1e-4))


def test_plot_has_targets_down_and_predictions_across() -> None:
    shares = np.array(SHARES)
    student.plot_confusion_matrix(shares.copy(), list(CLASS_NAMES))
    got = shown_matrix()
    row, column = divmod(int(np.argmax(~np.isclose(got, shares))), C)
    if same_picture(got, shares.T):
        why = "the picture is transposed: targets belong to the rows (y), predictions across (x)"
    elif same_picture(got[::-1], shares):
        why = "the row names are upside down: imshow draws row 0 at the top"
    elif np.isnan(got).any():
        why = (
            f'the names "{CLASS_NAMES[row]}" (y) and "{CLASS_NAMES[column]}" (x) meet outside the '
            "picture: set one tick per cell before you set the labels"
        )
    else:
        why = (
            f'at the names "{CLASS_NAMES[row]}" (y) and "{CLASS_NAMES[column]}" (x), the picture '
            f"shows {got[row, column]:.2f}, but the matrix has {shares[row, column]:.2f}"
        )
    assert same_picture(got, shares), why
    axes, _ = picture()
    words = {"x": axes.get_xlabel().lower(), "y": axes.get_ylabel().lower()}
    swapped = says_target(words["x"]) and says_prediction(words["y"])
    assert not swapped, (
        f'the axis names are swapped: columns (x) are predictions, not "{axes.get_xlabel()}", and '
        f'rows (y) are targets, not "{axes.get_ylabel()}"'
    )


def says_prediction(text: str) -> bool:
    return "pred" in text


def says_target(text: str) -> bool:
    words = ("target", "true", "truth", "actual")
    return any(word in text for word in words) and not says_prediction(text)


def normalized_matrix() -> tuple[np.ndarray, np.ndarray]:
    """The dataset's matrix as fractions and as counts."""
    counts = np.zeros((C, C))
    for target, prediction in zip(TARGET_OF_EACH, PREDICTED_OF_EACH, strict=True):
        counts[target, prediction] += 1
    return counts / counts.sum(1, keepdims=True), counts


def test_generate_and_plot_shows_the_model_s_normalized_matrix() -> None:
    dataset = fake_dataset()
    shares, counts = normalized_matrix()
    with unless_broken(
        test_data_has_every_image,
        test_matrix_counts_targets_in_rows,
        test_matrix_rows_are_shares_of_their_class,
        test_matrix_is_normalized_by_default,
        test_plot_has_targets_down_and_predictions_across,
    ):
        plt.close("all")
        SHOWN.clear()
        student.generate_and_plot_confusion_matrix(fake_model(), dataset)
        got = shown_matrix()
        what = (
            "counts, not fractions of each row" if same_picture(got, counts) else "another matrix"
        )
        assert same_picture(got, shares), (
            "generate_and_plot_confusion_matrix should show the normalized matrix of this model on "
            f"this dataset, but shows {what}: expected {np.round(shares, 2).tolist()}, got "
            f"{np.round(got, 2).tolist()}"
        )


# --------------------------------------------------------- images of one cell


@pytest.mark.parametrize(("predicted", "target"), CELLS)
def test_images_of_one_confusion_are_found(predicted: int, target: int) -> None:
    with unless_broken(test_data_has_every_image):
        check_images(predicted, target)


def place(path: str | Path) -> str:
    """The part of a path from the split's folder on, such as test/coast/image_0003.jpg."""
    return "/".join(Path(path).parts[-3:])


def check_images(predicted: int, target: int) -> None:
    dataset = fake_dataset()

    def names(model_says: int, folder: int, shift: int = 0) -> list[str]:
        chosen = (folder == TARGET_OF_EACH) & ((PREDICTED_OF_EACH + shift) % C == model_says)
        return sorted(place(dataset.dataset[i][0]) for i in np.flatnonzero(chosen))

    found = student.get_pred_images_for_target(fake_model(), dataset, predicted, target)
    assert found is not None, "get_pred_images_for_target returns None: is there a return?"
    found = list(found)
    assert all(isinstance(path, str | Path) for path in found), (
        f"return paths, such as {dataset.dataset[0][0]!r} (dataset.dataset[i][0]), not {found[0]!r}"
    )
    got, expected = sorted(place(path) for path in found), names(predicted, target)
    if got == names(target, predicted):
        why = (
            "Swapped? target_class is the image's class, predicted_class is the model's prediction."
        )
    elif got == sorted(name.split("/")[-1] for name in expected):
        why = f"Return complete paths, such as {dataset.dataset[0][0]!r}."
    elif got == names(predicted, target, shift=1):
        why = "These are the predictions in train mode: call model.eval() first."
    elif set(expected) < set(got):
        why = "Some have another class or another prediction."
    elif set(got) < set(expected):
        why = "Return all of them."
    else:
        why = "With shuffled predictions, a position is not the image's position in the dataset."
    assert got == expected, (
        f"{len(expected)} images of class {target} are labelled {predicted}; got {len(got)} paths, "
        f"{len(set(got) & set(expected))} of them correct. {why}"
    )


# Beyond the handout.


@pytest.mark.beyond
def test_data_is_in_the_dataset_s_order() -> None:
    dataset = fake_dataset()
    with unless_broken(test_data_has_every_image):
        targets, predictions, _ = student.generate_confusion_data(fake_model(), dataset)
        for values, expected in (
            (targets, TARGET_OF_EACH),
            (predictions, PREDICTED_OF_EACH),
        ):
            array = np.asarray(values)
            assert np.array_equal(array, expected), (
                "keep the dataset's order (no shuffling): result i must belong to "
                "dataset.dataset[i]"
            )
            assert np.issubdtype(array.dtype, np.integer), (
                f"class indices are {array.dtype}: use integers, which can index a matrix"
            )


@pytest.mark.beyond
@pytest.mark.parametrize("training", [True, False])
def test_model_comes_back_in_its_mode(training: bool) -> None:
    model = fake_model().train(training)
    student.generate_confusion_data(model, fake_dataset())
    assert model.training == training, (
        "restore the model's mode (train or eval): the caller may continue to train or evaluate"
    )


@pytest.mark.beyond
def test_class_without_images_keeps_its_name() -> None:
    targets = np.where(np.isin(TARGET_OF_EACH, (1, 3)), 0, TARGET_OF_EACH)
    with unless_broken(test_data_has_every_image):
        check_data(targets)


@pytest.mark.beyond
def test_class_names_stand_by_index_whatever_the_dict_s_order() -> None:
    dataset = fake_dataset()
    shuffled = [3, 1, 0, 2, *range(4, C)]
    dataset.class_dict = {CLASS_NAMES[index]: index for index in shuffled}
    _, _, labels = student.generate_confusion_data(fake_model(), dataset)
    assert list(labels) == CLASS_NAMES, (
        f"with class_dict {dataset.class_dict}, class_labels should be {CLASS_NAMES}"
    )


@pytest.mark.beyond
def test_the_gpu_is_not_used_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("use_cuda=False must not touch the GPU")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(nn.Module, "cuda", fail)
    monkeypatch.setattr(torch.Tensor, "cuda", fail)
    model = fake_model()
    try:
        student.generate_confusion_data(model, fake_dataset(), use_cuda=False)
    except RuntimeError as error:
        pytest.fail(f"use_cuda=False must not touch the GPU: {error}")
    assert model.scale.device.type == "cpu"


@pytest.mark.beyond
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_the_cpu_is_used() -> None:
    with unless_broken(test_data_has_every_image):
        check_data(use_cuda=True)


@pytest.mark.beyond
def test_counting_leaves_no_gradients() -> None:
    model = fake_model()
    weights = model.scale.item()
    student.generate_confusion_data(model, fake_dataset())
    assert model.scale.grad is None, "collecting predictions must not compute gradients"
    assert model.scale.item() == weights, "collecting predictions must not train the model"
    assert torch.is_grad_enabled(), "gradients must be enabled again afterwards: use a with-block"


@pytest.mark.beyond
def test_matrix_leaves_its_arguments_alone() -> None:
    targets, predictions = np.array(TARGETS), np.array(PREDICTIONS)
    student.generate_confusion_matrix(targets, predictions, C)
    assert np.array_equal(targets, TARGETS), "generate_confusion_matrix must not change targets"
    assert np.array_equal(predictions, PREDICTIONS), "it must not change preds"


@pytest.mark.beyond
def test_plot_shows_the_matrix_as_it_is() -> None:
    for matrix in (np.array(SHARES), np.array(COUNTS, dtype=float)):
        before = matrix.copy()
        student.plot_confusion_matrix(matrix, CLASS_NAMES)
        assert np.array_equal(matrix, before), "plotting must not change the matrix"
        assert np.allclose(shown_matrix(), matrix), "draw the matrix's values unscaled"


@pytest.mark.beyond
def test_plot_is_a_new_figure_with_named_axes() -> None:
    other = plt.figure()
    student.plot_confusion_matrix(np.array(SHARES), CLASS_NAMES)
    assert len(plt.get_fignums()) == 2, "plot_confusion_matrix must draw into a new pyplot figure"
    assert not other.axes, "do not draw over an existing figure"
    axes, _ = picture()
    assert says_prediction(axes.get_xlabel().lower()), "label the x axis as the prediction"
    assert says_target(axes.get_ylabel().lower()), "label the y axis as the target"


@pytest.mark.beyond
def test_numbers_stand_in_their_own_cells() -> None:
    student.plot_confusion_matrix(np.array(SHARES), CLASS_NAMES)
    axes, artist = picture()
    for text in axes.texts:  # a plot without numbers is fine
        x, y = text.get_position()
        shown = float(text.get_text().strip().rstrip("%") or 0)
        expected = value_at(artist, x, y)
        assert min(abs(shown - expected), abs(shown / 100 - expected)) < 0.02, (
            f"the number {text.get_text()} is at x = {x:g}, y = {y:g}, where the matrix has "
            f"{expected:.2f}: x is the column, y the row"
        )
