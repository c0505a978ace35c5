"""Inspect the bytecode of a student's code: to recognize it again, and to see what it uses.

The bytecode is what runs. The source text may have changed since (an edited file in a notebook that
was not restarted), or may not be available.
"""

from __future__ import annotations

import builtins
import dis
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import Enum
from functools import partial
from pathlib import PurePath
from types import CodeType, FunctionType, ModuleType
from typing import Any, Generic

from torch.utils.data import Dataset

from scene_recog.datasets.images import read_grayscale

# -------------------------------------------------------------------- recognizing code


def describe_code(function: Callable[..., Any]) -> list[str]:
    """The bytecode of a function and, recursively, of the functions of its package that it names.

    For a method, these are the packages of its class and base classes. Plain values that they name
    (globals, defaults, attributes of the method's object) are described too. Equal descriptions
    mean the same behaviour, in every process.
    """
    described: list[str] = []
    while isinstance(function, partial):
        described.append(repr((function.args, function.keywords)))
        function = function.func
    owner = getattr(function, "__self__", function)
    is_named = hasattr(function, "__name__")
    waiting: list[Any] = [function if is_named else type(function).__call__]
    classes = _own_classes(type(owner))
    packages = {package_of(waiting[0]), *map(package_of, classes)}
    seen: list[FunctionType] = []
    while waiting:
        value = waiting.pop()
        value = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        described += _description_of(value)
        if callable(value) and hasattr(value, "__wrapped__"):  # as by functools.cache
            waiting.append(value.__wrapped__)
        if not isinstance(value, FunctionType) or value in seen:
            continue
        if package_of(value) not in packages:
            continue
        seen.append(value)
        codes = _nested(value.__code__)
        described.append(repr((value.__defaults__, value.__kwdefaults__)))
        for code in codes:
            described += [code.co_name, code.co_code.hex(), *code.co_names]
            plain = (const for const in code.co_consts if not isinstance(const, CodeType))
            described += [text for const in plain for text in _description_of(const)]
        names = sorted({name for code in codes for name in code.co_names})
        variables = [value.__globals__.get(name) for name in names]
        modules = [v for v in variables if isinstance(v, ModuleType) and _root_of(v) in packages]
        holders = [*map(vars, classes), *map(vars, modules)]
        waiting += variables
        waiting += [holder[name] for name in names for holder in holders if name in holder]
        own = [getattr(owner, "__dict__", {}).get(name) for name in names]
        # a list, for example, may grow as the method runs
        waiting += [value for value in own if _is_plain(value) or callable(value)]
        waiting += _enclosed(value).values()
    return described if seen else [*described, repr(function)]


def _description_of(value: object) -> list[str]:
    """A plain value as text, in a list; an empty list for anything else."""
    if isinstance(value, set | frozenset):  # its order differs between processes
        return [repr(sorted(map(repr, value)))]
    if _is_plain(value) or isinstance(value, tuple | list | dict):
        text = repr(value)
        return [] if " at 0x" in text else [text]
    return []


def package_of(function: Any) -> str:
    """The outermost package that a function or class was written in, such as "scene_recog"."""
    return str(getattr(function, "__module__", "")).split(".")[0]


def _root_of(module: ModuleType) -> str:
    return module.__name__.split(".")[0]


def _nested(code: CodeType) -> list[CodeType]:
    inner = [const for const in code.co_consts if isinstance(const, CodeType)]
    return [code, *(nested for const in inner for nested in _nested(const))]


def _enclosed(function: FunctionType) -> dict[str, Any]:
    """The variables of enclosing functions that a function names, with their values."""
    values = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):  # a variable without a value yet
            values[name] = cell.cell_contents
    return values


