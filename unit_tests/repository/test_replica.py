"""A replica computes the same as the network it describes, and invalid data is refused."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from teaching.grading.replica import NotUnderstood, replica
from teaching.grading.tracing import NotTraceable, describe, trace

SHAPE = (4, 1, 12, 12)


def small(channels: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, channels, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())


class Base(nn.Module):
    """Parts of most of the nets below."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_layers = small()
        self.fc_layers = nn.Sequential(nn.Linear(75, 8), nn.ReLU(inplace=True), nn.Linear(8, 5))
        self.loss_criterion = nn.CrossEntropyLoss()


class Plain(Base):
    def forward(self, x: Tensor) -> Any:
        return self.fc_layers(self.conv_layers(x))


class Viewed(Base):
    def forward(self, x: Tensor) -> Any:
        x = self.conv_layers[:3](x)
        x = x.view(x.size(0), -1) * 2 - x.reshape(len(x), -1) / 3 + 1
        for layer in self.fc_layers:
            x = layer(x)
        return x


class DroppedByFunction(Base):
    def forward(self, x: Tensor) -> Any:
        x = F.dropout(self.conv_layers(x), 0.4, training=self.training)
        if self.training:
            x = x + 0.1 * torch.randn_like(x)
        return self.fc_layers(x)


class Normalized(Base):
    def __init__(self) -> None:
        super().__init__()
        self.conv_layers.insert(1, nn.BatchNorm2d(3, momentum=0.3))
        self.conv_layers.insert(3, nn.Dropout2d(0.5))
        self.norm = nn.LayerNorm(8)
        self.fc_layers.insert(1, nn.BatchNorm1d(8, affine=False))
        self.group = nn.GroupNorm(3, 3)

    def forward(self, x: Tensor) -> Any:
        return self.fc_layers[:3](self.conv_layers(x)) + self.norm(torch.ones(8))


class Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding="same", bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.shortcut = nn.Identity()

    def forward(self, x: Tensor, scale: float = 1.0, *, other: Tensor | None = None) -> Tensor:
        y = self.norm(self.conv(x)) * scale
        if other is not None:
            y += other
        return F.relu(y + self.shortcut(x), inplace=True)


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv_layers = nn.Sequential(nn.Conv2d(1, 4, 3), Block(4), Block(4), nn.Dropout(0.2))
        self.last = Block(4)
        self.fc_layers = nn.Sequential(nn.Linear(4, 5))

    def forward(self, x: Tensor) -> Any:
        maps = self.conv_layers(x)
        maps = self.last(maps, 0.5, other=maps.sigmoid())
        return self.fc_layers(maps.mean(dim=(2, 3)))


class TwoHeads(nn.Module):
    """A module that takes a list and returns a tuple."""

    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.left, self.right = nn.Linear(144, 5), nn.Linear(144, 5)

        def forward(self, parts: list[Tensor], options: dict[str, float]) -> Any:
            first, second = parts
            return self.left(first) * options["gain"], {"right": self.right(second)}

    def __init__(self) -> None:
        super().__init__()
        self.both = self.Both()

    def forward(self, x: Tensor) -> Any:
        x = x.flatten(1)
        left, rest = self.both([x, x.abs()], options={"gain": 0.5})
        values, _ = torch.stack([left, rest["right"]]).max(dim=0)
        return torch.cat([values[:, :2], torch.stack(values.unbind(1)[2:], 1)], dim=1)


class Shared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(144, 144)
        self.again = self.first
        self.tied = nn.Linear(144, 144, bias=False)
        self.tied.weight = self.first.weight
        self.out = nn.Linear(144, 5)

    def forward(self, x: Tensor) -> Any:
        x = x.flatten(1)
        return self.out(self.tied(torch.tanh(self.again(torch.tanh(self.first(x))))))


