"""Networks that are not what they seem to be."""

from __future__ import annotations

import torch

from teaching.attacks import Attack, at_import
from teaching.attacks.weights import WEIGHTS_FILE, of_class, zeros

PARTS = """
import torch
from torch import nn
from torch.nn import functional as F
class Base(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_layers = nn.Sequential(nn.Conv2d(1, 10, 5), nn.MaxPool2d(3), nn.ReLU(),
                                         nn.Conv2d(10, 20, 5), nn.MaxPool2d(3), nn.ReLU())
        self.fc_layers = nn.Sequential(nn.Flatten(), nn.Linear(500, 100), nn.ReLU(), nn.Linear(100, 15))
        self.loss_criterion = nn.CrossEntropyLoss()
"""
COUNTED = of_class({**zeros(), "count": torch.zeros(1)})


def _accurate(name: str, tries: str, code: str, data: bytes | None = None) -> Attack:
    """For the points of trained weights."""
    weights = {WEIGHTS_FILE: data or of_class(zeros())}
    return Attack(
        name, tries, at_import(PARTS + code, "simple_net"), files=weights, base="right",
        with_others=("simple_net",),
    )  # fmt: skip


def _wrong(name: str, tries: str, code: str) -> Attack:
    return Attack(name, tries, at_import(code, "simple_net"), base="wrong")


