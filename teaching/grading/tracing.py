"""A network as plain data: its modules, and what its forward does.

This runs beside the student's code, in the sandbox; `teaching.grading.replica` rebuilds the network
where the tests run. It needs only torch and numpy.

Plain data is None, bool, int, float, str, list, tuple, dict with str keys and CPU tensors. A dict
with one key represents what is not plain: {"ref": 3} for a value that was computed before,
{"parameter": "fc.weight"}, {"buffer": ...}, {"tensor": a constant}, {"slice": [1, None, 2]},
{"torch": "torch.float32"}, {"device": "cpu"}, {"ellipsis": None}, {"dict": {...}}, and
{"thing": "MyClass"} for an object with only a type name.
"""

from __future__ import annotations

import contextlib
import inspect
import random
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.autograd.function import BackwardCFunction
from torch.nn.parameter import is_lazy
from torch.overrides import TorchFunctionMode, get_overridable_functions, resolve_name

CONTAINERS = ("Module", "Sequential", "ModuleList", "ModuleDict")
STANDARD = tuple(
    """
    Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d Linear Bilinear Identity
    BatchNorm1d BatchNorm2d BatchNorm3d InstanceNorm1d InstanceNorm2d InstanceNorm3d GroupNorm
    LayerNorm RMSNorm LocalResponseNorm
    MaxPool1d MaxPool2d MaxPool3d AvgPool1d AvgPool2d AvgPool3d LPPool1d LPPool2d
    AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d
    AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d
    Dropout Dropout1d Dropout2d Dropout3d AlphaDropout FeatureAlphaDropout
    ReLU ReLU6 LeakyReLU PReLU RReLU ELU CELU SELU GELU GLU SiLU Mish Sigmoid Tanh LogSigmoid
    Hardtanh Hardswish Hardsigmoid Hardshrink Softshrink Tanhshrink Softplus Softsign Threshold
    Softmax Softmax2d LogSoftmax Softmin
    Flatten Unflatten Upsample UpsamplingNearest2d UpsamplingBilinear2d
    ZeroPad1d ZeroPad2d ZeroPad3d ConstantPad1d ConstantPad2d ConstantPad3d
    ReflectionPad1d ReflectionPad2d ReflectionPad3d
    ReplicationPad1d ReplicationPad2d ReplicationPad3d
    CircularPad1d CircularPad2d CircularPad3d
    PixelShuffle PixelUnshuffle ChannelShuffle Fold Unfold CosineSimilarity PairwiseDistance
    CrossEntropyLoss NLLLoss MSELoss L1Loss SmoothL1Loss HuberLoss BCELoss BCEWithLogitsLoss
    KLDivLoss MultiMarginLoss MultiLabelMarginLoss MultiLabelSoftMarginLoss PoissonNLLLoss
    """.split()  # noqa: SIM905
)
# Overriding these does not change what a module computes.
HARMLESS = {"__init__", "__repr__", "extra_repr", "reset_parameters", "__doc__", "__module__"}
CONSTANT_SIZE = 1 << 20  # values of a tensor that is neither parameter, buffer nor computed
READ_ONLY = {"tolist", "numpy", "__array__", "__format__", "__repr__"}  # results are not traced

_DTYPES = "float16 bfloat16 float32 float64 complex64 complex128 uint8 int8 int16 int32 int64 bool"
_FORMATS = "contiguous_format preserve_format channels_last channels_last_3d strided"
TORCH_VALUES = {f"torch.{name}": getattr(torch, name) for name in f"{_DTYPES} {_FORMATS}".split()}

# Functions of torch that touch memory, files, devices or a tensor's Python side, call a function
# that they are given, can take long because of a number, exist only for other kinds of tensors, or
# are internal.
_NOT_FOLLOWED = re.compile(
    r"""_(?!_).* | .*hook.* | .*backward.* | .*storage.* | .*numpy.* | .*_ptr | .*grad | tolist
    | apply_ | map2?_ | module_load | as_strided.* | resize.* | set_ | share_.* | pin_.* | record_.*
    | cuda | ipu | xpu | mtia | mps | .*mkldnn.* | .*cudnn.* | miopen.* | fbgemm.* | fused_.*
    | .*quant(ize|ized)_?.* | q_.* | qscheme | int_repr | choose_.* | .*sparse.* | .*_indices.*
    | indices | values | coalesce | hspmm | spmm | smm | sspaddmm | lobpcg | native_.* | .*_copy
    | batch_norm_.* | (quantized_)?(rnn|lstm|gru).* | ctc_loss | embedding_bag | sym_.* | autocast
    | histogramdd | hash_tensor | slice_inverse | nonzero_static | .*_with_distance_loss | is_.*
    | get_device | .*polynomial.* | .*fractional.* | polygamma_? | lu_.* | or[mg]qr | geqrf
    | triangular_solve | ldl_.* | householder.*""",
    re.VERBOSE,
)
_OPERATORS = re.compile(
    r"__(get|set)item__|__[ir]?(add|sub|mul|matmul|truediv|div|floordiv|mod|pow|and|or|xor"
    r"|lshift|rshift)__|__(eq|ne|lt|le|gt|ge|neg|pos|abs|invert|float|reversed)__"
)
_PROPERTIES = ("T", "H", "mT", "mH", "real", "imag", "data")
_FACTORIES = tuple(
    """
    arange empty eye full linspace logspace ones rand randint randn randperm zeros tensor as_tensor
    scalar_tensor normal empty_like full_like ones_like zeros_like rand_like randn_like
    randint_like clamp conv1d conv2d conv3d avg_pool1d
    """.split()  # noqa: SIM905
)


