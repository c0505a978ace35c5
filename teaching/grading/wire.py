"""How values come from the student's process: only plain data, checked while reading.

A frame is a JSON header and the bytes of its arrays. Reading one creates numbers, strings, arrays,
tensors, images and containers of them, and runs no code.
"""

from __future__ import annotations

import json
import math
import random
import socket
import struct
from collections.abc import Callable
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.utils.data import Dataset
from torchvision import transforms
from torchvision.transforms import v2

FRAME_LIMIT = 128_000_000  # bytes
HEADER_LIMIT = 8_000_000  # bytes; as Python objects, they take 20 times as much
VALUES_LIMIT = 1 << 26  # pixels of an image, characters of an array of strings
LENGTHS = struct.Struct(">QQ")  # of the header, of the bytes behind it
LENGTH = struct.Struct(">Q")  # of what is pickled, the other way
LIBRARY: dict[str, type] = {  # classes of students' objects
    "Compose": transforms.Compose,
    "v2.Compose": v2.Compose,
    "Dataset": Dataset,
}
GENERATORS: dict[str, tuple[Callable[[], Any], Callable[[Any], object]]] = {  # read, restore
    "torch": (torch.get_rng_state, torch.set_rng_state),
    "numpy": (np.random.get_state, np.random.set_state),
    "random": (random.getstate, random.setstate),
}
SEED = 3  # before a network is run with and without tracing
MODES = {"1", "L", "P", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I", "F", "I;16"}
NUMBERS = "?bhilqBHILQefdFD"  # numpy's letters
DTYPES = {str(each): each for each in vars(torch).values() if isinstance(each, torch.dtype)}
FORMATS = {
    str(each): each for each in vars(torch).values() if isinstance(each, torch.memory_format)
}
PLAIN = (  # what `Writer` can write, besides numbers and strings
    tuple, list, dict, set, frozenset, bytes, bytearray, torch.Tensor, np.ndarray, Image.Image,
    Path, torch.dtype, torch.device, torch.memory_format, slice, type(Ellipsis), complex,
)  # fmt: skip
# A test of the lecture notices what a call does to these, so changes come back.
FOLLOWED = (np.ndarray, np.random.Generator)
Special = Callable[[Any, "Writer"], "dict[str, Any] | None"]


class BrokenFrameError(ValueError):
    """A frame is not in the required form."""


def state_of(value: np.ndarray | np.random.Generator) -> Any:
    """What a call can change in an array or a generator, as plain data."""
    return value if isinstance(value, np.ndarray) else dict(value.bit_generator.state)


def is_same(one: Any, other: Any) -> bool:
    """Whether two states are equal, to the bit."""
    if isinstance(one, np.ndarray):
        return bool(one.shape == other.shape and one.tobytes() == other.tobytes())
    return bool(one == other)


def restore(value: np.ndarray | np.random.Generator, state: Any) -> None:
    """Give it a state that comes from the student's process.

    Raises:
        ValueError: it cannot have this state.
    """
    if isinstance(value, np.random.Generator):
        try:
            value.bit_generator.state = state
        except Exception as error:  # of any kind, as the state may be anything
            raise ValueError(f"a generator cannot have its state ({error})") from error
    elif not isinstance(state, np.ndarray) or state.shape != value.shape:
        raise ValueError("an array has changed its shape")
    else:
        value[...] = state


# ------------------------------------------------------------------------ writing


class Writer:
    """Makes a frame.

    Args:
        special: called with this writer and each value that is not a number or string; it returns
            what to write in the header for it, or None to continue.
    """

    def __init__(self, special: Special = lambda value, writer: None) -> None:
        self.special = special
        self.buffers: list[bytes] = []
        self.length = 0

    def frame(self, value: Any) -> bytes:
        """The frame of a value. Raises TypeError if it is neither plain nor special."""
        header = json.dumps(self.node(value)).encode("ascii")
        return LENGTHS.pack(len(header), self.length) + header + b"".join(self.buffers)

    def node(self, value: Any) -> Any:
        """The value as JSON."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            number = int.__int__(value)
            return number if abs(number) < 2**63 else {"k": "int", "v": str(number)[:4000]}
        if isinstance(value, np.generic):
            return self._scalar(value)
        if isinstance(value, float):
            return float.__float__(value)
        if isinstance(value, str):
            return str.__str__(value)
        special = self.special(value, self)
        if special is not None:
            return special
        if isinstance(value, torch.Size):
            return {"k": "size", "v": list(value)}
        if isinstance(value, tuple):
            return {"k": "tuple", "v": [self.node(each) for each in value]}
        if isinstance(value, list):
            return [self.node(each) for each in value]
        if isinstance(value, dict):
            return {
                "k": "dict",
                "v": [[self.node(key), self.node(each)] for key, each in value.items()],
            }
        if isinstance(value, set | frozenset):
            return {"k": "set", "v": [self.node(each) for each in value]}
        if isinstance(value, bytes | bytearray):
            return {"k": "bytes", "at": self._kept(bytes(value))}
        if isinstance(value, torch.Tensor):
            return self.tensor(value)
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, Image.Image):
            if value.mode not in MODES:
                value = value.convert("RGB")
            kept = self._kept(value.tobytes())
            return {"k": "image", "mode": value.mode, "size": list(value.size), "at": kept}
        if isinstance(value, Path):
            return {"k": "path", "v": str(value)}
        if isinstance(value, torch.dtype | torch.device | torch.memory_format):
            return {"k": type(value).__name__, "v": str(value)}
        if isinstance(value, slice):
            return {
                "k": "slice",
                "v": [self.node(e) for e in (value.start, value.stop, value.step)],
            }
        if value is Ellipsis:
            return {"k": "..."}
        if isinstance(value, complex):
            return {"k": "complex", "v": [value.real, value.imag]}
        raise TypeError(f"{type(value).__name__} is not plain")

    def tensor(self, value: torch.Tensor) -> dict[str, Any]:
        """A tensor's values."""
        flat = value.detach().cpu().reshape(-1)
        plain = flat.clone(memory_format=torch.contiguous_format)  # one value may have any stride
        data = plain.view(torch.uint8).numpy().tobytes() if plain.numel() else b""
        return {
            "k": "tensor", "dtype": str(value.dtype), "shape": list(value.shape),
            "grad": value.requires_grad, "param": isinstance(value, torch.nn.Parameter),
            "at": self._kept(data),
        }  # fmt: skip

    def _scalar(self, value: np.generic) -> Any:
        if value.dtype.char not in NUMBERS:
            return str(value) if isinstance(value, np.str_) else {"k": "other", "v": str(value)}
        return {"k": "scalar", "dtype": value.dtype.str, "at": self._kept(value.tobytes())}

    def _array(self, value: np.ndarray) -> dict[str, Any]:
        shape = list(value.shape)
        if value.dtype.char not in NUMBERS:
            values = [self.node(each) for each in value.reshape(-1).tolist()]
            return {"k": "objects", "texts": value.dtype.kind == "U", "shape": shape, "v": values}
        kept = self._kept(np.ascontiguousarray(value).tobytes())
        return {"k": "array", "dtype": value.dtype.str, "shape": shape, "at": kept}

    def _kept(self, data: bytes) -> list[int]:
        place = [self.length, len(data)]
        self.buffers.append(data)
        self.length += len(data)
        return place


# ------------------------------------------------------------------------ reading


class Reader:
    """Reads a frame.

    Args:
        special: for each kind that `Writer` does not know, a function from its dict and this
            reader to the value.
    """

    def __init__(self, special: dict[str, Callable[[dict[str, Any], Reader], Any]]) -> None:
        self.special = special
        self.data = memoryview(b"")
        self.left = 0  # bytes not used yet

    def value(self, frame: bytes) -> Any:
        """Raises BrokenFrameError."""
        try:
            header, length = LENGTHS.unpack_from(frame)
            start = LENGTHS.size + header
            if len(frame) != start + length:
                raise BrokenFrameError("its lengths are wrong")
            self.data = memoryview(frame)[start:]
            self.left = length
            return self.made(json.loads(bytes(frame[LENGTHS.size : start])))
        except BrokenFrameError:
            raise
        except Exception as error:  # of any kind, chosen by the author of the frame
            raise BrokenFrameError(f"{type(error).__name__}: {error}") from error

    def made(self, node: Any) -> Any:
        """The value of a node of the header."""
        if node is None or isinstance(node, bool | int | float | str):
            return node
        if isinstance(node, list):
            return [self.made(each) for each in node]
        kind = node["k"]
        if kind in self.special:
            return self.special[kind](node, self)
        return _MAKERS[kind](self, node)

    def bytes_of(self, node: dict[str, Any]) -> bytes:
        """The bytes that belong to a node; no two nodes have the same."""
        start, length = node["at"]
        if not (start >= 0 <= length and start + length <= len(self.data)):
            raise BrokenFrameError("bytes are missing")
        self.left -= length
        if self.left < 0:
            raise BrokenFrameError("bytes are used twice")
        return bytes(self.data[start : start + length])

    def tensor(self, node: dict[str, Any]) -> torch.Tensor:
        """A tensor with its own memory."""
        data, dtype = bytearray(self.bytes_of(node)), DTYPES[node["dtype"]]
        shape = _shape(node, len(data), dtype.itemsize)
        flat = torch.frombuffer(data, dtype=dtype) if data else torch.empty(0, dtype=dtype)
        made = flat.reshape(shape)
        differentiable = bool(node["grad"]) and (dtype.is_floating_point or dtype.is_complex)
        if node["param"]:
            return torch.nn.Parameter(made, requires_grad=differentiable)
        return made.requires_grad_() if differentiable else made

    def _array(self, node: dict[str, Any]) -> Any:
        data, dtype = bytearray(self.bytes_of(node)), np.dtype(str(node["dtype"]))
        if dtype.char not in NUMBERS:
            raise BrokenFrameError("an array has an unknown type")
        return np.frombuffer(data, dtype=dtype).reshape(_shape(node, len(data), dtype.itemsize))

    def _objects(self, node: dict[str, Any]) -> Any:
        values = [self.made(each) for each in node["v"]]
        if node["texts"]:
            texts = [str(each) for each in values]
            if (
                len(texts) * max(map(len, texts), default=0) > VALUES_LIMIT
            ):  # numpy pads to the longest
                raise BrokenFrameError("strings are too long")
            return np.array(texts, dtype=str).reshape(node["shape"])
        made = np.empty(len(values), dtype=object)
        made[:] = values
        return made.reshape(node["shape"])

    def _named(self, node: dict[str, Any]) -> Any:
        """A tuple whose values can be read by name, too."""
        values = tuple(self.made(each) for each in node["v"])
        fields: dict[str, Any] = {}
        for place, name in enumerate(node["fields"]):
            if not (isinstance(name, str) and name.isidentifier() and not name.startswith("_")):
                raise BrokenFrameError("a field has no name")
            fields[name] = property(itemgetter(place))
        name = node["name"]
        if not isinstance(name, str) or not name.isidentifier() or len(fields) > len(values):
            raise BrokenFrameError("a tuple has no name, or too many fields")
        return type(name, (tuple,), fields)(values)

    def _image(self, node: dict[str, Any]) -> Image.Image:
        width, height = node["size"]
        if node["mode"] not in MODES or not (0 < width < 20_000 and 0 < height < 20_000):
            raise BrokenFrameError("an image has an unknown mode")
        data = self.bytes_of(node)
        if width * height > min(8 * len(data) + 64, VALUES_LIMIT):
            raise BrokenFrameError("an image has fewer bytes than pixels, or too many pixels")
        return Image.frombytes(node["mode"], (width, height), data)


def _shape(node: dict[str, Any], length: int, size: int) -> list[int]:
    shape: list[int] = node["shape"]
    if not all(isinstance(n, int) and 0 <= n < 2**40 for n in shape) or len(shape) > 32:
        raise BrokenFrameError("a shape is not valid")
    if math.prod(shape) * size != length:
        raise BrokenFrameError("an array has too few or too many bytes")
    return shape


_MAKERS: dict[str, Callable[[Reader, dict[str, Any]], Any]] = {
    "int": lambda reader, node: int(node["v"]),
    "scalar": lambda reader, node: reader._array({**node, "shape": [1]})[0],
    "other": lambda reader, node: str(node["v"]),
    "size": lambda reader, node: torch.Size([int(n) for n in node["v"]]),
    "tuple": lambda reader, node: tuple(reader.made(each) for each in node["v"]),
    "named": Reader._named,
    "dict": lambda reader, node: {reader.made(k): reader.made(v) for k, v in node["v"]},
    "set": lambda reader, node: {reader.made(each) for each in node["v"]},
    "bytes": Reader.bytes_of,
    "tensor": Reader.tensor,
    "array": Reader._array,
    "objects": Reader._objects,
    "image": Reader._image,
    "path": lambda reader, node: Path(str(node["v"])),
    "dtype": lambda reader, node: DTYPES[node["v"]],
    "device": lambda reader, node: torch.device("cpu"),
    "memory_format": lambda reader, node: FORMATS[node["v"]],
    "slice": lambda reader, node: slice(*[reader.made(each) for each in node["v"]]),
    "...": lambda reader, node: Ellipsis,
    "complex": lambda reader, node: complex(*node["v"]),
}


# ------------------------------------------------------------------------ sockets


def send(channel: socket.socket, frame: bytes) -> None:
    """Raises OSError."""
    channel.sendall(frame)


def receive(channel: socket.socket, limit: int = FRAME_LIMIT) -> bytes:
    """One frame.

    Raises:
        EOFError: the other end is closed.
        BrokenFrameError: it would be too long.
        OSError: as of a socket, TimeoutError too.
    """
    start = exactly(channel, LENGTHS.size)
    header, length = LENGTHS.unpack(start)
    if header + length > limit or header > HEADER_LIMIT:
        raise BrokenFrameError("it is too long")
    return start + exactly(channel, header + length)


def exactly(channel: socket.socket, count: int) -> bytes:
    """Exactly `count` bytes. Raises EOFError, OSError."""
    data = bytearray()
    while len(data) < count:
        part = channel.recv(min(count - len(data), 1 << 20))
        if not part:
            raise EOFError("the other end is closed")
        data += part
    return bytes(data)
