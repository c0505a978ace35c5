"""A trained network as plain data for the page: its steps in order, and their weights.

The network runs on two images, and each layer and function that it calls on the way is noted. Then
the steps are computed for other images and compared with the network, so that a page never shows
other numbers than the network's own.
"""

from __future__ import annotations

import base64
import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from scene_recog.models.copies import copy_of
from scene_recog.visualize.explorer.replay import agrees

Step = dict[str, Any]

_IMAGES = 2  # several, so that mixing them would show in a shape
# Functions by name, and the layers that do the same, with the same arguments after the first one.
_LAYER_OF_FUNCTION: dict[str, Callable[..., nn.Module]] = {
    "max_pool2d": nn.MaxPool2d, "avg_pool2d": nn.AvgPool2d, "lp_pool2d": nn.LPPool2d,
    "adaptive_avg_pool2d": nn.AdaptiveAvgPool2d, "adaptive_max_pool2d": nn.AdaptiveMaxPool2d,
    "relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "elu": nn.ELU, "selu": nn.SELU,
    "relu6": nn.ReLU6, "gelu": nn.GELU, "silu": nn.SiLU, "mish": nn.Mish,
    "softplus": nn.Softplus, "hardswish": nn.Hardswish, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid,
    "celu": nn.CELU, "hardtanh": nn.Hardtanh, "hardsigmoid": nn.Hardsigmoid,
    "softsign": nn.Softsign, "threshold": nn.Threshold,
    "interpolate": nn.Upsample, "upsample": nn.Upsample,
}  # fmt: skip
_UNCHANGED = {"contiguous", "clone", "detach", "float", "to", "type", "requires_grad"}
# They let Python see the image's values, and decide by them.
_PEEKS = {
    "__bool__", "__float__", "__int__", "__index__", "__array__", "__contains__", "item", "tolist",
    "numpy", "equal", "allclose", "is_nonzero", "nonzero",
}  # fmt: skip
_CLAMPS = {"clamp": ("min", "max"), "clip": ("min", "max"), "clamp_min": ("min",),
           "clamp_max": ("max",)}  # fmt: skip
_ENDLESS = 1e38  # as JSON has no infinity
_RESHAPES = {"flatten", "reshape", "view", "squeeze", "unsqueeze", "unflatten", "getitem"}
_SUMS = {"add", "iadd", "radd"}
_PRODUCTS = {"mul", "imul", "rmul", "multiply"}
_DIFFERENCES = {"sub", "isub", "subtract"}
_QUOTIENTS = {"div", "truediv", "itruediv", "divide", "true_divide"}
_MEANS = {"mean": "average", "amax": "maximum"}
_DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.AlphaDropout, nn.FeatureAlphaDropout)
# Activations, with their own settings that the page needs; its arithmetic.js has their formulas.
_ACTIVATIONS: dict[type[nn.Module], tuple[str, ...]] = {
    nn.ReLU: (), nn.ReLU6: (), nn.LeakyReLU: ("negative_slope",), nn.ELU: ("alpha",), nn.SELU: (),
    nn.GELU: ("approximate",), nn.SiLU: (), nn.Mish: (), nn.Softplus: ("beta", "threshold"),
    nn.Hardswish: (), nn.Tanh: (), nn.Sigmoid: (), nn.CELU: ("alpha",),
    nn.Hardtanh: ("min_val", "max_val"), nn.Hardsigmoid: (), nn.Softsign: (),
    nn.Threshold: ("threshold", "value"),
}  # fmt: skip


class UnknownLayerError(ValueError):
    """The page cannot compute one of the network's layers; the message names it."""