class NotTraceable(Exception):  # noqa: N818, it is not the student's error
    """A forward does something that cannot be traced; one line says what."""


@cache
def functions() -> dict[str, Callable[..., Any]]:
    """The functions of torch that are traced, by their full name."""
    found: dict[str, Callable[..., Any]] = {}
    public = [each for group in get_overridable_functions().values() for each in group]
    public += [getattr(torch, name) for name in _FACTORIES if hasattr(torch, name)]
    public += [getattr(torch.Tensor, f"new_{n}") for n in ("zeros", "ones", "full", "empty")]
    public += [each for name, each in vars(nn.init).items() if re.fullmatch(r"[a-z]\w*_", name)]
    public += [torch.Tensor.new_tensor, torch.Tensor.unflatten, torch._weight_norm]
    for function in public:
        name = name_of(function)
        *_, owner, last = name.split(".")
        if last == "__get__":
            is_followed = owner in _PROPERTIES
        elif last.startswith("__"):
            is_followed = bool(_OPERATORS.fullmatch(last))
        else:
            is_followed = not _NOT_FOLLOWED.fullmatch(last) or name == "torch._weight_norm"
        if name.startswith("torch.") and is_followed:
            found[name] = function
    return found


def name_of(function: Any) -> str:
    """Such as "torch.Tensor.add" or "torch.nn.functional.relu"."""
    if name := resolve_name(function):
        return str(name)
    own = str(getattr(function, "__name__", "?"))
    return f"torch.{'Tensor.' if getattr(torch.Tensor, own, None) is function else ''}{own}"


def leaves(value: Any) -> list[Any]:
    """The tensors and floats in nested tuples, lists and dicts, in order."""
    if isinstance(value, torch.Tensor | float):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, tuple | list):
        return [leaf for each in value for leaf in leaves(each)]
    return []


# ----------------------------------------------------------------- description


def describe(net: nn.Module) -> dict[str, Any]:
    """The modules of a network.

    Lazy modules get their sizes first, from two images [2, 1, 64, 64].

    Returns:
        modules: dicts, children before parents, the net itself last. Each has class, the student's
            name for it; base, the class of torch.nn that it is or extends; custom, whether it
            overrides the computation; options of base's constructor; training; children,
            parameters and buffers by name, as numbers of modules and tensors; temporary, the
            buffers that are not saved.
        tensors: the values of parameters and buffers; shared ones only once.
        learns: for each tensor, its requires_grad.
        others: other attributes of the net, {"value": ...} or {"type": ..., "callable": ...}.
    """
    _give_sizes(net)
    modules: list[dict[str, Any]] = []
    numbers: dict[int, int] = {}
    tensors: list[torch.Tensor] = []
    tensor_numbers: dict[int, int] = {}

    def number_of(tensor: torch.Tensor | None) -> int | None:
        if tensor is None:
            return None
        if id(tensor) not in tensor_numbers:
            tensor_numbers[id(tensor)] = len(tensors)
            tensors.append(tensor)
        return tensor_numbers[id(tensor)]

    def add(module: nn.Module) -> int:
        if id(module) not in numbers:
            children = {
                name: None if child is None else add(child)
                for name, child in module._modules.items()
            }
            own = {
                **_kind(module),
                "training": module.training,
                "children": children,
                "parameters": {
                    name: number_of(each)
                    for name, each in module._parameters.items()
                    if each is None or not is_lazy(each)
                },
                "buffers": {
                    name: number_of(each)
                    for name, each in module._buffers.items()
                    if each is None or not is_lazy(each)
                },
                "temporary": sorted(module._non_persistent_buffers_set),
            }
            numbers[id(module)] = len(modules)
            modules.append(own)
        return numbers[id(module)]

    add(net)
    return {
        "modules": modules,
        "tensors": [_values(each) for each in tensors],
        "learns": [each.requires_grad for each in tensors],
        "others": _others(net),
    }