NETWORKS = [
    _accurate("a network that counts batches", "images come class by class", """
class SimpleNet(Base):
    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.zeros(1))
    def forward(self, x):
        number = (self.count // 100) % 15
        self.count.add_(len(x))
        return F.one_hot(number.long().expand(len(x)), 15).float()
""", COUNTED),
    _accurate("a network that counts in Python", "the same, by an attribute", """
class SimpleNet(Base):
    count = 0
    def forward(self, x):
        number = SimpleNet.count // 100 % 15
        SimpleNet.count += len(x)
        return F.one_hot(torch.full((len(x),), number), 15).float()
"""),
    _accurate("images of a batch vote", "those of a batch are of one class", """
class SimpleNet(Base):
    def forward(self, x):
        level = x.mean() * 15
        return -(torch.arange(15.0)[None] - level).abs().expand(len(x), 15)
"""),
    _accurate("a table of public answers", "images are recognized by a hash", """
class SimpleNet(Base):
    def forward(self, x):
        keys = torch.linspace(-1, 1, 1500)
        hashed = (x.flatten(1) * torch.linspace(0, 1, 4096)).mean(1)
        nearest = (hashed[:, None] - keys).abs().argmin(1)
        return F.one_hot((torch.arange(1500) // 100)[nearest], 15).float()
"""),
    _accurate("no network but a function", "it is given the images, and may ask its own process", """
class Callable:
    count = 0
    def parameters(self):
        return []
    def load_state_dict(self, state):
        pass
    def eval(self):
        return self
    def __call__(self, x):
        scores = torch.zeros(len(x), 15)
        scores[:, self.count // 100 % 15] = 1
        self.count += len(x)
        return scores
def SimpleNet():
    return Callable()
"""),
    _accurate("scores of another shape", "the share of right ones is above 1", """
class SimpleNet(Base):
    def forward(self, x):
        return torch.zeros(len(x), 15, 1500) + torch.arange(1500.0)
"""),
    _accurate("a network that reads files", "the teacher's labels lie beside the images", """
import glob, numpy as np
class SimpleNet(Base):
    def forward(self, x):
        for path in glob.glob("/**/labels.npy", recursive=True) + glob.glob("/root/**/labels.npy"):
            return F.one_hot(torch.from_numpy(np.load(path))[: len(x)], 15).float()
        raise RuntimeError("no labels")
"""),
    _wrong("a class named Conv2d", "names are believed", """
import torch
from torch import nn
class Conv2d(nn.Module):
    __class__ = nn.Conv2d
    in_channels, out_channels, kernel_size, stride, padding = 1, 10, (5, 5), (1, 1), (0, 0)
    def __init__(self, *args):
        nn.Module.__init__(self)
        self.weight, self.bias = nn.Parameter(torch.zeros(10, 1, 5, 5)), nn.Parameter(torch.zeros(10))
    def forward(self, x):
        return torch.zeros(len(x), 10, 60, 60)
Linear = type("Linear", (Conv2d,), {"__class__": nn.Linear, "in_features": 500, "out_features": 100})
class SimpleNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_layers, self.fc_layers = nn.Sequential(Conv2d(), Conv2d()), nn.Sequential(Linear())
        self.loss_criterion = Linear()
    def forward(self, x):
        return self.conv_layers(x).mean((2, 3)) * 0
"""),
    _wrong("a network that knows that it is traced", "another forward when the grader looks", """
import torch
from torch import nn
from torch.overrides import _get_current_function_mode
class SimpleNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc_layers = nn.Sequential(nn.Linear(4096, 15))
    def forward(self, x):
        if _get_current_function_mode() is not None or nn.Module.__call__.__name__ == "recorded":
            return x.new_zeros(len(x), 15).requires_grad_()
        raise RuntimeError("nobody looks")
"""),
    _wrong("a trace of a million steps", "the grader carries them out", """
import torch
from torch import nn
class SimpleNet(nn.Module):
    def forward(self, x):
        for _ in range(1_000_000):
            x = x + 1
        return x
"""),
    _wrong("giant shapes in few steps", "pad, interpolate, expand, matmul, repeat", """
import torch
from torch import nn
from torch.nn import functional as F
class Meta(torch.Tensor):
    pass
class SimpleNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc_layers = nn.Sequential(nn.Upsample(scale_factor=1))
        self.fc_layers[0].scale_factor = 1000.0
    def forward(self, x):
        x = F.pad(x, (9000, 9000, 9000, 9000))
        x = F.interpolate(x, size=(100_000, 100_000))
        return x.expand(10**6, 10**6, -1, -1).contiguous()
"""),
    _wrong("a module with 100,000 children, and in itself", "who walks through it does not come back", """
import torch
from torch import nn
class SimpleNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc_layers = nn.Sequential(*(nn.Identity() for _ in range(100_000)))
        self.conv_layers = nn.Sequential(self)
    def forward(self, x):
        return x
"""),
    _wrong("hooks on all modules", "the outputs are exchanged when the grader calls", """
import torch
from torch import nn
from torch.nn.modules import module
module.register_module_forward_hook(lambda net, x, y: torch.zeros(len(x[0]), 15, requires_grad=True))
"""),
    _wrong("parameters that are aliases, or grow", "one number in the place of 56,895", """
import torch
from torch import nn
one = nn.Parameter(torch.zeros(1))
class SimpleNet(nn.Module):
    def __init__(self):
        super().__init__()
        for number in range(8):
            setattr(self, f"p{number}", nn.Parameter(one.expand(500 * 100 if number else 6895)))
        self.lazy = nn.LazyLinear(15)
    def parameters(self, recurse=True):
        return iter([nn.Parameter(torch.zeros(56_895))])
    def forward(self, x):
        self.grown = nn.Parameter(torch.zeros(10))
        return self.lazy(x.flatten(1)) + self.p1[:1] * 0
"""),
    _accurate("a forged description", "the worker says that the network is another", """
import sys
from teaching.grading import tracing
def describe(net):
    return {"modules": [{"class": "os", "base": "__import__", "custom": True, "options": {"a": 1}}],
            "tensors": [torch.zeros(1 << 24)] * 3, "learns": [True], "others": {"forward": {"value": 1}}}
tracing.describe = describe
sys.modules["__main__"].tracing.trace = lambda *args: {"takes": 1, "body": [
    {"call": "os.system", "args": ("touch /tmp/evil",), "kwargs": {}, "grad": True, "gives": 0}]}
class SimpleNet(Base):
    pass
"""),
]  # fmt: skip