def describe_network(model: nn.Module, shape: Sequence[int]) -> tuple[list[Step], list[str]]:
    """The network's steps in the order of computation, and its weights.

    The first step is the image, the last one gives the logits. Each step has `kind`, `name` (the
    layer's name in the model, or that of the function), `inputs` (numbers of earlier steps),
    `shape` (of its output for one image), `settings`, and `weights` (name -> number of an array).

    Args:
        model: images [N, C, H, W] -> logits [N, classes]; it is not changed.
        shape: of one image, (C, H, W).

    Returns:
        (steps, arrays): plain data, and each array as float32 in base64, row by row.

    Raises:
        UnknownLayerError: a layer or an operation that the page cannot compute, or a `forward` that
            depends on the values of the image.
        ValueError: the network cannot be copied.
    """
    model = copy_of(model).cpu().float().eval()
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(_IMAGES, *shape, generator=generator)
    notes = _Notes(type(model).__name__, images)
    with torch.no_grad():
        expected = model(images.clone())
        with notes.of_layers(model), notes:
            outputs = model(images)
        if not isinstance(outputs, torch.Tensor) or id(outputs) not in notes.number_of:
            raise notes.unknown("a result that is not a tensor of scores computed from the image")
        if not torch.isfinite(expected).all():
            raise UnknownLayerError(f"the scores of {notes.owner} are not finite")
        if outputs.shape != expected.shape or not torch.allclose(outputs, expected, atol=1e-5):
            raise UnknownLayerError(
                f"{notes.owner} gives other scores each time, even in eval mode: is F.dropout "
                "called without training=self.training?"
            )
        steps, weights = notes.needed_for(notes.number_of[id(outputs)])
        others = torch.randn(_IMAGES + 1, *shape, generator=generator)
        if not agrees(steps, weights, others, model(others.clone())):
            raise UnknownLayerError(
                f"forward of {notes.owner} does something that the page cannot follow: its steps "
                "give other scores. Perhaps it changes values in place, or computes with the "
                "mean of an image"
            )
    return steps, [_base64(array) for array in weights]