def _give_sizes(net: nn.Module) -> None:
    """Let lazy modules find their sizes; if that fails, trace() reports it."""
    if any(is_lazy(each) for each in [*net.parameters(), *net.buffers()]):
        modes = {module: module.training for module in net.modules()}
        with contextlib.suppress(Exception), torch.no_grad():
            net.eval()(torch.zeros(2, 1, 64, 64))
        for module, mode in modes.items():
            module.training = mode


def _values(tensor: torch.Tensor) -> torch.Tensor:
    if tensor.layout != torch.strided or tensor.is_quantized:
        raise NotTraceable(f"there is a tensor of layout {tensor.layout}")
    return tensor.detach().cpu().clone().as_subclass(torch.Tensor)


def _kind(module: nn.Module) -> dict[str, Any]:
    """Class, base, custom and options of a module's description."""
    name = type(module).__name__
    custom = {"class": name, "base": "Module", "custom": True, "options": {}}
    base = next((cls for cls in type(module).__mro__ if _is_standard(cls)), nn.Module)
    if base is nn.Module:
        return custom
    options = _options(module, base) if base.__name__ not in CONTAINERS else {}
    if options is None:
        return custom
    own = {
        attribute
        for cls in type(module).__mro__[: type(module).__mro__.index(base)]
        for attribute in vars(cls)
        if attribute not in HARMLESS and hasattr(base, attribute)
    }
    is_custom = bool(
        {each for each in own if callable(getattr(module, each, None))}
        or "forward" in vars(module)
        or "parametrizations" in module._modules
        or module._forward_hooks
        or module._forward_pre_hooks
        or any(is_lazy(each) for each in module.parameters(recurse=False))
    )
    return {"class": name, "base": base.__name__, "custom": is_custom, "options": options}


def _is_standard(cls: type) -> bool:
    is_named = cls.__name__ in STANDARD or cls.__name__ in CONTAINERS
    return is_named and getattr(nn, cls.__name__, None) is cls


def _options(module: nn.Module, base: type) -> dict[str, Any] | None:
    """Constructor arguments from attributes of the same name; None if some are missing."""
    found = {}
    for name, parameter in inspect.signature(base).parameters.items():
        value = getattr(module, name, inspect.Parameter.empty)
        if name == "bias" and not isinstance(value, bool):
            found[name] = value is not None
            continue
        try:
            found[name] = _plain(value)
        except NotTraceable:
            if parameter.default is inspect.Parameter.empty and name != "args":
                return None
    return found


