"""Step 1.3: does the optimizer train the model as the config asks?"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from fakes import TwoPartNet
from steps import cannot_judge
from torch import nn

from scene_recog.optimizer import get_optimizer

TYPES = ("sgd", "adam", "adamw")  # the contract requires only one
MAPS = 2  # of the net
LR = 0.1
SMALL_LR = 0.003
WEIGHT_DECAY = 0.02
STEP_LR = 0.01
STEP_WEIGHT_DECAY = 0.001


def attempt(optimizer_type: str) -> torch.optim.Optimizer | Exception | str:
    """The optimizer of this type, or why there is none."""
    config = config_of(optimizer_type, lr=STEP_LR, weight_decay=STEP_WEIGHT_DECAY)
    try:
        optimizer = get_optimizer(TwoPartNet(MAPS), config)
    except Exception as error:
        return error
    if isinstance(optimizer, torch.optim.Optimizer):
        return optimizer
    if optimizer is None:
        return "it returns None: is there a return at the end?"
    if isinstance(optimizer, type):
        return f"it returns the class {optimizer.__name__}: call it with the model's parameters"
    return f"it returns a {type(optimizer).__name__}, which is not a torch.optim.Optimizer"


@pytest.fixture
def written() -> list[str]:
    """The types that the student has written."""
    types = [each for each in TYPES if isinstance(attempt(each), torch.optim.Optimizer)]
    if not types:
        cannot_judge("get_optimizer returns no optimizer: see test_gives_a_torch_optimizer")
    return types


def config_of(optimizer_type: str, **options: Any) -> dict[str, Any]:
    return {"optimizer_type": optimizer_type, "lr": LR, "weight_decay": 0.0, **options}


def test_gives_a_torch_optimizer() -> None:
    attempts = {each: attempt(each) for each in TYPES}
    if any(isinstance(found, torch.optim.Optimizer) for found in attempts.values()):
        return
    reasons = []
    for optimizer_type, found in attempts.items():
        if isinstance(found, NotImplementedError):
            raise found
        if isinstance(found, Exception):
            found = " ".join(f"{type(found).__name__}: {found}".split())
        reasons.append(f"{optimizer_type!r}: {found}")
    for name in ("SGD", "Adam", "AdamW"):
        if isinstance(attempt(name), torch.optim.Optimizer):
            pytest.fail(
                f"get_optimizer knows {name!r} but not {name.lower()!r}: the configs write the "
                "types in lower case, so compare with config['optimizer_type'].lower()"
            )
    pytest.fail(
        "get_optimizer must return an optimizer for at least one of 'sgd', 'adam', 'adamw'; "
        "for a config with the keys optimizer_type, lr and weight_decay it returns none:\n"
        + "\n".join(reasons)
    )


def test_moves_every_parameter_of_the_model(written: list[str]) -> None:
    for optimizer_type in written:
        model = TwoPartNet(MAPS)
        optimizer = get_optimizer(model, config_of(optimizer_type, weight_decay=STEP_WEIGHT_DECAY))
        given = {id(p) for group in optimizer.param_groups for p in group["params"]}
        left_out = [name for name, p in model.named_parameters() if id(p) not in given]
        assert len(left_out) < len(list(model.parameters())), (
            f"{optimizer_type}: the optimizer updates none of this model's parameters: pass it "
            "model.parameters() of the given model, not of a copy"
        )
        assert not left_out, (
            f"{optimizer_type}: {', '.join(left_out)} would keep their random initial values: "
            "pass all of model.parameters() to the optimizer"
        )


@pytest.mark.parametrize("lr", [LR, SMALL_LR])
def test_learning_rate_is_the_config_s(written: list[str], lr: float) -> None:
    for optimizer_type in written:
        config = config_of(optimizer_type, lr=lr, weight_decay=WEIGHT_DECAY)
        optimizer = get_optimizer(TwoPartNet(MAPS), config)
        for group in optimizer.param_groups:
            found = float(group["lr"])
            assert found == pytest.approx(lr, rel=1e-4), (
                f"{optimizer_type}: config['lr'] is {lr}, but the optimizer's learning rate is "
                f"{found:g}: "
                + (
                    "that is config['weight_decay']; are the two swapped?"
                    if found == WEIGHT_DECAY
                    else "pass lr=config['lr'] unchanged (with a mean loss, do not divide it)"
                )
            )


@pytest.mark.parametrize("weight_decay", [WEIGHT_DECAY, 0.0])
def test_weight_decay_is_the_config_s(written: list[str], weight_decay: float) -> None:
    for optimizer_type in written:
        config = config_of(optimizer_type, weight_decay=weight_decay)
        try:
            optimizer = get_optimizer(TwoPartNet(MAPS), config)
        except ValueError as error:
            raise AssertionError(
                f"{optimizer_type}: with weight_decay {weight_decay} there is no optimizer "
                f"({error}); 0 is allowed and means none"
            ) from error
        for group in optimizer.param_groups:
            if all(p.ndim <= 1 for p in group["params"]):
                continue  # leaving out biases and batch norm is a valid choice
            found = float(group.get("weight_decay", 0.0))
            is_momentum = group.get("momentum") == weight_decay and weight_decay > 0
            assert found == pytest.approx(weight_decay, rel=1e-4), (
                f"{optimizer_type}: config['weight_decay'] is {weight_decay}, but the optimizer "
                f"has {found:g}: "
                + (
                    "it was passed as momentum, the next argument after lr: use weight_decay=..."
                    if is_momentum
                    else "pass weight_decay=config['weight_decay']"
                )
            )


def test_a_step_goes_down_the_slope(written: list[str]) -> None:
    for optimizer_type in written:
        model = TwoPartNet(MAPS)
        before = copy.deepcopy(model)
        config = config_of(optimizer_type, lr=STEP_LR, weight_decay=STEP_WEIGHT_DECAY)
        optimizer = get_optimizer(model, config)
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)
        optimizer.step()
        for (name, new), old in zip(model.named_parameters(), before.parameters(), strict=True):
            change = (new - old).detach()
            assert (change < 0).all(), (
                f"{optimizer_type}: for a gradient of +1, a step at lr {STEP_LR} must make a "
                f"parameter smaller, but {name} changes by {change.flatten()[0]:+g}: "
                "the loss decreases against the gradient"
            )


# Beyond the handout.

START = [[1.0, -2.0], [0.5, 3.0]]
GRADIENTS = [
    [[0.5, 1.0], [-1.0, 0.2]],
    [[-0.3, 0.4], [2.0, -0.6]],
    [[1.5, -1.0], [0.1, 0.7]],
]


def net_with_known_weights() -> TwoPartNet:
    model = TwoPartNet(MAPS)
    with torch.no_grad():
        model.fc_layers[-1].weight.copy_(torch.tensor(START))
    return model


def three_steps(model: TwoPartNet, optimizer: torch.optim.Optimizer) -> np.ndarray:
    """The last weights after three steps with the gradients above."""
    weight = model.fc_layers[-1].weight
    for gradient in GRADIENTS:
        for parameter in model.parameters():
            parameter.grad = torch.zeros_like(parameter)
        weight.grad = torch.tensor(gradient)
        optimizer.step()
    result: np.ndarray = weight.detach().numpy()
    return result


def sgd_by_hand(
    lr: float, weight_decay: float = 0.0, momentum: float = 0.9, nesterov: bool = False
) -> np.ndarray:
    """Three steps of v <- m v + g, theta <- theta - lr v, in numpy."""
    theta, velocity = np.array(START), np.zeros((2, 2))
    for gradient in np.array(GRADIENTS):
        g = gradient + weight_decay * theta
        velocity = momentum * velocity + g
        theta = theta - lr * (g + momentum * velocity if nesterov else velocity)
    return theta


def need(optimizer_type: str) -> None:
    """Skip if there is no optimizer of this type, which another test reports."""
    if not isinstance(attempt(optimizer_type), torch.optim.Optimizer):
        cannot_judge(f"there is no {optimizer_type!r} yet")


def optimizer_of(model: nn.Module, config: dict[str, Any]) -> torch.optim.Optimizer:
    need(config["optimizer_type"])
    optimizer: torch.optim.Optimizer = get_optimizer(model, config)
    return optimizer


def refusal_of(config: dict[str, Any]) -> str:
    """The message of the ValueError for a config."""
    try:
        optimizer = get_optimizer(net_with_known_weights(), config)
    except ValueError as error:
        return str(error)
    except Exception as error:
        raise AssertionError(
            f"{config} must raise a ValueError that says what is wrong, not "
            f"{type(error).__name__}: {error}"
        ) from error
    pytest.fail(
        f"{config} must raise a ValueError, but it returns {type(optimizer).__name__}: a "
        "mistake in a config would train the wrong way without any message"
    )


@pytest.mark.beyond
@pytest.mark.parametrize("optimizer_type", TYPES)
@pytest.mark.usefixtures("written")
def test_knows_all_three_types(optimizer_type: str) -> None:
    found = attempt(optimizer_type)
    assert isinstance(found, torch.optim.Optimizer), f"{optimizer_type!r} is not written: {found}"
    assert type(found).__name__.lower() == optimizer_type, (
        f"{optimizer_type!r} returns torch.optim.{type(found).__name__}"
    )


@pytest.mark.beyond
@pytest.mark.parametrize("optimizer_type", TYPES)
def test_config_is_left_as_it_was(optimizer_type: str) -> None:
    config = config_of(optimizer_type)
    kept = dict(config)
    optimizer_of(net_with_known_weights(), config)
    assert config == kept, (
        f"the caller's config was {kept} and is now {config}: keys are missing in the next call; "
        "copy it before you pop"
    )


@pytest.mark.beyond
@pytest.mark.parametrize(
    ("config", "rule"),
    [
        ({"lr": 0.1, "weight_decay": 0.0}, "the default is plain momentum of 0.9"),
        ({"lr": 0.1, "weight_decay": 0.3}, "weight decay adds weight_decay * theta to g"),
        ({"lr": 0.1, "weight_decay": 0.0, "momentum": 0.5}, "use the config's momentum"),
        ({"lr": 0.1, "weight_decay": 0.0, "momentum": 0.0}, "momentum 0 means none, not 0.9"),
        (
            {"lr": 0.1, "weight_decay": 0.01, "momentum": 0.8, "nesterov": True},
            "use the config's nesterov",
        ),
    ],
)
def test_sgd_does_three_steps_as_by_hand(config: dict[str, Any], rule: str) -> None:
    model = net_with_known_weights()
    got = three_steps(model, optimizer_of(model, {"optimizer_type": "sgd", **config}))
    expected = sgd_by_hand(**config)
    assert np.allclose(got, expected, atol=1e-5), (
        f"with {config}, three steps of v <- m v + g, theta <- theta - lr v take the first weight "
        f"from 1 to {expected[0, 0]:.4f}, not to {got[0, 0]:.4f}: {rule}"
    )


@pytest.mark.beyond
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lr": 0.03},
        {"weight_decay": 0.2},
        {"betas": (0.5, 0.7)},
        {"eps": 0.5},
        {"amsgrad": True},
    ],
    ids=["plain", "lr", "weight_decay", "betas", "eps", "amsgrad"],
)
@pytest.mark.parametrize(
    ("optimizer_type", "reference"), [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)]
)
def test_adam_and_adamw_are_torch_s(
    optimizer_type: str, reference: type[torch.optim.Optimizer], options: dict[str, Any]
) -> None:
    config = config_of(optimizer_type, **options)
    model, twin = net_with_known_weights(), net_with_known_weights()
    got = three_steps(model, optimizer_of(model, dict(config)))
    del config["optimizer_type"]
    expected = three_steps(twin, reference(twin.parameters(), **config))
    assert np.allclose(got, expected, atol=1e-6), (
        f"with {config}, three steps of torch.optim.{reference.__name__} take the first weight "
        f"from 1 to {expected[0, 0]:.4f}, not to {got[0, 0]:.4f}: pass on the config's options"
    )


@pytest.mark.beyond
def test_dampening_is_passed_on() -> None:
    model, twin = net_with_known_weights(), net_with_known_weights()
    got = three_steps(model, optimizer_of(model, config_of("sgd", dampening=0.5)))
    reference = torch.optim.SGD(twin.parameters(), lr=LR, momentum=0.9, dampening=0.5)
    expected = three_steps(twin, reference)
    assert np.allclose(got, expected, atol=1e-6), (
        f"with dampening 0.5, three steps take the first weight from 1 to {expected[0, 0]:.4f}, "
        f"not to {got[0, 0]:.4f}: pass on the config's options"
    )


@pytest.mark.beyond
@pytest.mark.parametrize("optimizer_type", ["rmsprop", "sdg", None])
def test_unknown_type_is_refused_by_name(written: list[str], optimizer_type: str | None) -> None:
    config = {"optimizer_type": optimizer_type, "lr": 0.1, "weight_decay": 0.0}
    message = refusal_of(config)
    for part in (str(optimizer_type), *TYPES):
        assert part in message, (
            f"the error for optimizer_type {optimizer_type!r} must name it and list the allowed "
            f"types; it is {message!r}"
        )


@pytest.mark.beyond
@pytest.mark.parametrize("optimizer_type", TYPES)
@pytest.mark.parametrize("key", ["lr", "weight_decay"])
def test_missing_key_is_refused_by_name(optimizer_type: str, key: str) -> None:
    need(optimizer_type)
    config = config_of(optimizer_type)
    del config[key]
    message = refusal_of(config)
    assert key in message, f"the error for a config without {key} must name it; it is {message!r}"


@pytest.mark.beyond
@pytest.mark.parametrize("optimizer_type", TYPES)
def test_unknown_key_is_refused_by_name(optimizer_type: str) -> None:
    need(optimizer_type)
    message = refusal_of(config_of(optimizer_type, learn_rate=1.0))
    for part in ("learn_rate", "weight_decay"):
        assert part in message, (
            "the error for the unknown key 'learn_rate' must name it and list the allowed keys; "
            f"it is {message!r}"
        )


@pytest.mark.beyond
@pytest.mark.parametrize(
    ("optimizer_type", "key"),
    [(each, key) for each in TYPES for key in ("lr", "weight_decay")]
    + [("sgd", "momentum"), ("sgd", "dampening"), ("adam", "eps")],
)
def test_negative_value_is_refused_by_name(optimizer_type: str, key: str) -> None:
    need(optimizer_type)
    message = refusal_of(config_of(optimizer_type, **{key: -0.5}))
    assert key in message.replace(" ", "_"), (
        f"the error for {key} -0.5 must name it; it is {message!r}"
    )
