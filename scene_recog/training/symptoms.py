"""The most common mistakes in training, recognized from a few numbers.

Each function returns one line with the observation and the advice, or "" if nothing is wrong. They
would rather miss a case than raise a false alarm: a network that is only slow, small or overfitted
gets no line. `doctor.py` gathers the numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

FEWEST = 8  # examples in a batch: the mean loss of fewer varies too much
MOVED = 1e-3  # relative change of the weights in 50 steps; the slow start of part2 reaches 1e-2
LOST = 1e-5  # smaller differences of outputs, relative to their size, are rounding errors
EXPLODED = 3.0  # times the loss of guessing; a borderline rate reaches 2 for a while and recovers
ENOUGH_STEPS = 200  # before that, a slow start looks like a bad one
ENOUGH_EPOCHS = 5  # part1 is at 11 % after 2, no better than guessing
ENOUGH_INPUTS = 16  # images: enough to tell a wrong scale by mean and std
ENOUGH_IMAGES = 30  # two standard errors of an accuracy are then at most 18 points


def starting_loss(
    loss: float,
    cross_entropy: float | None,
    *,
    outputs: int,
    examples: int,
    largest_input: float,
    largest_output: float,
) -> str:
    """The first batch's loss is not that of an untrained network.

    Args:
        loss: its mean, by the model's criterion, before the first step.
        cross_entropy: torch's value for the same outputs, or None if the loss is meant to differ
            (smoothed labels, class weights, a custom criterion).
        outputs: number of outputs per image.
        examples: images in the batch.
        largest_input, largest_output: in absolute value.
    """
    if examples < FEWEST:
        return ""
    if cross_entropy is not None and cross_entropy > 0.1:
        ratio = loss / cross_entropy
        seen = f"the first batch's loss is {loss:.4g}, but its cross-entropy is {cross_entropy:.4g}"
        batch = f"{examples} times {{}}, and the batch has {examples} images"
        if abs(ratio * examples - 1) < 0.1:
            return (
                f"{seen}, {batch.format('more')}: compute_loss divides the mean by the batch size "
                "again, which makes every step too small; return the mean"
            )
        if abs(ratio / examples - 1) < 0.1:
            return (
                f"{seen}, {batch.format('less')}: compute_loss returns the sum, which makes every "
                "step too large; return the mean"
            )
        if not 0.5 < ratio < 2:
            return (
                f"{seen}: compute_loss or loss_criterion computes something else; "
                "use nn.CrossEntropyLoss() on raw scores"
            )
    guess = math.log(outputs)
    if loss <= max(2 * guess, guess + 3):  # a last layer of unit variance adds 0.5, of 2 about 2
        return ""
    seen = f"the loss starts at {loss:.3g}, but guessing gives log({outputs}) = {guess:.2f}"
    if largest_input > 20:
        return f"{seen}: the inputs reach {largest_input:.3g}; use ToTensor, which divides by 255"
    return (
        f"{seen}: the outputs reach {largest_output:.3g} before anything is learned; normalize the "
        "inputs, and keep torch's default initial weights"
    )


def form_of_outputs(
    *,
    lowest: float,
    highest: float,
    mean: float,
    zeros: float,
    sums: tuple[float, float],
    log_sums: tuple[float, float],
    outputs: int,
    examples: int,
    takes_log_softmax: bool,
) -> str:
    """The network returns something other than raw scores.

    Args:
        lowest, highest, mean: of all outputs of a batch.
        zeros: fraction of the outputs that are 0.
        sums: lowest and highest sum of an image's outputs.
        log_sums: the same for log(sum(exp(outputs))).
        outputs: number of outputs per image.
        examples: images in the batch.
        takes_log_softmax: the criterion is `nn.NLLLoss`.
    """
    if examples < 4 or outputs < 2:
        return ""
    close = 0.02  # bfloat16 has three digits
    if lowest >= 0 and max(abs(total - 1) for total in sums) < close:
        floor = math.log(math.e + outputs - 1) - 1
        return (
            "the outputs are probabilities (each image's sum to 1): the network ends in softmax, "
            f"and the loss applies it again, so it cannot fall below {floor:.2f}; remove the "
            "softmax and return raw scores"
        )
    if highest <= 0 and max(map(abs, log_sums)) < close:
        if takes_log_softmax:
            return ""
        return (
            "the outputs are log-probabilities: the network ends in log-softmax, and the loss "
            "applies it again, which is harmless but does nothing; remove it and return raw scores"
        )
    if takes_log_softmax:
        return (
            "loss_criterion is nn.NLLLoss, which expects log-probabilities, but the outputs are "
            "not log-probabilities: use nn.CrossEntropyLoss() with raw scores"
        )
    if outputs < 3 or lowest < 0:
        return ""
    if highest <= 1 and abs(mean - 0.5) < 0.15 and zeros == 0:
        return (
            f"all outputs lie between {lowest:.2f} and {highest:.2f}: the network ends in a "
            "sigmoid; remove it, because raw scores must be able to take any value"
        )
    if zeros > 0.1 and highest > 0:
        return (
            f"no output is below 0, and {zeros:.0%} are exactly 0: the network ends in a ReLU; "
            "remove it, because raw scores must be able to take any value"
        )
    return ""


def modes(model_trains: bool, asleep: Sequence[str]) -> str:
    """Layers are in eval mode while the network trains.

    Args:
        model_trains: `model.training`, after a forward pass of training.
        asleep: names of dropout and batch norm layers that are in eval mode and not frozen.
    """
    cause = "forward or an overridden train() calls eval(); remove that, Trainer switches modes"
    if not model_trains:
        return (
            "the network is in eval mode while it trains, so dropout is off and batch norm learns "
            f"no statistics: {cause}"
        )
    if asleep:
        return f"{_listed(asleep)} in eval mode while the network trains: {cause}"
    return ""


def random_outputs(difference: float, awake: Sequence[str]) -> str:
    """In eval mode, an image's outputs differ from pass to pass, or layers ignore `eval()`.

    Args:
        difference: the largest between two passes of one image, relative to the outputs' size.
        awake: names of dropout and batch norm layers in training mode during validation.
    """
    if awake:
        return (
            f"{_listed(awake)} in training mode while the network is validated: forward or an "
            "overridden eval() calls train(); remove that, Trainer switches modes"
        )
    if difference > 1e-3:
        return (
            f"in eval mode the same image gets different outputs (by {difference:.0%}): dropout "
            "stays on; create nn.Dropout in __init__, or call F.dropout(x, p, self.training)"
        )
    return ""


def single_images(examples: int, batch_norms: int) -> str:
    """Batch norm sees one image at a time."""
    if examples > 1 or batch_norms == 0:
        return ""
    return (
        "each batch has one image, and the network has batch norm: it normalizes an image by its "
        "own mean in training, but by running averages in validation; use a batch_size of 8 or more"
    )


def inputs(
    *,
    train: tuple[float, float],
    validation: tuple[float, float, float, float],
    images: int,
    steps: tuple[Sequence[tuple[float, float]], Sequence[tuple[float, float]]],
    recipe_normalizes: bool,
) -> str:
    """The inputs are normalized wrongly, or differently in training and validation.

    Args:
        train: lowest and highest value of training inputs.
        validation: lowest, highest, mean and std of validation inputs, which have no
            augmentation.
        images: number of validation images that were used.
        steps: (mean, std) of each `Normalize` in the transforms of training and of validation.
        recipe_normalizes: whether the recipe asks for normalization.
    """
    low, high, mean, std = validation
    in_training, in_validation = steps
    train_is_plain = train[0] >= 0 and train[1] <= 1
    is_plain = low >= 0 and high <= 1
    if train_is_plain and not is_plain and low < 0:
        return (
            f"training inputs range from {train[0]:.2g} to {train[1]:.2g}, validation inputs from "
            f"{low:.2g} to {high:.2g}: only validation is normalized; add Normalize with the same "
            "numbers at the end of the training transforms too"
        )
    if in_training and not in_validation and is_plain:
        return (
            f"training has Normalize, validation does not (inputs from {low:.2g} to {high:.2g}): "
            "add Normalize with the same numbers at the end of the validation transforms too"
        )
    if recipe_normalizes and not in_validation and is_plain:
        return (
            f"the recipe normalizes, but the inputs range from {low:.2g} to {high:.2g}: "
            "get_fundamental_normalization_transforms must end in Normalize"
        )
    counts = len(in_training), len(in_validation)
    twice = max(counts) > 1
    if not twice and in_validation:
        m, s = in_validation[0]
        slack = 0.01 / s
        twice = low < (0 - m) / s - slack or high > (1 - m) / s + slack  # impossible after one
    if twice and (counts[0] != counts[1] or abs(mean) > 1 or std > 1.8):
        return (
            f"inputs are normalized twice (validation: mean {mean:.2f}, std {std:.2f}): "
            "normalize once, in the transforms"
        )
    is_off = not 0.35 < std < 3 or abs(mean) > 2  # other pixels' statistics give 0.5 to 2
    if in_validation and is_off and images >= ENOUGH_INPUTS:
        m, s = in_validation[0]
        return (
            f"after Normalize({m:.3g}, {s:.3g}) the validation inputs have mean {mean:.2f} and "
            f"std {std:.2g}, not about 0 and 1: pass the mean and std of the pixels "
            "in [0, 1], from compute_mean_and_std"
        )
    return ""


def class_order(train: Mapping[str, int], validation: Mapping[str, int]) -> str:
    """Class indices are not in alphabetical order, or differ between the splits.

    Args:
        train, validation: class name -> index.
    """
    for name, number in train.items():
        if name in validation and validation[name] != number:
            return (
                f"class {name} is number {number} in training and {validation[name]} in "
                "validation: number the sorted names in get_classes, as folders are listed in any "
                "order"
            )
    names = sorted(train, key=lambda name: train[name])
    if sorted(train.values()) != list(range(len(train))):
        return (
            f"the classes have the numbers {_some(sorted(train.values()))}: they must be 0 to "
            f"{len(train) - 1}, each once; use enumerate(sorted(names)) in get_classes"
        )
    if names not in (sorted(names), sorted(names, key=str.casefold)):
        return (
            f"the classes are numbered {_some(names)}: not in alphabetical order, so a saved "
            "network may predict other names on another computer; number the sorted names in "
            "get_classes"
        )
    return ""


def labels_of_folders(wrong: int, images: int, example: tuple[str, int, int] | None) -> str:
    """Images have another label than their folder's.

    Args:
        wrong: number of such images.
        images: number of all images.
        example: (path, its label, its folder's label).
    """
    if example is None:
        return ""
    path, label, expected = example
    return (
        f"{wrong} of {images} images do not have the label of their folder, such as {path}: "
        f"{label}, but class_dict says {expected}; look at load_imagepaths_with_labels"
    )


def equal_outputs(difference: float, inputs_differ: bool, rate: float, step: int) -> str:
    """Every image gets the same outputs after some steps.

    Args:
        difference: largest difference between the outputs of two images, relative to their size.
        inputs_differ: whether the images differ at all.
        rate: learning rate.
        step: number of the step.
    """
    if difference > LOST or not inputs_differ:
        return ""
    return (
        f"after {step} steps every image gets the same outputs: some layer lets nothing through, "
        f"usually because its ReLUs are dead; in that case the learning rate ({rate:g}) was too "
        "high: divide it by 10"
    )


def without_gradient(names: Sequence[str], of: int, step: int) -> str:
    """Weights that no gradient has reached.

    Args:
        names: of these weights, in the network's order.
        of: number of all weights.
        step: number of the step.
    """
    if not names:
        return ""
    return (
        f"no gradient has reached {_some(names)} in {step} steps ({len(names)} of {of}): "
        "forward skips the layer or cuts the graph (.detach(), .data, torch.no_grad(), numpy), "
        "or its ReLUs are dead"
    )


def unmoved(
    before: float,
    after: float,
    *,
    guess: float,
    moved: float,
    rate: float,
    has_gradients: bool,
    step: int,
) -> str:
    """Neither the loss nor the weights have changed.

    Args:
        before, after: mean loss of the first and of the last steps.
        guess: loss of guessing; a network that is better was trained before and may move slowly.
        moved: how far the optimizer's weights have moved, relative to their size.
        rate: learning rate.
        has_gradients: whether any of the optimizer's weights has a gradient.
        step: number of the step.
    """
    if before - after > 0.02 * abs(before) or moved > MOVED or before < 0.8 * guess:
        return ""
    seen = f"the loss has not changed in {step} steps ({before:.4g}, now {after:.4g})"
    if not has_gradients:
        return (
            f"{seen}: none of the optimizer's weights gets a gradient; create it after the model, "
            "with get_optimizer(model, config), and do not freeze all layers"
        )
    if rate == 0:
        return f"{seen}: the learning rate is 0; start with 0.01 for sgd, 0.001 for adam"
    return (
        f"{seen}, and the weights have changed by only {moved:.1g} of their size: the learning "
        f"rate ({rate:g}) is too small; multiply it by 10 until the loss falls"
    )


def explosion(before: float, worst: float, rate: float, where: str) -> str:
    """The loss is far above that of guessing.

    Args:
        before: loss of the first batch, or of guessing if that is higher.
        worst: highest mean loss since.
        rate: learning rate.
        where: when, in words.
    """
    if worst <= EXPLODED * max(before, 1.0):
        return ""
    return (
        f"the loss rose from {before:.3g} to {worst:.3g} {where}: the learning rate ({rate:g}) is "
        "too high; divide it by 10, or set grad_clip=1"
    )


def no_better_than_largest(
    accuracies: tuple[float, float], shares: tuple[float, float], epochs: int, steps: int
) -> str:
    """The accuracy is no better than always predicting the largest class.

    Args:
        accuracies: best so far, in training and in validation.
        shares: fraction of the largest class in training and in validation.
        epochs, steps: done so far.
    """
    chance = 0.02  # above the largest class's fraction, by luck
    if epochs < ENOUGH_EPOCHS or steps < ENOUGH_STEPS:
        return ""
    if any(a > share + chance for a, share in zip(accuracies, shares, strict=True)):
        return ""
    return (
        f"after {epochs:g} epochs, the best validation accuracy is {accuracies[1]:.1%}, and always "
        f"predicting the largest class gives {shares[1]:.1%}: nothing has been learned; try "
        "learning rates 10 times lower and higher, and check each layer with scene-recog doctor"
    )


def validation_gap(
    train: float, validation: float, *, images: int, share: float, steps: int, mixes: bool
) -> str:
    """At the end of a run, validation is far below training, or far above.

    SimpleNet ends at 100 % in training and 51 % in validation, as the handout intends, and gets no
    line.

    Args:
        train, validation: accuracies of the last epoch.
        images: number of validation images.
        share: of the largest class in validation.
        steps: done so far.
        mixes: whether MixUp or CutMix is on, so that training accuracy is of mixed images.
    """
    if images < ENOUGH_IMAGES or steps < ENOUGH_STEPS:
        return ""
    noise = 2 * math.sqrt(validation * (1 - validation) / images)
    seen = f"at the end, accuracy is {train:.1%} in training and {validation:.1%} in validation"
    if validation <= share + 0.05 and train > share + 0.5:
        return (
            f"{seen}, where always predicting the largest class gives {share:.1%}: do both have "
            "the same transforms (apart from augmentation) and the same class indices?"
        )
    if validation < train - 0.65:  # part1 reaches 0.5
        return (
            f"{seen}: the network has memorized its training images; more images, augmentation, "
            "dropout or weight decay can help"
        )
    if validation > train + 0.3 + noise and not mixes:
        return (
            f"{seen}, which augmentation and dropout do not explain: are validation images also in "
            "train, or is dropout so high that the network can hardly learn?"
        )
    return ""


def copies_in_test(copies: int, images: int, example: str) -> str:
    """Images of the test split are also in train.

    Args:
        copies: number of byte-identical copies.
        images: number of images in the test split.
        example: one of them.
    """
    if copies <= 0.02 * images:  # the photographs have 11 of 1,500, 0.7 %
        return ""
    return (
        f"{copies} of {images} test images are also in train, such as {example}: test accuracy "
        "would be too high; remove them from one of the two"
    )


def not_by_heart(right: int, images: int) -> str:
    """The network cannot memorize a few images."""
    if right == images:
        return ""
    return (
        f"the network can memorize only {right} of {images} images; a correct one memorizes all in "
        "seconds: look for layers without gradient in the table, then at forward and the loss"
    )


def _listed(names: Sequence[str]) -> str:
    return f"{_some(names)} {'is' if len(names) == 1 else 'are'}"


def _some(values: Sequence[object], most: int = 3) -> str:
    return ", ".join(map(str, values[:most])) + (", ..." if len(values) > most else "")