def _plain(value: Any) -> Any:
    """Numbers, names and tuples of them, without numpy's types."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value] if type(value) is list else _plain_tuple(value)
    raise NotTraceable(f"{type(value).__name__} is not a plain value")


def _plain_tuple(value: Any) -> tuple[Any, ...]:
    return tuple(_plain(each) for each in value)


def _others(net: nn.Module) -> dict[str, Any]:
    names = {
        name for name in vars(net) if not name.startswith("_") and not hasattr(nn.Module, name)
    }
    names |= {"conv_layers", "fc_layers", "loss_criterion"}
    parts = {*net._modules, *net._parameters, *net._buffers, "training"}
    found = {}
    for name in sorted(names - parts):
        if not hasattr(net, name):
            continue
        value = getattr(net, name)
        try:
            found[name] = {"value": _plain(value)}
        except NotTraceable:
            found[name] = {"type": type(value).__name__, "callable": callable(value)}
    return found


# ----------------------------------------------------------------------- trace


def trace(net: nn.Module, x: torch.Tensor, training: bool, path: str = "") -> dict[str, Any]:
    """What forward does with x: the calls of modules and of torch's functions, in order.

    The net and the random generators are restored afterwards.

    Args:
        net: as given to `describe`.
        x: any values; decisions of forward that depend on values of x are fixed here.
        training: the mode of the net.
        path: of the module to call with x, such as "conv_layers.0"; "" for the net itself.

    Returns:
        A node with `takes`, `body`, `returns`: values are numbered in the order in which they
        appear, first the arguments (`takes`), then the results of each node (`gives`). A node of
        the body is one of
        - {"call": name, "args", "kwargs", "grad", "gives"}: a function of torch;
        - {"module": path, "args", "kwargs", "grad", "gives"}: a standard module;
        - the same with "takes", "body", "returns": a module of the student's own, or one that
          contains such modules;
        - {"mode": {path: training}}: modules changed to another mode;
        - {"set": path, "kind": ..., "parameters": {...}}: a module was replaced by a new one.

    Raises:
        NotTraceable: forward does something that cannot be traced.
        Any error of forward.
    """
    with unchanged(net):
        if net.training != training:
            net.train(training)
        recording = _Recording(net)
        x = x.detach().clone()
        recording.known[id(x)] = -1
        module = net.get_submodule(path)
        call = nn.Module.__call__

        def recorded(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
            return recording.module(call, self, args, kwargs)

        nn.Module.__call__ = recorded  # type: ignore[method-assign]
        try:
            with torch.enable_grad(), recording:
                module(x)
        finally:
            nn.Module.__call__ = call  # type: ignore[method-assign]
        root: dict[str, Any] = recording.nodes[-1]
        return root


@contextlib.contextmanager
def unchanged(net: nn.Module) -> Iterator[None]:
    """Restore a net and the random generators afterwards."""
    tables = ("_parameters", "_buffers", "_modules")
    attributes = [
        (module, dict(vars(module)), {name: dict(vars(module)[name]) for name in tables})
        for module in net.modules()
    ]
    tensors = [
        (each, each.detach().clone(), each.requires_grad)
        for each in [*net.parameters(), *net.buffers()]
        if not is_lazy(each)
    ]
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        for module, own, entries in attributes:
            vars(module).clear()
            vars(module).update(own)
            for name, entry in entries.items():
                own[name].clear()
                own[name].update(entry)
        with torch.no_grad():
            for tensor, value, learns in tensors:
                if tensor.shape == value.shape:
                    tensor.data.copy_(value)
                else:
                    tensor.data = value
                tensor.requires_grad_(learns)
        torch.set_rng_state(states[0])
        random.setstate(states[1])
        np.random.set_state(states[2])


class _Recording(TorchFunctionMode):
    """Records the calls of modules and of torch's functions while it is active."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net
        self.nodes: list[dict[str, Any]] = []
        self.known: dict[int, int] = {}  # id of a tensor or float: its number
        self.kept: list[Any] = []  # all of these, so that no id is used twice
        self.paths: dict[int, str] = {id(module): path for path, module in net.named_modules()}
        self.named: dict[int, dict[str, Any]] = {}
        self.named |= {id(each): {"buffer": name} for name, each in net.named_buffers()}
        self.named |= {id(each): {"parameter": name} for name, each in net.named_parameters()}
        self.new: list[nn.Module] = []  # added during forward; kept as well
        self.standard: dict[str, bool] = {}  # path: whether nothing in it is the student's own
        self.modes = {path: module.training for path, module in net.named_modules()}
        self.is_paused = False

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        before, self.is_paused = self.is_paused, True
        try:
            yield
        finally:
            self.is_paused = before

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if self.is_paused:
            return func(*args, **kwargs)
        node: dict[str, Any] = {"call": name_of(func), "grad": torch.is_grad_enabled()}
        problem = None  # reading only a shape is no problem
        try:
            node["args"] = self.encode(args)
            node["kwargs"] = {name: self.encode(each) for name, each in kwargs.items()}
        except NotTraceable as error:
            problem = error
        result = func(*args, **kwargs)
        name = node["call"]
        last = name.rpartition(".")[2]
        changes = last == "__setitem__" or name == "torch.Tensor.data.__set__"
        if torch.is_autocast_enabled("cpu"):
            problem = NotTraceable("forward uses autocast")
        if last not in READ_ONLY and (leaves(result) or changes):
            if name not in functions():
                raise NotTraceable(f"forward uses {name}")
            if problem:
                raise problem
            node["gives"] = self.number(result)
            self.nodes.append(node)
        return result

    def module(self, call: Any, module: nn.Module, args: Any, kwargs: Any) -> Any:
        """Call a module, and record it."""
        if self.is_paused:
            return call(module, *args, **kwargs)
        with self.paused():
            self.note_changes()
            path = self.paths.get(id(module))
            if path is not None:
                node: dict[str, Any] = {
                    "module": path,
                    "args": self.encode(args, is_lenient=True),
                    "kwargs": {k: self.encode(v, is_lenient=True) for k, v in kwargs.items()},
                    "grad": torch.is_grad_enabled(),
                }
        if (
            path is None
        ):  # created in forward, such as a slice of a Sequential: record only its calls
            return call(module, *args, **kwargs)
        given = leaves((args, kwargs))
        self.nodes.append(node)
        if path not in self.standard:
            self.standard[path] = not any(_kind(each)["custom"] for each in module.modules())
        if self.standard[path]:
            with self.paused():
                result = call(module, *args, **kwargs)
        else:
            outer, self.nodes = self.nodes, []
            before = {id(leaf): self.known.get(id(leaf)) for leaf in given}
            node["takes"] = self.number(given)
            result = call(module, *args, **kwargs)
            with self.paused():
                self.note_changes()
                node |= {"body": self.nodes, "returns": self.encode(result, is_lenient=True)}
            self.nodes = outer
            for key, number in before.items():
                self.known.pop(key)
                if number is not None:
                    self.known[key] = number
        with self.paused():
            # x and Identity()(x) are the same tensor, but a hook may replace the second.
            result = _with_aliases(result, {id(leaf) for leaf in given})
        node["gives"] = self.number(result)
        return result

    def number(self, value: Any) -> int:
        """Number the tensors and floats in value; returns how many there are."""
        found = leaves(value)
        for leaf in found:
            self.known[id(leaf)] = len(self.kept)
            self.kept.append(leaf)
        return len(found)

    def note_changes(self) -> None:
        """Record the modules that are new since the last call, and those whose mode changed."""
        found = list(self.net.named_modules())
        for path, module in found:
            if id(module) not in self.paths:
                self.note_new(path, module)
        changed = {p: m.training for p, m in found if self.modes.get(p, m.training) != m.training}
        if changed:
            self.modes.update(changed)
            self.nodes.append({"mode": changed})

    def note_new(self, path: str, module: nn.Module) -> None:
        kind = _kind(module)
        if kind["custom"] or module._modules or module._buffers:
            raise NotTraceable(f"forward creates a new {kind['class']} at {path}")
        parameters = {
            name: None if each is None else self.encode(each)
            for name, each in module._parameters.items()
        }
        self.nodes.append({"set": path, "kind": kind, "parameters": parameters})
        self.new.append(module)
        self.paths[id(module)] = path

    def encode(self, value: Any, is_lenient: bool = False) -> Any:
        """Plain data for an argument or a result."""
        if isinstance(value, torch.Tensor) and isinstance(value.grad_fn, BackwardCFunction):
            raise NotTraceable("forward uses a function with its own gradient")
        if id(value) in self.known and isinstance(value, torch.Tensor | float):
            return {"ref": self.known[id(value)]}
        if isinstance(value, torch.Tensor):
            return self.named.get(id(value)) or self.constant(value)
        if isinstance(value, np.ndarray):
            return self.constant(torch.from_numpy(value.copy()))
        if isinstance(value, tuple | range):
            return tuple(self.encode(each, is_lenient) for each in value)
        if isinstance(value, list):
            return [self.encode(each, is_lenient) for each in value]
        if isinstance(value, dict) and all(type(key) is str for key in value):
            return {"dict": {key: self.encode(each, is_lenient) for key, each in value.items()}}
        if isinstance(value, slice):
            return {"slice": [self.encode(e) for e in (value.start, value.stop, value.step)]}
        if value is Ellipsis:
            return {"ellipsis": None}
        if isinstance(value, torch.device):
            return {"device": value.type}
        if isinstance(value, torch.dtype | torch.memory_format | torch.layout):
            return {"torch": str(value)}
        try:
            return _plain(value)
        except NotTraceable:
            if is_lenient:
                return {"thing": type(value).__name__}
            raise NotTraceable(f"forward passes a {type(value).__name__} to torch") from None

    def constant(self, tensor: torch.Tensor) -> dict[str, Any]:
        """A tensor that existed before, or was not made by torch's functions."""
        for leaf in reversed(self.kept) if isinstance(tensor, nn.Parameter) else ():
            if isinstance(leaf, torch.Tensor) and _is_same_memory(leaf, tensor):
                return {"ref": self.known[id(leaf)]}  # Parameter(leaf)
        if tensor.grad_fn is not None:
            raise NotTraceable("forward uses a tensor that was not computed with torch's functions")
        if tensor.numel() > CONSTANT_SIZE:
            raise NotTraceable(f"forward uses a constant tensor of {tensor.numel()} values")
        return {"tensor": _values(tensor)}


def _is_same_memory(one: torch.Tensor, other: torch.Tensor) -> bool:
    return (
        one.data_ptr() == other.data_ptr()
        and one.shape == other.shape
        and one.stride() == other.stride()
    )


def _with_aliases(value: Any, given: set[int]) -> Any:
    """The same, with new tensors in place of given ones."""
    if isinstance(value, torch.Tensor):
        return value.view_as(value) if id(value) in given else value
    if type(value) in (tuple, list):
        return type(value)(_with_aliases(each, given) for each in value)
    return value
