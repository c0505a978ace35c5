"""Rebuild a network from plain data, so that it computes the same as the student's network.

This runs where the tests run. The data comes from `teaching.grading.tracing` beside the student's
code, so it cannot be trusted: only modules of torch.nn and functions of torch that are listed there
are used, with tensors and plain values. Sizes are checked before anything is allocated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only
from torch.utils.flop_counter import flop_registry

from teaching.grading.tracing import CONTAINERS, STANDARD, TORCH_VALUES, functions, leaves

MODULES = 1000  # of a net; repeated ones count each time
DEPTH = 40  # of modules in modules, and of values in values
WEIGHTS = 1 << 27  # values, of a net
VALUES = 1 << 26  # of any tensor that is computed
NAME = 100  # characters
NODES = 5000  # of a trace
ITEMS = 200_000  # of plain values in a trace
OPERATIONS = 50_000  # of torch, within one forward
COMPUTED = 1 << 29  # values, within one forward
FLOPS = 4e12  # within one forward
MATRIX = 1 << 20  # values, of a matrix for torch.linalg
PARTS = 100_000  # into which a dimension may be split
SPLITS = ("unbind", "split", "split_with_sizes", "unsafe_split", "unsafe_split_with_sizes")
# Operations whose result has a size that depends on values, but is no larger than their input.
BOUNDED = {"_local_scalar_dense", "nonzero", "masked_select", "equal", "_unique2", "is_nonzero"}
# Errors of torch's modules for wrong arguments.
_ERRORS = (RuntimeError, TypeError, ValueError, IndexError, AttributeError)


class NotUnderstood(ValueError):  # noqa: N818, a person reads it as it is
    """A description or a trace is invalid or too large; one line says why."""


class TraceFor(Protocol):
    """Asks the worker for `tracing.trace`; raises the errors of the student's forward.

    `path` is given only if a test calls a part of the net with a module of the student's own, such
    as `net.conv_layers(x)`.
    """

    def __call__(self, training: bool, shape: tuple[int, ...], path: str = ..., /) -> Any: ...


Remote = Callable[[str], Callable[..., Any]]


def replica(description: Any, trace_for: TraceFor, remote: Remote | None = None) -> nn.Module:
    """A network with the structure and the results of the student's.

    Modules from torch.nn stay the same; the student's own classes keep their names and their base
    classes from torch.nn. Forward asks `trace_for` once for each mode and input shape.

    Args:
        description: from `tracing.describe`.
        trace_for: returns the traces.
        remote: returns a function to call in place of an attribute such as "loss_criterion" that
            is a function, or of a student's own module that a test calls directly with anything
            but a single tensor.

    Raises:
        NotUnderstood: by this function, or later by the net's forward.
    """
    with _understanding():
        return _Builder(description, trace_for, remote).net()


@contextmanager
def _understanding() -> Iterator[None]:
    try:
        yield
    except NotUnderstood:
        raise
    except Exception as error:
        line = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise NotUnderstood(line) from error


def _part(value: Any, key: str, kind: type) -> Any:
    """An entry of a dict, of exactly this type."""
    found = value.get(key) if type(value) is dict else None
    if type(found) is not kind:
        raise NotUnderstood(f"{key} is {type(found).__name__}, not {kind.__name__}")
    return found


def _name(value: Any) -> str:
    if type(value) is not str or not 0 < len(value) <= NAME or "." in value:
        raise NotUnderstood("a name is not a string")
    return value


def _class_name(value: Any) -> str:
    if not _name(value).isidentifier():
        raise NotUnderstood("a class name is not a name")
    return str(value)


def _plain(value: Any, depth: int = 0) -> Any:
    """Plain numbers, names and tuples or lists of them."""
    if value is None or type(value) in (bool, float):
        return value
    if type(value) is int and value.bit_length() < 64:
        return value
    if type(value) is str and len(value) <= NAME and "cuda" not in value:
        return value
    if type(value) in (tuple, list) and depth < 4 and len(value) <= NAME:
        return type(value)(_plain(each, depth + 1) for each in value)
    raise NotUnderstood(f"a value is {type(value).__name__}, or too large")


def _tensor(value: Any) -> torch.Tensor:
    """A copy of a valid tensor."""
    is_one = type(value) is torch.Tensor and value.device.type == "cpu"
    if not is_one or value.layout != torch.strided or str(value.dtype) not in TORCH_VALUES:
        raise NotUnderstood(f"a tensor is {type(value).__name__}")
    if value.numel() > WEIGHTS:
        raise NotUnderstood(f"a tensor of {value.numel():,} values is too large")
    copy: torch.Tensor = value.detach().clone()
    return copy


def _constructed(cls: type[nn.Module], options: dict[str, Any]) -> nn.Module:
    """A module whose weights do not take memory yet."""
    with torch.device("meta"):
        return cls(**{_name(name): _plain(value) for name, value in options.items()})


def _class(description: Any) -> type[nn.Module]:
    """A class of torch.nn on the list."""
    name = _part(description, "base", str)
    if name not in STANDARD and name not in CONTAINERS:
        raise NotUnderstood(f"{name[:NAME]} is not a known module")
    found: type[nn.Module] = getattr(nn, name)
    return found


class _Builder:
    """Builds the modules of a description."""

    def __init__(self, description: Any, trace_for: TraceFor, remote: Remote | None) -> None:
        self.description = description
        self.source = _Source(trace_for, remote)
        tensors = _part(description, "tensors", list)
        if sum(each.numel() for each in tensors) > WEIGHTS:
            raise NotUnderstood("there are too many weights")
        self.tensors = [_tensor(each) for each in tensors]
        self.learns = _part(description, "learns", list)
        self.parameters: dict[int, nn.Parameter] = {}

    def net(self) -> nn.Module:
        own = _part(self.description, "modules", list)
        if not 0 < len(own) <= MODULES:
            raise NotUnderstood(f"there are {len(own)} modules")
        made: list[nn.Module] = []
        sizes: list[tuple[int, int]] = []  # modules in it, depth
        for each in own:
            children = _part(each, "children", dict)
            numbers = [number for number in children.values() if number is not None]
            if any(type(n) is not int or not 0 <= n < len(made) for n in numbers):
                raise NotUnderstood("a module is inside an earlier one")
            size = 1 + sum(sizes[n][0] for n in numbers)
            depth = 1 + max((sizes[n][1] for n in numbers), default=0)
            if size > MODULES or depth > DEPTH:
                raise NotUnderstood("modules are nested too deeply")
            sizes.append((size, depth))
            is_own = any(isinstance(made[n], _Followed) for n in numbers)
            module = self.module(each, is_own or each is own[-1])
            for name, number in children.items():
                module.add_module(_name(name), None if number is None else made[number])
            made.append(module)
        net = made[-1]
        self.source.root = net
        for path, module in net.named_modules():
            vars(module)["_path"] = path
        self.set_others(net)
        return net

    def module(self, one: Any, is_followed: bool) -> nn.Module:
        """One of them, without its children."""
        base, name = _class(one), _class_name(_part(one, "class", str))
        is_custom = _part(one, "custom", bool)
        if is_custom or is_followed:
            cls = type(name, (_Followed, base), {"_is_custom": is_custom})
        else:
            cls = base if name == base.__name__ else type(name, (base,), {})
        options = _part(one, "options", dict)
        module = cls() if base.__name__ in CONTAINERS else _constructed(cls, options)
        if isinstance(module, _Followed):
            vars(module)["_source"] = self.source
        module.training = _part(one, "training", bool)
        module._parameters.clear()
        for each, number in _part(one, "parameters", dict).items():
            parameter = None if number is None else self.parameter(number)
            module.register_parameter(_name(each), parameter)
        module._buffers.clear()
        module._non_persistent_buffers_set.clear()
        temporary = _part(one, "temporary", list)
        for each, number in _part(one, "buffers", dict).items():
            buffer = None if number is None else self.tensors[self.number(number)]
            module.register_buffer(_name(each), buffer, persistent=each not in temporary)
        return module

    def number(self, number: Any) -> int:
        if type(number) is not int or not 0 <= number < len(self.tensors):
            raise NotUnderstood("a weight is missing")
        return number

    def parameter(self, number: Any) -> nn.Parameter:
        if number not in self.parameters:
            value = self.tensors[self.number(number)]
            self.parameters[number] = nn.Parameter(value, self.learns[number] is True)
        return self.parameters[number]

    def set_others(self, net: nn.Module) -> None:
        others = _part(self.description, "others", dict)
        if len(others) > NAME:
            raise NotUnderstood("there are too many attributes")
        for name, other in others.items():
            if hasattr(net, _name(name)) or name.startswith("_"):
                raise NotUnderstood(f"the attribute {name!r} already exists")
            if "value" in other:
                vars(net)[name] = _plain(other["value"])
            elif other.get("callable") is True:
                vars(net)[name] = self.source.call(name)
            else:
                vars(net)[name] = _thing(_part(other, "type", str))


def _thing(name: str) -> Any:
    """An object with only a type name."""
    plain: dict[str, Any] = {cls.__name__: cls() for cls in (list, tuple, dict, set, str)}
    return plain[name] if name in plain else type(_class_name(name), (), {})()


class _Source:
    """Tells the replica's modules what to compute."""

    root: nn.Module

    def __init__(self, trace_for: TraceFor, remote: Remote | None) -> None:
        self.trace_for, self.remote = trace_for, remote
        self.traces: dict[tuple[str, bool, tuple[int, ...]], Any] = {}

    def call(self, path: str) -> Callable[..., Any]:
        if self.remote is None:
            raise NotUnderstood(f"{path} is the student's own function")
        return self.remote(path)

    def answer(self, path: str, training: bool, args: Any, kwargs: Any) -> Any:
        """The result of the student's module, when called from outside."""
        if len(args) != 1 or kwargs or not isinstance(args[0], torch.Tensor):
            return self.call(path)(*args, **kwargs)
        shape = tuple(args[0].shape)
        key = path, training, shape
        if key not in self.traces:
            found = self.trace_for(training, shape, *([path] if path else []))
            _check_size(found)
            self.traces[key] = found
        with _Guard():
            return _Run(self.root).body(self.traces[key], list(args))