# -------------------------------------------------------------------- allowing only known names


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PATH = _words(
    "abspath basename dirname exists expanduser isdir isfile join normpath sep split splitext"
)
# The names of each module that may be used; None: all public ones. Nothing here uses randomness,
# keeps state, or reads the clock.
_MODULES: dict[str, frozenset[str] | None] = {
    "PIL": _words("Image ImageOps ImageFilter ImageEnhance ImageChops"),
    "PIL.Image": _words("""
        open new fromarray frombytes merge blend composite alpha_composite Image Resampling
        Transpose Transform Dither Palette Quantize UnidentifiedImageError NEAREST BOX BILINEAR
        HAMMING BICUBIC LANCZOS FLIP_LEFT_RIGHT FLIP_TOP_BOTTOM ROTATE_90 ROTATE_180 ROTATE_270
        TRANSPOSE TRANSVERSE
    """),
    "PIL.ImageOps": None,
    "PIL.ImageFilter": None,
    "PIL.ImageEnhance": None,
    "PIL.ImageChops": None,
    "numpy": _words("""
        abs add all any arange array asarray ascontiguousarray average bool_ clip concatenate divide
        dot dtype expand_dims float16 float32 float64 flip fliplr flipud full full_like histogram
        int8 int16 int32 int64 integer interp isfinite isnan max maximum mean median min minimum
        multiply ndarray newaxis ones ones_like pad percentile pi power quantile ravel repeat
        reshape rint rot90 round sqrt squeeze stack std subtract sum tile transpose uint8 uint16
        uint32 var where zeros zeros_like
    """),
    "torch": _words("Tensor as_tensor float32 from_numpy int64 is_tensor long tensor"),
    "math": None,
    "io": _words("BytesIO StringIO"),
    "os": _words("path fspath sep PathLike"),
    "os.path": _PATH,
    os.path.__name__: _PATH,
    "pathlib": _words("Path PurePath PurePosixPath"),
}
_BUILTINS = _words("""
    abs all any bool bytes callable complex dict divmod enumerate filter float format frozenset
    hasattr int isinstance issubclass len list map max min object open pow range repr reversed
    round set slice sorted str sum super tuple type zip NotImplemented Ellipsis __debug__
""")
# Attributes and methods of images, arrays, strings, paths, files and dictionaries; none changes an
# object that others use.
_ATTRIBUTES = _words("""
    close convert copy crop draft enhance filter format getbands getbbox getchannel getexif
    getextrema has_transparency_data height histogram info load mode paste point putalpha quantize
    reduce resize rotate seek size split thumbnail tobytes transpose verify width
    Resampling Transpose LANCZOS BILINEAR BICUBIC NEAREST

    T astype clip dtype flatten float int item long max mean min ndim numpy ravel reshape round
    shape squeeze std sum tolist

    as_posix exists expanduser is_dir is_file joinpath name open parent parts read read_bytes
    resolve stem suffix with_name with_suffix

    endswith join lower lstrip removeprefix removesuffix replace rsplit rstrip startswith strip
    upper get index items keys values

    __class__ __getitem__ __len__ __name__
""")
_TRUSTED = (read_grayscale,)


class _DoubtError(Exception):
    """The code uses something that could make its calls differ."""


def find_doubt(owner: object, method: str, attributes: frozenset[str] = frozenset()) -> str:
    """Something that could make a method's calls differ; empty if there is nothing.

    There is no doubt if the method, and every function and method of its package that it calls,
    uses only names known to be free of randomness and state, and assigns only to local variables.
    Anything unknown counts as a doubt.

    Args:
        owner: the object that the method belongs to.
        method: its name.
        attributes: the object's attributes that may hold anything; all others must hold immutable
            plain values (numbers, strings, paths, tuples of them).

    Returns:
        For instance "random.random", ".rng" or "augment, which uses time.time".
    """
    if hooks := _own_names(type(owner)) & {"__getattr__", "__getattribute__"}:
        return min(hooks)
    try:
        _Inspection(owner, method, attributes).check_attribute(method)
    except _DoubtError as doubt:
        return str(doubt)
    return ""


