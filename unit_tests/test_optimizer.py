"""Step 1.3: does the optimizer do the arithmetic that the config asks for?"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from scene_recog.optimizer import get_optimizer

START = [[1.0, -2.0], [0.5, 3.0]]
GRADIENTS = [
    [[0.5, 1.0], [-1.0, 0.2]],
    [[-0.3, 0.4], [2.0, -0.6]],
    [[1.5, -1.0], [0.1, 0.7]],
]


def make_model() -> nn.Linear:
    """A linear layer with known weights and bias."""
    model = nn.Linear(2, 2)
    with torch.no_grad():
        model.weight.copy_(torch.tensor(START))
        model.bias.copy_(torch.tensor([0.1, -0.1]))
    return model


def three_steps(model: nn.Module, optimizer: torch.optim.Optimizer) -> np.ndarray:
    """The first parameter after three steps with the gradients above."""
    for gradient in GRADIENTS:
        for parameter in model.parameters():
            parameter.grad = torch.tensor(gradient if parameter.dim() == 2 else gradient[0])
        optimizer.step()
    return next(model.parameters()).detach().numpy()


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


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"lr": 0.1, "weight_decay": 0.0}, "momentum must be 0.9 when the config has none"),
        ({"lr": 0.02, "weight_decay": 0.0}, "the learning rate must be config['lr']"),
        ({"lr": 0.1, "weight_decay": 0.3}, "weight_decay must be passed on"),
        ({"lr": 0.1, "weight_decay": 0.0, "momentum": 0.5}, "momentum must be config's, if given"),
        ({"lr": 0.1, "weight_decay": 0.0, "momentum": 0.0}, "momentum 0 must mean no momentum"),
        (
            {"lr": 0.1, "weight_decay": 0.01, "momentum": 0.8, "nesterov": True},
            "nesterov must be passed on, if given",
        ),
    ],
)
def test_sgd_does_three_steps_as_by_hand(config: dict[str, Any], message: str) -> None:
    model = make_model()
    result = three_steps(model, get_optimizer(model, {"optimizer_type": "sgd", **config}))
    assert np.allclose(result, sgd_by_hand(**config), atol=1e-5), (
        f"after three SGD steps the weights differ from v <- m v + g, theta <- theta - lr v: "
        f"{message}"
    )


@pytest.mark.parametrize(
    ("optimizer_type", "reference"), [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)]
)
@pytest.mark.parametrize(("lr", "weight_decay"), [(0.1, 0.0), (0.03, 0.0), (0.1, 0.2)])
def test_adam_and_adamw_are_torch_s(
    optimizer_type: str, reference: type[torch.optim.Optimizer], lr: float, weight_decay: float
) -> None:
    model, twin = make_model(), make_model()
    config = {"optimizer_type": optimizer_type, "lr": lr, "weight_decay": weight_decay}
    result = three_steps(model, get_optimizer(model, config))
    expected = three_steps(twin, reference(twin.parameters(), lr=lr, weight_decay=weight_decay))
    assert np.allclose(result, expected, atol=1e-6), (
        f"{optimizer_type} must be torch.optim.{reference.__name__} with the config's lr and "
        "weight_decay, and torch's own defaults otherwise"
    )


@pytest.mark.parametrize(
    ("optimizer_type", "reference"), [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)]
)
@pytest.mark.parametrize(
    "option", [{"betas": (0.5, 0.7)}, {"eps": 0.5}, {"amsgrad": True}], ids=["betas", "eps", "ams"]
)
def test_adam_s_own_options_are_passed_on(
    optimizer_type: str, reference: type[torch.optim.Optimizer], option: dict[str, Any]
) -> None:
    model, twin = make_model(), make_model()
    config = {"optimizer_type": optimizer_type, "lr": 0.1, "weight_decay": 0.0, **option}
    result = three_steps(model, get_optimizer(model, config))
    expected = three_steps(twin, reference(twin.parameters(), lr=0.1, weight_decay=0.0, **option))
    assert np.allclose(result, expected, atol=1e-6), (
        f"the option must be passed on, if given: {option}"
    )


def test_dampening_is_passed_on() -> None:
    model, twin = make_model(), make_model()
    config = {"optimizer_type": "sgd", "lr": 0.1, "weight_decay": 0.0, "dampening": 0.5}
    result = three_steps(model, get_optimizer(model, config))
    reference = torch.optim.SGD(twin.parameters(), lr=0.1, momentum=0.9, dampening=0.5)
    assert np.allclose(result, three_steps(twin, reference), atol=1e-6), (
        "dampening must be passed on, if given"
    )


@pytest.mark.parametrize("optimizer_type", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("key", ["lr", "weight_decay"])
def test_missing_key_is_refused_by_name(optimizer_type: str, key: str) -> None:
    config = {"optimizer_type": optimizer_type, "lr": 0.1, "weight_decay": 0.0}
    del config[key]
    with pytest.raises(ValueError, match=key):
        get_optimizer(make_model(), config)


@pytest.mark.parametrize("optimizer_type", ["sgd", "adam", "adamw"])
def test_every_parameter_is_updated(optimizer_type: str) -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3))
    before = copy.deepcopy(model.state_dict())
    config = {"optimizer_type": optimizer_type, "lr": 0.1, "weight_decay": 0.0}
    optimizer = get_optimizer(model, config)
    assert isinstance(optimizer, torch.optim.Optimizer), "return a torch optimizer"
    model(torch.randn(4, 1, 4, 4)).square().sum().backward()
    optimizer.step()
    for name, parameter in model.named_parameters():
        if name != "0.bias":  # batch norm takes it away again: its gradient is zero but for noise
            assert not torch.equal(parameter, before[name]), f"{name} is not trained"


def test_config_is_left_as_it_was() -> None:
    config = {"optimizer_type": "sgd", "lr": 0.1, "weight_decay": 0.01, "momentum": 0.9}
    kept = dict(config)
    get_optimizer(make_model(), config)
    assert config == kept, "get_optimizer must not change the caller's config: copy before you pop"


@pytest.mark.parametrize("optimizer_type", ["rmsprop", "sdg", None])
def test_unknown_type_is_refused_by_name(optimizer_type: str | None) -> None:
    config = {"optimizer_type": optimizer_type, "lr": 0.1, "weight_decay": 0.0}
    with pytest.raises(ValueError, match=str(optimizer_type)) as caught:
        get_optimizer(make_model(), config)
    for allowed in ("sgd", "adam", "adamw"):
        assert allowed in str(caught.value), f"the error must list what is allowed: {allowed}"


@pytest.mark.parametrize("optimizer_type", ["sgd", "adam", "adamw"])
def test_unknown_key_is_refused_by_name(optimizer_type: str) -> None:
    config = {"optimizer_type": optimizer_type, "lr": 0.1, "weight_decay": 0.0, "learn_rate": 1.0}
    with pytest.raises(ValueError, match="learn_rate") as caught:
        get_optimizer(make_model(), config)
    assert "weight_decay" in str(caught.value), "the error must list the keys that are allowed"


@pytest.mark.parametrize("optimizer_type", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("key", ["lr", "weight_decay"])
def test_negative_value_is_refused_by_name(optimizer_type: str, key: str) -> None:
    config = {"optimizer_type": optimizer_type, "lr": 0.1, "weight_decay": 0.0, key: -0.5}
    with pytest.raises(ValueError, match=key.replace("_", "[_ ]")):
        get_optimizer(make_model(), config)


@pytest.mark.parametrize(
    ("optimizer_type", "key"), [("sgd", "momentum"), ("sgd", "dampening"), ("adam", "eps")]
)
def test_negative_option_is_refused_by_name(optimizer_type: str, key: str) -> None:
    config = {"optimizer_type": optimizer_type, "lr": 0.1, "weight_decay": 0.0, key: -0.9}
    with pytest.raises(ValueError, match=key):
        get_optimizer(make_model(), config)