class _Notes(TorchFunctionMode):
    """Notes what is computed from the images, as steps.

    Attributes:
        owner: the network's class.
        steps: see `describe_network`; what is not known has the kind "" and a longer name.
        arrays: weights, as tensors.
        number_of: id of a tensor -> the step that gives its value.
    """

    def __init__(self, owner: str, images: torch.Tensor) -> None:
        super().__init__()
        self.owner = owner
        self.steps: list[Step] = [_step("image", "image", [], list(images.shape[1:]))]
        self.arrays: list[torch.Tensor] = []
        self.number_of = {id(images): 0}
        self.kept: list[Any] = [images]  # so that no id is used twice
        self.depth = 0  # layers of torch.nn that are computing

    @contextlib.contextmanager
    def of_layers(self, model: nn.Module) -> Iterator[None]:
        """Note each layer of torch.nn as one step, whatever it calls."""

        def enter(*_: Any) -> None:
            self.depth += 1

        def leave(layer: nn.Module, given: tuple[Any, ...], result: Any, name: str) -> None:
            self.depth -= 1
            if not self.depth and given and isinstance(given[0], torch.Tensor):
                self._note(name, layer, given, {}, result)

        hooks = []
        for name, module in model.named_modules():
            if type(module).__module__.startswith("torch.nn") and not _is_container(module):
                hooks.append(module.register_forward_pre_hook(enter))
                hooks.append(
                    module.register_forward_hook(
                        lambda layer, given, result, name=name: leave(layer, given, result, name)
                    )
                )
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Called for each function of torch, with this mode off meanwhile."""
        result = func(*args, **(kwargs or {}))
        if not self.depth:
            name = str(getattr(func, "__name__", func))
            if name in _PEEKS and any(id(each) in self.number_of for each in _tensors(args)):
                raise UnknownLayerError(
                    f"forward of {self.owner} depends on the values of the image ({name}), so the "
                    "page cannot follow it"
                )
            self._note(name.strip("_"), None, args, kwargs or {}, result)
        return result

    def needed_for(self, last: int) -> tuple[list[Step], list[torch.Tensor]]:
        """The steps that the last one needs, and their weights, numbered anew.

        Raises:
            UnknownLayerError: one of them is not known.
        """
        needed = {last}
        for number in range(last, 0, -1):
            if number in needed:
                needed.update(self.steps[number]["inputs"])
        order = {number: place for place, number in enumerate(sorted(needed | {0}))}
        steps: list[Step] = []
        arrays: list[torch.Tensor] = []
        for number in order:
            step = self.steps[number]
            if not step["kind"]:
                raise self.unknown(step["name"])
            weights = {}
            for name, place in step["weights"].items():
                weights[name] = len(arrays)
                arrays.append(self.arrays[place])
            inputs = [order[each] for each in step["inputs"]]
            steps.append({**step, "inputs": inputs, "weights": weights})
        return steps, arrays

    def unknown(self, what: str) -> UnknownLayerError:
        """The error that says what the page cannot compute."""
        return UnknownLayerError(
            f"{self.owner} has something that the page cannot compute: {what}. It knows "
            "convolution, batch norm, pooling, activations, dropout, linear layers, flatten, sums, "
            "slices of maps and concatenations"
        )

    # ------------------------------------------------------------------- noting a step

    def _note(
        self, name: str, layer: nn.Module | None, args: Sequence[Any], kwargs: Any, result: Any
    ) -> None:
        given = [each for each in _tensors((*args, *kwargs.values())) if id(each) in self.number_of]
        if not given:
            return
        numbers = [self.number_of[id(each)] for each in given]
        if isinstance(layer, nn.Identity) or (layer is None and name in _UNCHANGED):
            self._keep(result, numbers[0])
            return
        for tensor in _tensors((result,)):
            step = _step("", name, numbers, list(tensor.shape[1:]))
            if tensor is result and tensor.ndim in (2, 4) and len(tensor) == _IMAGES:
                # what is called in an unusual way stays unknown
                with contextlib.suppress(TypeError, ValueError, AssertionError, LookupError):
                    known = layer or _as_layer(name, args, kwargs)
                    if known is None:
                        self._describe_function(step, name, args, kwargs, given, tensor)
                    else:
                        self._describe_layer(known, step, given[0])
            else:
                step["name"] += f" with a result of shape {list(tensor.shape)}"
            self.steps.append(step)
            self._keep(tensor, len(self.steps) - 1)

    def _keep(self, tensor: torch.Tensor, number: int) -> None:
        self.number_of[id(tensor)] = number
        self.kept.append(tensor)

    def _describe_layer(self, layer: nn.Module, step: Step, given: torch.Tensor) -> None:
        """Say what a layer does; a kind that stays empty is not known."""
        settings, kind = step["settings"], type(layer)
        if isinstance(layer, nn.Conv2d) and layer.padding_mode == "zeros":
            self._describe_convolution(
                step, layer.weight, layer.bias, layer.stride, layer.padding, layer.dilation,
                layer.groups,
            )  # fmt: skip
        elif isinstance(layer, nn.Linear) and given.ndim == 2:
            step["kind"] = "linear"
            self._add_weights(step, weight=layer.weight, bias=layer.bias)
        elif isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) and layer.running_mean is not None:
            step["kind"] = "batch norm"
            settings["epsilon"] = layer.eps
            self._add_weights(
                step, mean=layer.running_mean, variance=layer.running_var,
                gamma=layer.weight, beta=layer.bias,
            )  # fmt: skip
        elif isinstance(layer, nn.MaxPool2d) and not layer.return_indices:
            step["kind"] = "max pooling"
            settings |= _window(layer, _pair(layer.padding), _pair(layer.dilation))
        elif isinstance(layer, nn.AvgPool2d):
            step["kind"] = "average pooling"
            settings |= _window(layer, _pair(layer.padding), [1, 1])
            settings["counts_padding"] = layer.count_include_pad
            settings["divisor"] = layer.divisor_override or 0
        elif isinstance(layer, nn.LPPool2d):
            step["kind"] = "power pooling"
            settings |= _window(layer, [0, 0], [1, 1])
            settings["power"] = float(layer.norm_type)
        elif isinstance(layer, nn.AdaptiveAvgPool2d):
            step["kind"], settings["how"] = "adaptive pooling", "average"
        elif isinstance(layer, nn.AdaptiveMaxPool2d) and not layer.return_indices:
            step["kind"], settings["how"] = "adaptive pooling", "maximum"
        elif isinstance(layer, nn.Upsample) and layer.mode == "nearest":
            step["kind"] = "upsampling"
        elif isinstance(layer, nn.Flatten | nn.Unflatten):
            step["kind"] = "reshape"
        elif isinstance(layer, _DROPOUTS):
            step["kind"], settings["probability"] = "dropout", layer.p
            settings["of_maps"] = not isinstance(layer, nn.Dropout | nn.AlphaDropout)
        elif isinstance(layer, nn.PReLU):
            step["kind"], settings["function"] = "activation", "PReLU"
            self._add_weights(step, slope=layer.weight)
        elif kind in _ACTIVATIONS:
            step["kind"] = "activation"
            settings["function"] = kind.__name__
            settings |= {name: getattr(layer, name) for name in _ACTIVATIONS[kind]}
        else:
            step["name"] += f", {layer!r}".split("\n")[0]

    def _describe_convolution(
        self, step: Step, weight: torch.Tensor, bias: torch.Tensor | None = None,
        stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1,
    ) -> None:  # fmt: skip
        step["kind"] = "convolution"
        kernel = list(weight.shape[2:])
        if isinstance(padding, str):  # torch puts the odd one at the end
            wide = zip(_pair(dilation), kernel, strict=True)
            padding = [d * (k - 1) // 2 if padding == "same" else 0 for d, k in wide]
        step["settings"] |= {
            "kernel": kernel, "stride": _pair(stride), "padding": _pair(padding),
            "dilation": _pair(dilation), "groups": groups,
        }  # fmt: skip
        self._add_weights(step, weight=weight, bias=bias)

    def _describe_function(
        self, step: Step, name: str, args: Sequence[Any], kwargs: Any,
        given: list[torch.Tensor], result: torch.Tensor,
    ) -> None:  # fmt: skip
        """The same for a function that no layer stands for."""
        settings, shape = step["settings"], given[0].shape
        numbers = [each for each in args if isinstance(each, int | float)]
        scale = _scale(name, numbers[0], args[0] is given[0]) if len(numbers) == 1 else None
        if name == "conv2d" and len(given) == 1:
            self._describe_convolution(step, *args[1:], **kwargs)
        elif name == "linear" and len(given) == 1 and given[0].ndim == 2:
            step["kind"] = "linear"
            arrays = dict(zip(("weight", "bias"), args[1:], strict=False))
            self._add_weights(step, **arrays, **kwargs)
        elif name in _RESHAPES and result.numel() == given[0].numel():
            step["kind"] = "reshape"
        elif name == "getitem" and (first := _first_of_slice(*args)) is not None:
            step["kind"], settings["first"] = "selection", first
        elif name in _SUMS and len(given) == 2 and shape == given[1].shape and not kwargs:
            step["kind"] = "sum"
        elif name in ("cat", "concat", "concatenate") and _is_along_maps(args, kwargs, result):
            step["kind"] = "concatenation"
        elif name == "batch_norm" and len(given) == 1:
            step["kind"] = "batch norm"
            names = ("input", "running_mean", "running_var", "weight", "bias", "training",
                     "momentum", "eps")  # fmt: skip
            values = dict(zip(names, args, strict=False)) | kwargs
            settings["epsilon"] = values.get("eps", 1e-5)
            self._add_weights(
                step, mean=values["running_mean"], variance=values["running_var"],
                gamma=values.get("weight"), beta=values.get("bias"),
            )  # fmt: skip
        elif name in _MEANS and len(shape) == 4 and result.numel() == math.prod(shape[:2]):
            step["kind"], settings["how"] = "adaptive pooling", _MEANS[name]
        elif scale is not None and len(args) == 2 and not kwargs:
            step["kind"] = "scaling"
            settings["factor"], settings["shift"] = scale

    def _add_weights(self, step: Step, **arrays: torch.Tensor | None) -> None:
        for name, array in arrays.items():
            if array is not None:
                step["weights"][name] = len(self.arrays)
                self.arrays.append(array.detach().clone())


def _as_layer(name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> nn.Module | None:
    """The layer that does what a function call does; None if there is none."""
    options = {key: value for key, value in kwargs.items() if key != "input"}
    if name in _CLAMPS:
        bounds = dict(zip(_CLAMPS[name], args[1:], strict=False)) | options
        lowest, highest = bounds.get("min"), bounds.get("max")
        return nn.Hardtanh(
            -_ENDLESS if lowest is None else float(lowest),
            _ENDLESS if highest is None else float(highest),
        )
    if name in ("dropout", "dropout2d"):  # in eval mode; else the scores differ each time
        probability = options.get("p", args[1] if len(args) > 1 else 0.5)
        return nn.Dropout(probability) if name == "dropout" else nn.Dropout2d(probability)
    if name in ("interpolate", "upsample"):
        options = {key: value for key, value in options.items() if value not in (None, False)}
    if name in _LAYER_OF_FUNCTION:
        return _LAYER_OF_FUNCTION[name](*args[1:], **options)
    return None


def _scale(name: str, number: float, is_first: bool) -> tuple[float, float] | None:
    """(factor, shift) of `x * 2`, `1 - x` and the like."""
    if name in _SUMS:
        return 1.0, float(number)
    if name in _PRODUCTS:
        return float(number), 0.0
    if name in _DIFFERENCES:
        return (1.0, -float(number)) if is_first else (-1.0, float(number))
    if name == "rsub":
        return -1.0, float(number)
    if name in _QUOTIENTS and is_first:
        return 1 / float(number), 0.0
    return None


def _is_container(module: nn.Module) -> bool:
    return isinstance(module, nn.Sequential | nn.ModuleList | nn.ModuleDict) or (
        type(module) is nn.Module
    )


def _is_along_maps(args: Sequence[Any], kwargs: dict[str, Any], result: torch.Tensor) -> bool:
    return kwargs.get("dim", args[1] if len(args) > 1 else 0) in (1, 1 - result.ndim)


def _first_of_slice(x: torch.Tensor, index: Any) -> int | None:
    """Where maps begin that are taken by `x[:, first:last]`; None for any other index."""
    parts = list(index) if isinstance(index, tuple) else []
    while parts and parts[-1] in (slice(None), Ellipsis):
        parts.pop()
    if len(parts) != 2 or parts[0] != slice(None) or not isinstance(parts[1], slice):
        return None
    first, _, stride = parts[1].indices(x.shape[1])
    return first if stride == 1 else None


def _window(layer: Any, padding: list[int], dilation: list[int]) -> dict[str, Any]:
    stride = layer.stride if layer.stride is not None else layer.kernel_size
    return {"kernel": _pair(layer.kernel_size), "stride": _pair(stride), "padding": padding,
            "dilation": dilation}  # fmt: skip


def _tensors(values: Sequence[Any]) -> list[torch.Tensor]:
    """The tensors among values, and in lists and tuples of them."""
    found = []
    for value in values:
        if isinstance(value, torch.Tensor):
            found.append(value)
        elif isinstance(value, list | tuple):
            found += _tensors(value)
    return found


def _step(kind: str, name: str, inputs: list[int], shape: list[int]) -> Step:
    return {"kind": kind, "name": name, "inputs": inputs, "shape": shape, "settings": {},
            "weights": {}}  # fmt: skip


def _pair(value: Any) -> list[int]:
    parts = [value] if isinstance(value, int) else list(value)
    return [int(part) for part in (parts * 2 if len(parts) == 1 else parts)]


def _base64(array: torch.Tensor) -> str:
    values = np.ascontiguousarray(array.detach().cpu().numpy(), dtype="<f4")
    return base64.b64encode(values.tobytes()).decode("ascii")