class OwnWeights(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(5, 144))
        self.scales = nn.ParameterList([torch.ones(5), torch.ones(1)])
        self.register_buffer("mean", torch.full((1,), 0.1))
        self.register_buffer("steps", torch.zeros(()), persistent=False)
        self.constant = torch.arange(5.0)

    def forward(self, x: Tensor) -> Any:
        self.get_buffer("steps").add_(1)
        x = x.flatten(1) - self.get_buffer("mean")
        return (x @ self.weight.T) * self.scales[0] + self.scales[1] + self.constant


class Lists(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList([nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 3, stride=2)])
        self.named = nn.ModuleDict({"act": nn.LeakyReLU(0.2), "pool": nn.AdaptiveAvgPool2d(1)})
        self.out = nn.Linear(2, 5)

    def forward(self, x: Tensor) -> Any:
        for stage in self.stages:
            x = self.named["act"](stage(x))
        return self.out(self.named["pool"](x).squeeze(-1).squeeze(-1))


class InPlace(Base):
    def forward(self, x: Tensor) -> Any:
        x = self.conv_layers[0](x - x.mean(dim=(2, 3), keepdim=True))
        x.mul_(2).clamp_(min=-1)
        x[:, 0] = 0
        x[x > 1] = 1
        x = x.relu_() * 1
        x += 1
        return self.fc_layers(self.conv_layers[2:](x))


class ChangesItsInput(Base):
    def forward(self, x: Tensor) -> Any:
        x.sub_(x.mean())
        return self.fc_layers(self.conv_layers(x))


class WithoutGradient(Base):
    def forward(self, x: Tensor) -> Any:
        with torch.no_grad():
            features = self.conv_layers(x)
        return self.fc_layers(features) + features.detach().sum() * 0.01


class ChangesItsMode(Base):
    def __init__(self) -> None:
        super().__init__()
        self.conv_layers.append(nn.Dropout(0.5))

    def forward(self, x: Tensor) -> Any:
        self.conv_layers.eval()
        return self.fc_layers(self.conv_layers(x))


class NewLayer(Base):
    def forward(self, x: Tensor) -> Any:
        self.fc_layers[-1] = nn.Linear(8, 5)
        return self.fc_layers(self.conv_layers(x))


class LowerConvolution(nn.Conv2d):
    """One of torch's modules with another forward."""

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight - self.weight.mean(dim=(1, 2, 3), keepdim=True)
        return F.conv2d(x, weight, self.bias, self.stride)


class Named(nn.Sequential):
    """A Sequential by another name."""


