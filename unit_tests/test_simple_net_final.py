"""Part 2, steps 2.3 to 2.5: is SimpleNetFinal deeper, with batch norm and dropout in place?"""

from __future__ import annotations

import itertools
import re

import pytest
import torch
from nets import check_loss_criterion, check_named_parts, check_scores, images
from steps import cannot_judge
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from scene_recog.figure_2 import FINAL
from scene_recog.simple_net_final import SimpleNetFinal

SEED = 0  # of the weights
BATCH = 6  # images
FEW = 2
SCORED = 4
LEARNED = 8
DROPPED = 16


@pytest.fixture
def new_net() -> SimpleNetFinal:
    torch.manual_seed(SEED)
    return SimpleNetFinal()


@pytest.fixture
def net(new_net: SimpleNetFinal) -> SimpleNetFinal:
    """For tests of the net's layers: a net whose forward works."""
    try:
        outputs = [
            new_net.train()(images(BATCH)),
            new_net.eval()(images(BATCH)),
            new_net(images(1)),
        ]
        shapes = [tuple(output.shape) for output in outputs]
    except Exception:
        cannot_judge("forward raises an error: see test_output_is_15_scores_per_image")
    if [shape[0] for shape in shapes if len(shape) == 2] != [BATCH, BATCH, 1]:
        cannot_judge("the scores have a wrong shape: see test_output_is_15_scores_per_image")
    for part in ("conv_layers", "fc_layers"):
        if not isinstance(getattr(new_net, part, None), nn.Sequential):
            cannot_judge(f"there is no nn.Sequential {part}: see test_has_the_named_parts")
    return new_net


def layers_in_use(net: nn.Module) -> list[nn.Module]:
    """The layers without their containers, in the order in which forward uses them."""
    used: list[nn.Module] = []
    hooks = [
        layer.register_forward_hook(lambda layer, _x, _y: used.append(layer))
        for layer in net.modules()
        if not list(layer.children()) or isinstance(layer, nn.Conv2d | nn.Linear)
    ]
    net.eval()(images(FEW))
    for hook in hooks:
        hook.remove()
    return used


def convolutions(net: nn.Module) -> list[nn.Conv2d]:
    return [layer for layer in layers_in_use(net) if isinstance(layer, nn.Conv2d)]


def layers_after_convolutions(net: nn.Module) -> list[list[nn.Module]]:
    """The layers after each convolution, up to the next one or the end."""
    groups: list[list[nn.Module]] = []
    for layer in layers_in_use(net):
        if isinstance(layer, nn.Conv2d):
            groups.append([])
        elif groups:
            groups[-1].append(layer)
    return groups


def is_affine_between(net: nn.Module, here: nn.Module, after: nn.Module) -> bool:
    """Whether the input of `after` is an affine function of the output of `here`, in eval mode.

    For such a function, f(a + b) - f(a) - f(b) + f(0) = 0 for any a and b.
    """
    torch.manual_seed(SEED + 1)
    outputs: list[torch.Tensor] = []
    hook = here.register_forward_hook(lambda _m, _x, y: outputs.append(torch.randn_like(y)))
    net.eval()(images(FEW))
    net(images(FEW))
    hook.remove()
    a, b = outputs[:2]
    seen: list[torch.Tensor] = []
    for level in (a + b, a, b, torch.zeros_like(a)):
        torch.manual_seed(SEED)  # accidental randomness is the same four times
        hooks = [
            here.register_forward_hook(lambda _m, _x, _y, level=level: level.clone()),
            after.register_forward_pre_hook(lambda _m, x: seen.append(x[0].detach().clone())),
        ]
        net(images(FEW))
        for hook in hooks:
            hook.remove()
    both, one, other, none = seen
    scale = (one - none).abs().max()
    return bool(scale > 0) and bool((both - one - other + none).abs().max() < 1e-3 * scale)