class _Inspection:
    def __init__(self, owner: object, method: str, attributes: frozenset[str]) -> None:
        self.owner = owner
        self.method = method
        self.attributes = attributes
        self.classes = _own_classes(type(owner))
        self.packages = set(map(package_of, self.classes))
        self.seen: set[FunctionType] = set()

    def check_attribute(self, name: str, also_known: frozenset[str] = frozenset()) -> None:
        """An attribute of this name on any object; the owner's, if it has one."""
        definitions = [vars(cls)[name] for cls in self.classes if name in vars(cls)]
        for value in definitions:
            if isinstance(value, property):
                value = value.fget
            self.check_value(f".{name}", getattr(value, "__func__", value))
        own = getattr(self.owner, "__dict__", {})
        if name in own:
            if name not in self.attributes and not _is_plain(own[name]):
                raise _DoubtError(f".{name}")
        elif not definitions and name not in _ATTRIBUTES and name not in also_known:
            raise _DoubtError(f".{name}")

    def check_value(self, label: str, value: object) -> None:
        """The value that a name in the code refers to."""
        if _is_plain(value) or _is_known(value) or any(value is cls for cls in self.classes):
            return
        if not isinstance(value, FunctionType) or package_of(value) not in self.packages:
            raise _DoubtError(label)
        if value in self.seen:
            return
        self.seen.add(value)
        try:
            self.check_function(value)
        except _DoubtError as doubt:
            if label == f".{self.method}":
                raise
            raise _DoubtError(f"{label.lstrip('.')}, which uses {doubt}") from None

    def check_function(self, function: FunctionType) -> None:
        defaults = (function.__defaults__, *(function.__kwdefaults__ or {}).values())
        if not _is_plain(defaults):
            raise _DoubtError("a default argument that can change")
        for name, value in _enclosed(function).items():
            self.check_value(name, value)
        codes = _nested(function.__code__)
        imported = frozenset(name for code in codes for name in _names_of_imports(code))
        for code in codes:
            self.check_code(code, function.__globals__, imported)

    def check_code(
        self, code: CodeType, variables: dict[str, Any], imported: frozenset[str]
    ) -> None:
        instructions = (i for i in dis.get_instructions(code) if i.opname != "EXTENDED_ARG")
        for step in instructions:
            name = step.argval
            if step.opname.startswith(("STORE_", "DELETE_")):
                local = step.opname.split("_")[1] == "FAST" or name in code.co_cellvars
                if not local:
                    raise _DoubtError(f"an assignment to {name}" if name else "an item assignment")
            elif step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                self.check_global(name, variables, instructions)
            elif step.opname.startswith("IMPORT_"):
                continue  # already checked above
            elif step.opcode in dis.hasname:  # LOAD_ATTR, LOAD_METHOD, LOAD_SUPER_ATTR
                self.check_attribute(name, imported)

    def check_global(
        self, name: str, variables: dict[str, Any], following: Iterator[dis.Instruction]
    ) -> None:
        """A global variable; for a module, the attribute that is used."""
        if name not in variables:
            if name in _BUILTINS or _is_exception(getattr(builtins, name, None)):
                return
            raise _DoubtError(name)
        value = variables[name]
        while isinstance(value, ModuleType):
            step = next(following)
            if step.opname not in ("LOAD_ATTR", "LOAD_METHOD"):
                raise _DoubtError(name)
            name, module = f"{name}.{step.argval}", value
            value = getattr(module, step.argval, None)
            if _root_of(module) in self.packages:
                continue
            if step.argval not in _allowed_of(module.__name__):
                raise _DoubtError(name)
            if not isinstance(value, ModuleType):
                return
        self.check_value(name, value)


def _names_of_imports(code: CodeType) -> Iterator[str]:
    """The names that a function's own imports make known: modules, and what is in them.

    numpy and torch do not count: many of their names are safe only on certain objects, and the
    object is not known here.
    """
    module = ""
    before: list[Any] = [None, None]
    for step in dis.get_instructions(code):
        if step.opname == "IMPORT_NAME":
            module, level = step.argval, before[-2]
            if level != 0 or module not in _MODULES or module in ("numpy", "torch"):
                raise _DoubtError(module or "a relative import")
            yield from _allowed_of(module)
        elif step.opname == "IMPORT_FROM":
            if step.argval not in _allowed_of(module):
                raise _DoubtError(f"{module}.{step.argval}")
            yield from _allowed_of(f"{module}.{step.argval}")
        elif step.opname != "EXTENDED_ARG":
            before.append(step.argval)


def _allowed_of(module: str) -> frozenset[str]:
    """The names of a module that may be used; none if the module is unknown."""
    names = _MODULES.get(module, frozenset())
    if names is None:
        public = dir(sys.modules[module]) if module in sys.modules else []
        return frozenset(name for name in public if not name.startswith("_"))
    return names


def _own_classes(kind: type) -> list[type]:
    return [cls for cls in kind.__mro__ if cls not in (object, Dataset, Generic)]


def _own_names(kind: type) -> set[str]:
    return {name for cls in _own_classes(kind) for name in vars(cls)}


def _is_plain(value: object) -> bool:
    """Whether it is an immutable value."""
    if isinstance(value, tuple | frozenset):
        return all(map(_is_plain, value))
    plain = (bool, int, float, complex, str, bytes, type(None), PurePath, Enum)
    return isinstance(value, plain)


def _is_known(value: object) -> bool:
    """Whether it is a function or class that was imported by name from a known module."""
    name = getattr(value, "__name__", None)
    if not isinstance(name, str):
        return False
    return (
        any(value is function for function in _TRUSTED)
        or _is_exception(value)
        or (name in _BUILTINS and getattr(builtins, name, None) is value)
        or any(
            name in _allowed_of(module) and getattr(sys.modules[module], name, None) is value
            for module in _MODULES
            if module in sys.modules
        )
    )


def _is_exception(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseException)