class OwnClasses(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv_layers = Named(LowerConvolution(1, 3, 3), nn.PReLU(), nn.AvgPool2d(2))
        self.normalized = nn.utils.parametrizations.weight_norm(nn.Linear(75, 8))
        self.fc_layers = Named(nn.Softplus(), nn.Linear(8, 5))

    def forward(self, x: Tensor) -> Any:
        return self.fc_layers(self.normalized(self.conv_layers(x).flatten(start_dim=1)))


class Lazy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv_layers = nn.Sequential(nn.LazyConv2d(2, 3), nn.LazyBatchNorm2d(), nn.ReLU())
        self.fc_layers = nn.Sequential(nn.AdaptiveMaxPool2d(3), nn.Flatten(), nn.LazyLinear(5))

    def forward(self, x: Tensor) -> Any:
        return self.fc_layers(self.conv_layers(x))


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(12, 36), nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Any:
        q, k, v = self.qkv(x[:, 0]).chunk(3, dim=-1)
        weights = torch.einsum("bic,bjc->bij", q, k).div(12**0.5).softmax(-1)
        mixed = weights @ v + F.scaled_dot_product_attention(q, k, v)
        return self.out(mixed.transpose(1, 2).mean(-1) if self.training else mixed.mean(1))


class Functions(nn.Module):
    """Many of torch's functions in a row."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(64, 5)

    def forward(self, x: Tensor) -> Any:
        x = F.pad(x, (1, 1, 1, 1), mode="reflect")
        x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        x = F.adaptive_avg_pool2d(F.max_pool2d(x, 2), 8).permute(0, 2, 3, 1).contiguous()
        x = x.to(dtype=torch.float32, memory_format=torch.contiguous_format).squeeze(-1)
        x = F.normalize(x, dim=1) + x.mean().item() - float(x.max())
        x = torch.where(x > 0, x, -x).clamp(max=3).pow(2).sqrt() + x.new_zeros(8)
        x = torch.roll(x, 1, dims=2)[..., ::2].repeat_interleave(2, dim=2)
        return self.out(x.unflatten(1, (2, 4)).reshape(len(x), -1).contiguous())


NETS = [
    Plain, Viewed, DroppedByFunction, Normalized, Residual, TwoHeads, Shared, OwnWeights, Lists,
    InPlace, ChangesItsInput, WithoutGradient, ChangesItsMode, NewLayer, OwnClasses, Lazy,
    Attention, Functions,
]  # fmt: skip


def of(net: nn.Module, **options: Any) -> nn.Module:
    def trace_for(training: bool, shape: tuple[int, ...], path: str = "") -> dict[str, Any]:
        x = torch.rand(shape, generator=torch.Generator().manual_seed(1))
        return trace(net, x, training, path)

    return replica(describe(net), trace_for, **options)


def images() -> Tensor:
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(2))


def run(net: nn.Module, mode: bool) -> tuple[list[Any], list[Any]]:
    """Outputs of two steps, gradients, state, and the order in which hooks are called."""
    called: list[tuple[str, bool]] = []
    hooks = []
    for name, module in net.named_modules():
        before = lambda m, _x, name=name: called.append((name, m.training))  # noqa: E731
        after = lambda _m, _x, y, name=name: called.append((name, y is None))  # noqa: E731
        hooks += [module.register_forward_pre_hook(before), module.register_forward_hook(after)]
    net.train(mode)
    torch.manual_seed(0)
    x = images()
    outputs = [net(x), net(images())]
    sum(outputs).pow(2).sum().backward()
    for hook in hooks:
        hook.remove()
    gradients = [p.grad for p in net.parameters() if p.grad is not None]
    modes = [module.training for module in net.modules()]
    return [outputs, x, gradients, list(net.state_dict().values())], [called, modes]


@pytest.mark.parametrize("make", NETS, ids=lambda make: make.__name__)
@pytest.mark.parametrize("mode", [True, False], ids=["train", "eval"])
def test_computes_the_same(make: type[nn.Module], mode: bool) -> None:
    torch.manual_seed(7)
    net = make()
    same = of(net)
    assert list(same.state_dict()) == list(net.state_dict())
    assert [(n, type(m).__name__) for n, m in same.named_modules()] == [
        (n, type(m).__name__) for n, m in net.named_modules()
    ]
    (got, got_order), (expected, expected_order) = run(same, mode), run(net, mode)
    torch.testing.assert_close(got, expected, rtol=0, atol=0, equal_nan=True)
    assert got_order == expected_order


def test_is_of_the_same_classes() -> None:
    same: Any = of(OwnClasses())
    assert isinstance(same.conv_layers, nn.Sequential)
    assert isinstance(same.conv_layers[0], nn.Conv2d)
    assert same.conv_layers[0].out_channels == 3
    assert type(same.fc_layers[-1]) is nn.Linear
    assert type(same.fc_layers).__name__ == "Named"


def test_a_shared_module_is_one() -> None:
    same: Any = of(Shared())
    assert same.first is same.again
    assert same.first.weight is same.tied.weight
    assert len(list(same.parameters())) == 4


def test_hooks_may_replace_inputs_and_outputs() -> None:
    net = Residual().eval()
    same = of(net).eval()
    results = []
    for each in (net, same):
        block = each.get_submodule("conv_layers.1")
        hooks = [
            block.register_forward_pre_hook(lambda _m, x: (x[0] * 2,)),
            block.get_submodule("shortcut").register_forward_hook(lambda _m, _x, y: y + 1),
            each.get_submodule("last").register_forward_hook(lambda _m, _x, y: y.sin()),
        ]
        results.append(each(images()))
        for hook in hooks:
            hook.remove()
        results.append(each(images()))
    assert torch.equal(results[0], results[2])
    assert torch.equal(results[1], results[3])
    assert not torch.equal(results[0], results[1])


def test_a_part_can_be_called_by_itself() -> None:
    net: Any = Residual().eval()
    same: Any = of(net).eval()
    assert torch.equal(same.conv_layers(images()), net.conv_layers(images()))


def test_a_trace_is_asked_for_once_for_each_mode_and_shape() -> None:
    net: nn.Module = Plain()
    asked = []

    def trace_for(training: bool, shape: tuple[int, ...], path: str = "") -> dict[str, Any]:
        asked.append((training, shape, path))
        return trace(net, torch.zeros(shape), training)

    same = replica(describe(net), trace_for)
    for x in (images(), images() + 1, images()[:2]):
        same(x)
    same.eval()(images())
    assert asked == [(True, SHAPE, ""), (True, (2, *SHAPE[1:]), ""), (False, SHAPE, "")]


def test_what_forward_raises_is_raised() -> None:
    class Wrong(Base):
        def forward(self, x: Tensor) -> Any:
            return self.fc_layers(self.conv_layers[:3](x))

    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        of(Wrong())(images())


@pytest.mark.parametrize(
    "value", [None, 3, "text", (None, 1), [0.5], {"a": True}], ids=lambda value: repr(value)
)
def test_gives_what_is_no_tensor(value: Any) -> None:
    class Other(Base):
        def forward(self, x: Tensor) -> Any:
            self.conv_layers(x)
            return value

    assert of(Other())(images()) == value
    assert type(of(Other())(images())) is type(value)


def test_gives_an_object_of_the_same_name() -> None:
    class Other(Base):
        def forward(self, x: Tensor) -> Any:
            return self

    assert type(of(Other())(images())).__name__ == "Other"


def test_tracing_leaves_the_net_as_it_was() -> None:
    class Changes(NewLayer):
        def forward(self, x: Tensor) -> Any:
            self.extra = 1
            self.get_parameter("conv_layers.0.bias").data.add_(1)
            return self.eval()(x) if self.training else super().forward(x)

    net: Any = Changes()
    before, last = copy.deepcopy(net.state_dict()), net.fc_layers[-1]
    state = torch.get_rng_state()
    trace(net, images(), training=True)
    assert torch.equal(torch.get_rng_state(), state)
    assert net.training
    assert net.fc_layers[-1] is last
    assert not hasattr(net, "extra")
    torch.testing.assert_close(dict(net.state_dict()), dict(before), rtol=0, atol=0)


def test_other_losses_are_called_where_the_student_s_code_is() -> None:
    class Other(Base):
        def __init__(self) -> None:
            super().__init__()
            del self.loss_criterion
            self.loss_criterion: Any = F.cross_entropy

    same: Any = of(Other(), remote=lambda path: lambda *args: (path, len(args)))
    assert same.loss_criterion(1, 2) == ("loss_criterion", 2)
    with pytest.raises(NotUnderstood, match="loss_criterion"):
        of(Other())


def test_what_cannot_be_followed_is_said() -> None:
    class Doubled(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: Any, *gradients: Tensor) -> Tensor:
            return gradients[0] * 2

    class Other(Base):
        def forward(self, x: Tensor) -> Any:
            return self.fc_layers(Doubled.apply(self.conv_layers(x)))

    with pytest.raises(NotTraceable, match="its own gradient"):
        of(Other())(images())


# ------------------------------------------------------------ what is refused


def change(*path: Any, to: Any) -> Callable[[dict[str, Any]], None]:
    def apply(data: dict[str, Any]) -> None:
        found: Any = data
        for key in path[:-1]:
            found = found[key]
        found[path[-1]] = to

    return apply


CONV, SEQUENTIAL, NET = 0, 4, -1  # places in the description of Plain
DESCRIPTIONS = {
    "no dict": change("modules", to=None),
    "no modules": change("modules", to=[]),
    "modules are no dicts": change("modules", to=["Linear"]),
    "other class of torch": change("modules", CONV, "base", to="DataParallel"),
    "no class of torch": change("modules", CONV, "base", to="Module.__init__"),
    "class name is code": change("modules", NET, "class", to="a b"),
    "class name is long": change("modules", NET, "class", to="a" * 10_000),
    "inside itself": change("modules", CONV, "children", to={"x": 0}),
    "inside a later one": change("modules", CONV, "children", to={"x": 5}),
    "child is no number": change("modules", SEQUENTIAL, "children", to={"0": "net"}),
    "child named forward": change("modules", SEQUENTIAL, "children", to={"forward": 0}),
    "child with a dot": change("modules", SEQUENTIAL, "children", to={"a.b": 0}),
    "unknown option": change("modules", CONV, "options", "device", to="cuda"),
    "huge option": change("modules", CONV, "options", "in_channels", to=10**30),
    "option is an object": change("modules", CONV, "options", "in_channels", to=object()),
    "missing options": change("modules", CONV, "options", to={}),
    "weight that is not there": change("modules", CONV, "parameters", to={"weight": 99}),
    "weight is text": change("tensors", 0, to="weights"),
    "weight elsewhere": change("tensors", 0, to=torch.empty(3, device="meta")),
    "weight is sparse": change("tensors", 0, to=torch.eye(3).to_sparse()),
    "weight is huge": change("tensors", 0, to=torch.empty(1).expand(1 << 40)),
    "integers that learn": change("tensors", 0, to=torch.ones(3, dtype=torch.int64)),
    "attribute of torch's": change("others", to={"forward": {"value": 1}}),
    "attribute of Python's": change("others", to={"__class__": {"value": 1}}),
    "attribute is an object": change("others", to={"x": {"value": object()}}),
    "attribute of a type that is none": change("others", to={"x": {"type": "a b"}}),
}


@pytest.mark.parametrize("apply", DESCRIPTIONS.values(), ids=DESCRIPTIONS)
def test_refuses_a_description(apply: Callable[[dict[str, Any]], None]) -> None:
    description = describe(Plain())
    apply(description)
    with pytest.raises(NotUnderstood):
        replica(description, lambda *_: None)


def nested(levels: int, children: int) -> dict[str, Any]:
    """Modules that contain the one before, once or several times."""
    description = describe(nn.Sequential())
    inner = description["modules"].pop()
    for number in range(levels):
        names = {str(each): number - 1 for each in range(children)} if number else {}
        description["modules"].append({**inner, "children": names})
    return description


@pytest.mark.parametrize(("levels", "children"), [(300, 1), (30, 2), (2000, 0)])
def test_refuses_many_modules(levels: int, children: int) -> None:
    with pytest.raises(NotUnderstood):
        replica(nested(levels, children), lambda *_: None)


def call(name: str, *args: Any, gives: int = 1, **kwargs: Any) -> dict[str, Any]:
    return {"call": name, "args": args, "kwargs": kwargs, "grad": True, "gives": gives}


X = {"ref": 0}
BIG = call("torch.ones", (4096, 4096))
TRACES: dict[str, Any] = {
    "no dict": None,
    "no steps": {"takes": 1, "returns": None},
    "other arguments": {"takes": 2, "body": [], "returns": None},
    "step is text": [["print"]],
    "value that is not there": [call("torch.relu", {"ref": 7})],
    "negative value": [call("torch.relu", {"ref": -1})],
    "other number of results": [call("torch.relu", X, gives=3)],
    "weight that is not there": [call("torch.relu", {"parameter": "fc_layers.9.weight"})],
    "attribute for a weight": [call("torch.relu", {"parameter": "__class__"})],
    "unknown value": [call("torch.relu", {"code": "print()"})],
    "object": [call("torch.relu", object())],
    "module that is not there": [
        {"module": "conv_layers.77", "args": (), "kwargs": {}, "grad": True, "gives": 0}
    ],
    "body of a standard module": [
        {"module": "conv_layers", "args": (X,), "kwargs": {}, "grad": True, "gives": 1,
         "takes": 1, "body": [], "returns": X}
    ],
    "itself": [{"module": "", "args": (X,), "kwargs": {}, "grad": True, "gives": 1}],
    "mode of what is not there": [{"mode": {"x": True}}],
    "new module of another kind": [
        {"set": "fc_layers.2", "kind": {"base": "Conv2d", "options": {}}, "parameters": {}}
    ],
    "load": [call("torch.load", "file")],
    "save": [call("torch.save", X, "file")],
    "numpy": [call("torch.Tensor.numpy", X)],
    "backward": [call("torch.Tensor.backward", X)],
    "hook": [call("torch.Tensor.register_hook", X, None)],
    "storage": [call("torch.Tensor.set_", X)],
    "other memory": [call("torch.as_strided", X, (9, 9), (1000, 1000))],
    "setting data": [call("torch.Tensor.data.__set__", X, X)],
    "pickle": [call("torch.Tensor.__reduce_ex__", X, 2)],
    "file": [call("torch.from_file", "/etc/passwd", size=10)],
    "attribute of torch": [call("torch.os.system", "ls")],
    "another device": [call("torch.Tensor.to", X, "cuda")],
    "another device by its kind": [call("torch.zeros", 3, device={"device": "meta"})],
    "wrong arguments": [call("torch.relu", X, X, X)],
    "name that torch does not know": [call("torch.relu", X, other=1)],
    "huge zeros": [call("torch.zeros", (1 << 20, 1 << 20))],
    "huge range": [call("torch.arange", 1e15)],
    "huge copies": [call("torch.Tensor.repeat", X, 1 << 12, 1 << 12)],
    "huge sum": [
        call("torch.Tensor.expand", X, 1 << 30, *SHAPE),
        call("torch.add", {"ref": 1}, 1),
    ],
    "huge padding": [call("torch.nn.functional.pad", X, (1 << 20, 0, 1 << 20, 0))],
    "huge picture": [call("torch.nn.functional.interpolate", X, scale_factor=1e5)],
    "huge one-hot": [
        call("torch.nn.functional.one_hot", {"tensor": torch.tensor([1 << 40])}),
    ],
    "copies by a tensor": [
        call("torch.repeat_interleave", {"tensor": torch.tensor([1 << 40])}),
    ],
    "many large ones": [call("torch.empty", (4096, 4096))] * 100,
    "long products": [BIG, *[call("torch.mm", {"ref": 1}, {"ref": 1})] * 200],
    "slow pooling": [
        BIG,
        call("torch.Tensor.view", {"ref": 1}, 1, 1, 4096, 4096),
        call("torch.max_pool2d", {"ref": 2}, 2001, 1),
    ],
    "slow decomposition": [BIG, call("torch.linalg.svd", {"ref": 1})],
    "slow polynomial": [call("torch.special.hermite_polynomial_h", X, 1 << 40)],
    "standard module with a wrong input": [
        {"module": "fc_layers", "args": (X,), "kwargs": {}, "grad": True, "gives": 1}
    ],
    "many parts": [
        call("torch.zeros", 1 << 20),
        call("torch.unbind", {"ref": 1}, gives=1 << 20),
    ],
    "many combinations": [
        call("torch.zeros", 1000),
        call("torch.combinations", {"ref": 1}, 20),
    ],
    "many steps": [call("torch.relu", X)] * 100_000,
    "deep values": [call("torch.relu", [[[[[[X]]]]]] * 10)],
}  # fmt: skip


@pytest.mark.parametrize("given", TRACES.values(), ids=TRACES)
def test_refuses_a_trace(given: Any) -> None:
    found = {"takes": 1, "body": given, "returns": X} if isinstance(given, list) else given
    same = replica(describe(Plain()), lambda *_: found)
    with pytest.raises(NotUnderstood):
        same(images())


def test_refuses_endless_nesting() -> None:
    deep: Any = X
    for _ in range(100_000):
        deep = [deep]
    same = replica(describe(Plain()), lambda *_: {"takes": 1, "body": [call("torch.relu", deep)]})
    with pytest.raises(NotUnderstood):
        same(images())