def raw_scores(net: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """The output of the last linear layer in eval mode."""
    kept: list[torch.Tensor] = []
    hook = net.fc_layers[-1].register_forward_hook(lambda _m, _x, y: kept.append(y.clone()))
    net.eval()(x)
    hook.remove()
    return kept[-1].detach()


def name_of(net: nn.Module, layer: nn.Module) -> str:
    """Such as "conv_layers.3"."""
    return next((name for name, each in net.named_modules() if each is layer), "?")


def test_has_the_named_parts(new_net: SimpleNetFinal) -> None:
    check_named_parts(new_net)


@pytest.mark.parametrize(("mode", "count"), [("train", BATCH), ("eval", BATCH), ("eval", 1)])
def test_output_is_15_scores_per_image(new_net: SimpleNetFinal, mode: str, count: int) -> None:
    shape = [count, 1, 64, 64]
    try:
        output = new_net.train(mode == "train")(images(count))
    except NotImplementedError:
        raise
    except RuntimeError as error:
        hint = "does the first linear layer have as many inputs as flatten has values per image?"
        rows = re.search(r"\((\d+)x\d+ and", str(error))  # of "shapes cannot be multiplied"
        if "is invalid for input" in str(error) or (rows and int(rows[1]) != count):
            hint += (
                "\na batch may have any size: flatten with x.flatten(1) or x.view(x.size(0), -1)"
            )
        raise AssertionError(
            f"forward raises an error for images of shape {shape}, in {mode} mode: {error}\n{hint}"
        ) from error
    check_scores(output, count)


def test_scores_are_raw(net: SimpleNetFinal) -> None:
    kept: list[torch.Tensor] = []
    hook = net.fc_layers[-1].register_forward_hook(lambda _m, _x, y: kept.append(y.clone()))
    output = net.eval()(images(SCORED))
    hook.remove()
    assert kept, "forward does not use fc_layers[-1]: return self.fc_layers(...)"
    raw = kept[-1]
    changes = {
        "softmax": raw.softmax(1),
        "log-softmax": raw.log_softmax(1),
        "softmax over the batch (dim=0)": raw.softmax(0),
        "sigmoid": raw.sigmoid(),
        "ReLU": raw.relu(),
    }
    for name, changed in changes.items():
        assert not torch.allclose(output, changed, atol=1e-6) or torch.allclose(raw, changed), (
            f"forward applies {name} to the last layer's scores: return them raw, cross-entropy "
            "applies softmax itself and a second one slows learning down"
        )
    assert torch.allclose(output, raw, atol=1e-6), (
        "forward must return the raw output of the last linear layer; it returns for instance "
        f"{output[0, 0]:.3f} instead of {raw[0, 0]:.3f}"
    )


def test_has_at_least_three_convolutions(net: SimpleNetFinal) -> None:
    count = len(convolutions(net))
    assert count >= 3, (
        f"forward uses {count} convolutions (nn.Conv2d): step 2.4 asks for at least 3, SimpleNet "
        "has 2. Deeper filters see larger parts of the scene"
    )


def test_batch_norm_follows_every_convolution_but_the_last(net: SimpleNetFinal) -> None:
    for conv, layers in list(zip(convolutions(net), layers_after_convolutions(net), strict=True))[
        :-1
    ]:
        assert any(isinstance(layer, _BatchNorm) for layer in layers), (
            f"there is no nn.BatchNorm2d between {name_of(net, conv)} ({conv.in_channels} to "
            f"{conv.out_channels} maps) and the next convolution, only "
            f"{', '.join(type(layer).__name__ for layer in layers) or 'nothing'}: step 2.5 "
            "normalizes after each convolution (the last may go without)"
        )


def test_scores_are_the_same_at_each_evaluation(net: SimpleNetFinal) -> None:
    first, second = net.eval()(images(BATCH)).flatten(), net(images(BATCH)).flatten()
    place = (first - second).abs().argmax()
    assert torch.allclose(first, second, atol=1e-5), (
        f"after model.eval(), the same image scores {first[place]:.4f} and then "
        f"{second[place]:.4f}: dropout must stop at test time. nn.Dropout does; the function "
        "needs training=self.training"
    )


def test_one_image_can_be_evaluated_alone(net: SimpleNetFinal) -> None:
    together, again = raw_scores(net, images(BATCH)), raw_scores(net, images(BATCH))
    if not torch.allclose(together, again, atol=1e-5):
        cannot_judge("scores are random: see test_scores_are_the_same_at_each_evaluation")
    alone = torch.cat([raw_scores(net, image[None]) for image in images(BATCH)])
    place = (together - alone).abs().argmax()
    assert torch.allclose(together, alone, atol=1e-3 * together.abs().max().item()), (
        f"after model.eval(), an image scores {together.flatten()[place]:.4f} in a batch of "
        f"{BATCH} and {alone.flatten()[place]:.4f} alone: at test time, batch norm must use its "
        "running averages (track_running_stats), and forward must not use the batch's own mean"
    )


def test_two_layers_in_a_row_are_not_one(net: SimpleNetFinal) -> None:
    layers = [m for m in layers_in_use(net) if isinstance(m, nn.Conv2d | nn.Linear)]
    for here, after in itertools.pairwise(layers):
        assert not is_affine_between(net, here, after), (
            f"there is no activation between {name_of(net, here)} ({type(here).__name__}) and "
            f"{name_of(net, after)} ({type(after).__name__}): without a ReLU, two linear layers "
            "in a row act as a single one"
        )


def test_dropout_comes_before_the_last_convolution(net: SimpleNetFinal) -> None:
    convs = convolutions(net)
    if len(convs) < 2:
        cannot_judge("there are too few convolutions: see test_has_at_least_three_convolutions")
    after_first: list[torch.Tensor] = []
    before_last: list[torch.Tensor] = []

    def the_same_each_time(_m: nn.Module, _x: object, output: torch.Tensor) -> torch.Tensor:
        after_first.append(output.detach().clone())
        return after_first[0].clone()

    hooks = [
        convs[0].register_forward_hook(the_same_each_time),
        convs[-1].register_forward_pre_hook(lambda _m, x: before_last.append(x[0].clone())),
    ]
    net.train()
    for seed in range(SEED, SEED + 4):
        torch.manual_seed(seed)
        net(images(DROPPED))
    for hook in hooks:
        hook.remove()
    if not all(torch.allclose(before_last[0], other, atol=1e-5) for other in before_last[1:]):
        return
    dropouts = [layer for layer in layers_in_use(net) if isinstance(layer, _DropoutNd)]
    found = [f"{name_of(net, each)} is {type(each).__name__}(p={each.p})" for each in dropouts]
    between = itertools.chain(*layers_after_convolutions(net)[:-1])
    inside = [layer for layer in between if layer in dropouts]
    pytest.fail(
        "in train mode, the input of the last convolution is not random: step 2.3 drops values "
        f"before the last convolution ({name_of(net, convs[-1])}), after the first one. "
        + (f"In yours, {', '.join(found)}" if found else "There is no dropout yet")
        + (
            ". Does forward call eval()?"
            if any(0 < getattr(each, "p", 0) < 1 for each in inside)
            else ""
        )
    )


def test_head_has_two_linear_layers(net: SimpleNetFinal) -> None:
    count = sum(isinstance(layer, nn.Linear) for layer in net.fc_layers.modules())
    assert count >= 2, (
        f"fc_layers has {count} linear layer: the head needs two, a hidden one and the scores"
    )


if FINAL.last_maps is not None:  # some terms ask for a size

    def test_last_convolution_gives_as_many_maps_as_asked_for(net: SimpleNetFinal) -> None:
        convs = convolutions(net)
        if not convs:
            cannot_judge("there is no nn.Conv2d: see test_has_at_least_three_convolutions")
        assert convs[-1].out_channels == FINAL.last_maps, (
            f"the last convolution ({name_of(net, convs[-1])}) outputs {convs[-1].out_channels} "
            f"maps: this term's SimpleNetFinal has {FINAL.last_maps} there, as its docstring says. "
            "The layers after it need the same number"
        )


if FINAL.hidden is not None:

    def test_head_has_as_many_hidden_values_as_asked_for(net: SimpleNetFinal) -> None:
        if sum(isinstance(layer, nn.Linear) for layer in net.fc_layers.modules()) < 2:
            cannot_judge("the head has no hidden layer: see test_head_has_two_linear_layers")
        hidden = net.fc_layers[-1].in_features
        assert hidden == FINAL.hidden, (
            f"the last linear layer gets {hidden} values from the hidden one: this term's "
            f"SimpleNetFinal has {FINAL.hidden} there, as its docstring says"
        )


def test_every_parameter_learns(net: SimpleNetFinal) -> None:
    output = net.train()(images(LEARNED))
    assert output.requires_grad, (
        "the scores have no gradient: is there a torch.no_grad() or detach() in forward?"
    )
    nn.functional.cross_entropy(output, torch.arange(LEARNED)).backward()
    for name, parameter in net.named_parameters():
        assert parameter.requires_grad, f"{name} is frozen: requires_grad must be True"
        assert parameter.grad is not None, (
            f"{name} gets no gradient, so it never learns: does forward use this layer, and is "
            "there no detach() after it?"
        )


def test_loss_is_the_mean_cross_entropy(new_net: SimpleNetFinal) -> None:
    check_loss_criterion(new_net)


# Beyond the handout.


@pytest.mark.beyond
def test_dropout_is_directly_before_the_last_convolution(net: SimpleNetFinal) -> None:
    dropouts = [layer for layer in layers_in_use(net) if isinstance(layer, _DropoutNd)]
    if not dropouts or len(convolutions(net)) < 2:
        cannot_judge("there is no nn.Dropout: see test_dropout_comes_before_the_last_convolution")
    before_last = layers_after_convolutions(net)[-2]
    assert any(layer in before_last for layer in dropouts), (
        f"dropout is at {', '.join(name_of(net, each) for each in dropouts)}: the usual place is "
        "between the last two convolutions"
    )


@pytest.mark.beyond
def test_half_of_the_values_are_dropped(net: SimpleNetFinal) -> None:
    layers = layers_in_use(net)
    rates = [layer.p for layer in layers if isinstance(layer, _DropoutNd) and layer.p > 0]
    if not rates:
        cannot_judge("there is no nn.Dropout: see test_dropout_comes_before_the_last_convolution")
    assert 0.5 in rates, f"dropout with p={rates[0]}: Srivastava et al. 2014 drop with p=0.5"


@pytest.mark.beyond
def test_an_activation_follows_every_convolution(net: SimpleNetFinal) -> None:
    """Max-pooling is not linear but passes on negative values, which constant maps show."""
    layers = [m for m in layers_in_use(net) if isinstance(m, nn.Conv2d | nn.Linear)]
    for here, after in itertools.pairwise(layers):
        seen: list[torch.Tensor] = []
        for level in (-1.0, 0.0, 2.0):
            torch.manual_seed(0)
            hooks = [
                here.register_forward_hook(
                    lambda _m, _x, y, level=level: torch.full_like(y, level)
                ),
                after.register_forward_pre_hook(lambda _m, x, seen=seen: seen.append(x[0].clone())),
            ]
            net.eval()(images(1))
            for hook in hooks:
                hook.remove()
        low, middle, high = seen
        if torch.equal(low, middle) and torch.equal(middle, high):
            continue  # in parallel, not in sequence
        assert not torch.allclose((high - middle) / 2, middle - low, atol=1e-4), (
            f"there is only pooling between {name_of(net, here)} and {name_of(net, after)}: add "
            "a ReLU"
        )


@pytest.mark.beyond
def test_batch_norm_learns_a_scale_and_a_shift(net: SimpleNetFinal) -> None:
    for norm in layers_in_use(net):
        if isinstance(norm, _BatchNorm):
            assert norm.affine, f"{name_of(net, norm)} has affine=False: let it learn both"


@pytest.mark.beyond
def test_maps_get_smaller(net: SimpleNetFinal) -> None:
    values = net.eval().conv_layers(images(1))
    side = 1 if values.dim() < 4 else values.shape[-1]
    assert side <= 16, (
        f"conv_layers leaves maps of {side}x{side}: pool, or use strides, between the convolutions"
    )


@pytest.mark.beyond
def test_head_has_no_more_than_two_linear_layers(net: SimpleNetFinal) -> None:
    count = sum(isinstance(layer, nn.Linear) for layer in net.fc_layers.modules())
    assert count <= 2, (
        f"fc_layers has {count} linear layers: two are enough, they hold most weights"
    )


@pytest.mark.beyond
def test_does_not_change_its_input(net: SimpleNetFinal) -> None:
    x = images(FEW)
    net.eval()(x)
    assert torch.equal(x, images(FEW)), "forward must not change its input"