class _Followed:
    """A module that computes what the trace of the student's module says."""

    _is_custom = True

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        node = vars(self).pop("_node", None)
        if node is not None:
            run, body = node
            return run.body(body, leaves((args, kwargs)))
        if self._is_custom:
            path, training = vars(self)["_path"], vars(self)["training"]
            return vars(self)["_source"].answer(path, training, args, kwargs)
        return super().forward(*args, **kwargs)  # type: ignore[misc]


def _check_size(trace: Any) -> None:
    """Limits on nodes, values and nesting."""
    level, items, nodes = [trace], 0, 0
    for _ in range(4 * DEPTH):
        items += len(level)
        nodes += sum(type(each) is dict and "gives" in each for each in level)
        if items > ITEMS or nodes > NODES:
            raise NotUnderstood("forward is too long")
        level = [
            inner
            for each in level
            if type(each) in (dict, list, tuple)
            for inner in (each.values() if type(each) is dict else each)
        ]
        if not level:
            return
    raise NotUnderstood("calls are nested too deeply")


class _Run:
    """One forward: carries out the nodes of a trace (see `tracing.trace`)."""

    def __init__(self, root: nn.Module) -> None:
        self.root = root
        self.values: list[Any] = []  # tensors and floats, by their numbers

    def body(self, node: Any, given: list[Any]) -> Any:
        if _part(node, "takes", int) != len(given):
            raise NotUnderstood(f"{node['takes']} arguments are expected, not {len(given)}")
        self.values += given
        for each in _part(node, "body", list):
            self.step(each)
        return self.decoded(node.get("returns"))

    def step(self, node: Any) -> None:
        if type(node) is not dict:
            raise NotUnderstood("a step is not a dict")
        if "mode" in node:
            for path, training in _part(node, "mode", dict).items():
                self.module_at(path).training = training is True
        elif "set" in node:
            self.set_module(node)
        else:
            args = self.decoded(node.get("args"))
            kwargs = {k: self.decoded(v) for k, v in _part(node, "kwargs", dict).items()}
            if type(args) is not tuple:
                raise NotUnderstood("the arguments are not a tuple")
            grad = torch.is_grad_enabled() and _part(node, "grad", bool)
            with torch.set_grad_enabled(grad):
                result = self.called(node, args, kwargs)
            found = leaves(result)
            if len(found) != _part(node, "gives", int):
                raise NotUnderstood(f"there are {len(found)} results, not {node['gives']}")
            self.values += found

    def called(self, node: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if "call" in node:
            name = _part(node, "call", str)
            if name not in functions():
                raise NotUnderstood(f"{name[:NAME]} is not a known function")
            with _understanding():
                return functions()[name](*args, **kwargs)
        module = self.module_at(node.get("module"))
        if "body" not in node:
            if isinstance(module, _Followed):
                raise NotUnderstood("the trace does not say what a module computes")
            try:
                return module(*args, **kwargs)
            except _ERRORS as error:  # but not what a test's hook raises by assert
                raise NotUnderstood(f"{type(module).__name__}: {error}") from error
        if not isinstance(module, _Followed):
            raise NotUnderstood("the trace redefines a standard module")
        vars(module)["_node"] = self, node
        try:
            return module(*args, **kwargs)
        finally:
            vars(module).pop("_node", None)

    def set_module(self, node: Any) -> None:
        """Replace a standard module by a new one."""
        path, _, name = _part(node, "set", str).rpartition(".")
        parent, kind = self.module_at(path), _part(node, "kind", dict)
        if type(parent._modules.get(name)) is not _class(kind):
            raise NotUnderstood(f"{name[:NAME]} becomes another kind of module")
        module = _constructed(_class(kind), _part(kind, "options", dict))
        values = _part(node, "parameters", dict)
        if list(values) != list(module._parameters) or module._buffers:
            raise NotUnderstood(f"{name[:NAME]} has the wrong weights")
        for each, value in values.items():
            value = self.decoded(value)
            if value is not None:
                module._parameters[each] = nn.Parameter(value.detach())
        parent._modules[name] = module

    def module_at(self, path: Any) -> nn.Module:
        found: Any = self.root
        for name in _text(path).split(".") if path else []:
            found = found._modules.get(name) if isinstance(found, nn.Module) else None
        if not isinstance(found, nn.Module):
            raise NotUnderstood("a module is missing")
        return found

    def weight(self, path: Any, table: str) -> torch.Tensor:
        owner, _, name = _text(path).rpartition(".")
        found = getattr(self.module_at(owner), table).get(name)
        if not isinstance(found, torch.Tensor):
            raise NotUnderstood("a weight is missing")
        return found

    def decoded(self, value: Any, depth: int = 0) -> Any:
        """The argument or result that plain data represents."""
        if depth > DEPTH:
            raise NotUnderstood("values are nested too deeply")
        if type(value) in (tuple, list):
            return type(value)(self.decoded(each, depth + 1) for each in value)
        if type(value) is not dict:
            return _plain(value)
        if len(value) != 1:
            raise NotUnderstood("a value is a dict")
        [(kind, of)] = value.items()
        if kind == "ref" and type(of) is int and 0 <= of < len(self.values):
            return self.values[of]
        if kind in ("parameter", "buffer"):
            return self.weight(of, f"_{kind}s")
        if kind == "tensor":
            return _tensor(of)
        if kind == "slice" and type(of) is list and len(of) == 3:
            return slice(*(self.decoded(each, depth + 1) for each in of))
        if kind == "torch" and type(of) is str and of in TORCH_VALUES:
            return TORCH_VALUES[of]
        if kind == "dict" and type(of) is dict:
            return {_text(key): self.decoded(each, depth + 1) for key, each in of.items()}
        if kind == "device" and of == "cpu":
            return torch.device("cpu")
        if kind == "ellipsis":
            return ...
        if kind == "thing" and type(of) is str:
            return _thing(of)
        raise NotUnderstood(f"{str(kind)[:NAME]} is not a known kind of value")


def _text(value: Any) -> str:
    if type(value) is not str or len(value) > NAME * DEPTH:
        raise NotUnderstood("a name is not a string")
    return value


class _Guard(TorchDispatchMode):
    """Computes the cost of each operation on tensors without memory, before it runs."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations = 0
        self.values = 0
        self.flops = 0.0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__
        self.operations += 1
        if self.operations > OPERATIONS:
            raise NotUnderstood("forward is too long")
        if name in SPLITS and max(args[0].shape, default=0) > PARTS:
            raise NotUnderstood(f"{name} returns too many parts")
        if "linalg" in name and any(
            each.numel() > MATRIX for each in tree_leaves(args) if isinstance(each, torch.Tensor)
        ):
            raise NotUnderstood(f"{name} gets too large a matrix")
        is_selection = name == "index" and _is_one_mask(args[1])
        if not func.is_view and name not in BOUNDED and not is_selection:
            self.check(func, args, kwargs)
        return func(*args, **kwargs)

    def check(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        meta_args, meta_kwargs = tree_map_only(torch.Tensor, _without_memory, (args, kwargs))
        if any(each.name == "device" for each in func._schema.arguments):
            meta_kwargs["device"] = torch.device("meta")
            meta_kwargs.pop("pin_memory", None)
        with _understanding():
            result = func(*meta_args, **meta_kwargs)
        sizes = [each.numel() for each in tree_leaves(result) if isinstance(each, torch.Tensor)]
        self.values += sum(sizes)
        self.flops += sum(sizes)
        if func.overloadpacket in flop_registry:
            flops = flop_registry[func.overloadpacket]
            self.flops += flops(*meta_args, **meta_kwargs, out_val=result)
        for argument, value in zip(func._schema.arguments, args, strict=False):
            if argument.name == "kernel_size":  # of pooling
                self.flops += sum(sizes) * math.prod(value)
        if max(sizes, default=0) > VALUES or self.values > COMPUTED or self.flops > FLOPS:
            raise NotUnderstood(
                f"{func.overloadpacket.__name__} would take too much memory or time"
            )


def _without_memory(tensor: torch.Tensor) -> torch.Tensor:
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")


def _is_one_mask(indices: Any) -> bool:
    """Whether x[mask] selects among the values of x."""
    found = [each for each in indices if each is not None]
    return len(found) == 1 and found[0].dtype in (torch.bool, torch.uint8)
