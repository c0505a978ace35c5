"""The same networks and training steps in Keras on TensorFlow and in JAX with Flax.

    python benchmarks/peers.py         # compare weights, logits and one epoch with PyTorch

`epoch_time.py` times the libraries that are installed. They are not in the package's extras:
install them by hand with `pip install tensorflow-cpu keras` and `pip install jax flax optax`.
They run on the CPU and use all its cores.

A peer has the network's layers with channels last, a copy of its initial weights, and the recipe's
optimizer. Each library runs its fastest usual training loop. Keras: `fit` and `evaluate` on a
cached data set, ten steps a call, without XLA, which is Keras's default on a CPU. JAX: one jitted
function a step that reuses the old state's memory; a whole epoch in `lax.scan` is slower on a CPU.

Three differences from PyTorch remain. Batch norm's running variance, which only evaluation uses, is
unbiased in PyTorch alone. Keras adds Adam's epsilon before the bias correction, not after. And
weight decay through the gradient, as in PyTorch's SGD, is an L2 penalty in Keras: its own
`weight_decay` decays the weights directly.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import cross_entropy

from scene_recog.models import NETS
from scene_recog.optimizer import get_optimizer
from scene_recog.recipes import RECIPES, Recipe

Array = NDArray[Any]
TOLERANCE = 1e-4  # between the logits of a peer and of PyTorch
LETTERS = {"Keras on TensorFlow": "f", "JAX with Flax": "g"}  # of the rows in epoch_time.py


@dataclass(frozen=True)
class Data:
    """Images float32 [N, 1, S, S] and labels int32 [N]."""

    x_train: Array
    y_train: Array
    x_val: Array
    y_val: Array


@dataclass(frozen=True)
class Peer:
    """A network in another library.

    Attributes:
        epoch: trains one epoch, evaluates, and returns when both are done.
        logits: images float32 [N, 1, S, S] -> logits [N, 15]; with True as its second argument,
            batch norm and dropout behave as in training.
        parameters: number of trained values.
    """

    epoch: Callable[[], None]
    logits: Callable[[Array, bool], Array]
    parameters: int


Factory = Callable[[Recipe, nn.Module, Data], Peer]


def available() -> dict[str, Factory]:
    """The installed peers by name; each makes a `Peer` of a recipe, its network and data.

    Raises:
        ValueError: from a factory, if the network or the optimizer has no counterpart here.
    """
    needs: dict[str, tuple[Factory, tuple[str, ...]]] = {
        "Keras on TensorFlow": (keras_peer, ("keras", "tensorflow")),
        "JAX with Flax": (jax_peer, ("jax", "flax", "optax")),
    }
    return {name: make for name, (make, packages) in needs.items() if all(map(find_spec, packages))}


def peer_epochs(recipe: Recipe, n_train: int, n_val: int) -> dict[str, Callable[[], None]]:
    """For each installed peer, a function that trains and evaluates one epoch of random data.

    Each peer runs in its own process, because other rows fork workers, and a process with threads
    of TensorFlow or JAX should not be forked. It ends when its function is deleted. A peer that
    cannot be made is left out, with a line that says why.

    Raises:
        ValueError: a peer's logits differ from PyTorch's.
    """
    model = recipe.make_model()
    spawn = multiprocessing.get_context("spawn")
    epochs: dict[str, Callable[[], None]] = {}
    for name in available():
        pipe, end = spawn.Pipe()
        task = (end, name, recipe, model, n_train, n_val)
        spawn.Process(target=serve_epochs, args=task, daemon=True).start()
        end.close()
        difference = pipe.recv()
        if isinstance(difference, str):
            print(f"no row for {name}: {difference}")
            continue
        if difference > TOLERANCE:
            raise ValueError(f"{name}: its logits differ from PyTorch's by {difference:.2g}")

        def epoch(pipe: Any = pipe) -> None:
            pipe.send("train")
            pipe.recv()

        epochs[f"{LETTERS[name]}  {name}"] = epoch
    return epochs


def serve_epochs(
    pipe: Any, name: str, recipe: Recipe, model: nn.Module, n_train: int, n_val: int
) -> None:
    """Send the difference of the logits, or why there is no peer; then an epoch per message."""
    data = random_data(recipe, n_train, n_val)
    try:
        peer = available()[name](recipe, model, data)
    except ValueError as error:
        pipe.send(str(error))
        return
    pipe.send(logits_difference(peer, model, data.x_val[:32]))
    with contextlib.suppress(EOFError):  # the other end is closed
        while pipe.recv():
            peer.epoch()
            pipe.send("done")


def random_data(recipe: Recipe, n_train: int, n_val: int) -> Data:
    """Normally distributed pixels of the recipe's input size, and random labels."""
    rng = np.random.default_rng(recipe.seed)
    shape = (1, recipe.input_size, recipe.input_size)
    x_train, x_val = (rng.standard_normal((n, *shape), np.float32) for n in (n_train, n_val))
    y_train, y_val = (rng.integers(15, size=n, dtype=np.int32) for n in (n_train, n_val))
    return Data(x_train, y_train, x_val, y_val)


def logits_difference(peer: Peer, model: nn.Module, images: Array) -> float:
    """The largest difference between the logits of a peer and of PyTorch, in evaluation."""
    with torch.inference_mode():
        expected = model.eval()(torch.from_numpy(images)).numpy()
    return float(np.abs(peer.logits(images, False) - expected).max())


def layers_of(recipe: Recipe, model: nn.Module) -> list[nn.Module]:
    """The layers of a network whose forward is `fc_layers(conv_layers(x))`.

    Raises:
        ValueError: the network has other parts, or the optimizer is not one of the peers'.
    """
    parts = [name for name, _ in model.named_children() if name != "loss_criterion"]
    if parts != ["conv_layers", "fc_layers"]:
        raise ValueError(f"{recipe.model} has other parts than conv_layers and fc_layers")
    if recipe.optimizer_type not in ("sgd", "adam") or not recipe.decay_vectors:
        raise ValueError("only sgd and adam are there, with weight decay on all parameters")
    return [layer for part in parts for layer in model.get_submodule(part).children()]


def channels_last_weights(layers: list[nn.Module], side: int) -> dict[nn.Module, list[Array]]:
    """A copy of each layer's weights, for images of side `side` with channels last.

    Convolution: kernel [H, W, in, out], bias if any. Batch norm: scale, shift, running mean,
    running variance, each [C]. Linear: kernel [in, out], bias if any; the layer after flattening
    gets its inputs in the order [H, W, C] instead of [C, H, W].
    """
    weights: dict[nn.Module, list[Array]] = {}
    order: Any = slice(None)
    x = torch.zeros(1, 1, side, side)
    for layer in layers:
        tensors: list[Any] = []
        if isinstance(layer, nn.Conv2d):
            tensors = [layer.weight.permute(2, 3, 1, 0), layer.bias]
        elif isinstance(layer, nn.BatchNorm2d):
            tensors = [layer.weight, layer.bias, layer.running_mean, layer.running_var]
        elif isinstance(layer, nn.Flatten):
            order = torch.arange(x.numel()).view(x.shape[1:]).permute(1, 2, 0).flatten()
        elif isinstance(layer, nn.Linear):
            tensors = [layer.weight[:, order].T, layer.bias]
            order = slice(None)
        if tensors:
            weights[layer] = [t.detach().numpy().copy() for t in tensors if t is not None]
        with torch.inference_mode():
            x = layer.eval()(x)
    return weights


def pair(size: Any) -> tuple[int, int]:
    """(height, width) of a kernel, stride or padding that may be a single number."""
    return (size, size) if isinstance(size, int) else size


# ------------------------------------------------------------------------- Keras on TensorFlow


def keras_peer(recipe: Recipe, model: nn.Module, data: Data) -> Peer:
    """The network in Keras; raises as `available` says."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras
    import tensorflow as tf

    tf.config.set_visible_devices([], "GPU")
    tf.get_logger().setLevel("ERROR")  # it takes several networks for one that is traced again
    layers, size = layers_of(recipe, model), recipe.input_size
    weights = channels_last_weights(layers, size)
    net = keras.Sequential([keras.Input((size, size, 1))])
    for layer in layers:
        for own in keras_layers(layer, recipe.weight_decay):
            net.add(own)
        if layer in weights:
            net.layers[-1].set_weights(weights[layer])
    if recipe.optimizer_type == "sgd":
        optimizer = keras.optimizers.SGD(recipe.lr, recipe.momentum, recipe.nesterov)
    else:
        optimizer = keras.optimizers.Adam(recipe.lr, epsilon=1e-8)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    net.compile(optimizer, loss, steps_per_execution=10)

    def batches(x: Array, y: Array) -> Any:
        examples = tf.data.Dataset.from_tensor_slices((np.moveaxis(x, 1, -1), y))
        return examples.batch(recipe.batch_size).cache().prefetch(tf.data.AUTOTUNE)

    train, val = batches(data.x_train, data.y_train), batches(data.x_val, data.y_val)

    def epoch() -> None:
        net.fit(train, shuffle=False, verbose=0)
        net.evaluate(val, verbose=0)

    def logits(x: Array, training: bool) -> Array:
        return np.asarray(net(np.moveaxis(x, 1, -1), training=training))

    return Peer(epoch, logits, sum(w.numpy().size for w in net.trainable_weights))


def keras_layers(layer: nn.Module, decay: float) -> list[Any]:
    """The layers of Keras that do what `layer` does; `decay` times each weight joins its gradient.

    Raises:
        ValueError: there is none.
    """
    from keras import layers, regularizers

    l2 = regularizers.L2(decay / 2) if decay else None
    linear: dict[str, Any] = {"kernel_regularizer": l2, "bias_regularizer": l2}
    if isinstance(layer, nn.Conv2d):
        linear["use_bias"] = layer.bias is not None
        stride, (height, width) = layer.stride, pair(layer.padding)
        if stride == (1, 1) and layer.kernel_size == (2 * height + 1, 2 * width + 1):
            linear["padding"] = "same"
            height = width = 0
        padding = [layers.ZeroPadding2D((height, width))] if height or width else []
        return [*padding, layers.Conv2D(layer.out_channels, layer.kernel_size, stride, **linear)]
    if isinstance(layer, nn.BatchNorm2d):
        kept = 1 - (layer.momentum or 0.0)
        decays = {"gamma_regularizer": l2, "beta_regularizer": l2}
        return [layers.BatchNormalization(momentum=kept, epsilon=layer.eps, **decays)]
    if isinstance(layer, nn.Linear):
        return [layers.Dense(layer.out_features, use_bias=layer.bias is not None, **linear)]
    if isinstance(layer, nn.MaxPool2d):
        return [layers.MaxPooling2D(pair(layer.kernel_size), pair(layer.stride))]
    if isinstance(layer, nn.AvgPool2d):
        return [layers.AveragePooling2D(pair(layer.kernel_size), pair(layer.stride))]
    if isinstance(layer, nn.AdaptiveAvgPool2d) and pair(layer.output_size) == (1, 1):
        return [layers.GlobalAveragePooling2D(keepdims=True)]
    if isinstance(layer, nn.ReLU):
        return [layers.ReLU()]
    if isinstance(layer, nn.Dropout):
        return [layers.Dropout(layer.p)]
    if isinstance(layer, nn.Flatten):
        return [layers.Flatten()]
    raise ValueError(f"no counterpart of {layer}")


# ------------------------------------------------------------------------------- JAX with Flax


def jax_peer(recipe: Recipe, model: nn.Module, data: Data) -> Peer:
    """The network in Flax, with optax's optimizer; raises as `available` says."""
    os.environ["JAX_PLATFORMS"] = "cpu"
    import jax
    import optax
    from flax import nnx
    from jax import numpy as jnp

    layers = layers_of(recipe, model)
    weights = channels_last_weights(layers, recipe.input_size)
    rngs = nnx.Rngs(recipe.seed)
    net = nnx.Sequential(*(flax_layer(layer, rngs) for layer in layers))
    for layer, own in zip(layers, net.layers, strict=True):
        norm = isinstance(layer, nn.BatchNorm2d)
        names = ("scale", "bias", "mean", "var") if norm else ("kernel", "bias")
        for name, value in zip(names, weights.get(layer, []), strict=False):
            getattr(own, name)[...] = jnp.asarray(value)
    if recipe.optimizer_type == "sgd":
        rule = optax.sgd(recipe.lr, recipe.momentum, recipe.nesterov)
    else:
        rule = optax.adam(recipe.lr)
    if recipe.weight_decay:
        rule = optax.chain(optax.add_decayed_weights(recipe.weight_decay), rule)
    optimizer = nnx.Optimizer(net, rule, wrt=nnx.Param)
    parameters = sum(p.size for p in jax.tree.leaves(nnx.state(net, nnx.Param)))
    graph, state = nnx.split((net, optimizer))

    def loss_of(net: Any, x: Any, y: Any) -> Any:
        return optax.softmax_cross_entropy_with_integer_labels(net(x), y).mean()

    def train_step(state: Any, x: Any, y: Any) -> tuple[Any, Any]:
        net, optimizer = nnx.merge(graph, state)
        net.train()
        loss, gradients = nnx.value_and_grad(loss_of)(net, x, y)
        optimizer.update(net, gradients)
        return nnx.state((net, optimizer)), loss

    def evaluate_batch(state: Any, x: Any, y: Any) -> Any:
        net, _ = nnx.merge(graph, state)
        net.eval()
        return loss_of(net, x, y)

    train_step = jax.jit(train_step, donate_argnums=0)
    evaluate_batch = jax.jit(evaluate_batch)

    def batches(x: Array, y: Array) -> list[tuple[Any, Any]]:
        x, size = np.moveaxis(x, 1, -1), recipe.batch_size
        starts = range(0, len(x), size)
        return [(jnp.asarray(x[i : i + size]), jnp.asarray(y[i : i + size])) for i in starts]

    train, val = batches(data.x_train, data.y_train), batches(data.x_val, data.y_val)

    def epoch() -> None:
        nonlocal state
        for x, y in train:
            state, _ = train_step(state, x, y)
        jax.block_until_ready([evaluate_batch(state, x, y) for x, y in val])

    def logits(x: Array, training: bool) -> Array:
        net, _ = nnx.merge(graph, state)
        if training:
            net.train()
        else:
            net.eval()
        return np.asarray(net(jnp.asarray(np.moveaxis(x, 1, -1))))

    return Peer(epoch, logits, parameters)


def flax_layer(layer: nn.Module, rngs: Any) -> Any:
    """What does in Flax what `layer` does.

    Raises:
        ValueError: there is none.
    """
    from flax import nnx

    if isinstance(layer, nn.Conv2d):
        return nnx.Conv(
            layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride,
            padding=[(p, p) for p in pair(layer.padding)],
            use_bias=layer.bias is not None, rngs=rngs,
        )  # fmt: skip
    if isinstance(layer, nn.BatchNorm2d):
        kept = 1 - (layer.momentum or 0.0)
        return nnx.BatchNorm(layer.num_features, momentum=kept, epsilon=layer.eps, rngs=rngs)
    if isinstance(layer, nn.Linear):
        sizes = layer.in_features, layer.out_features
        return nnx.Linear(*sizes, use_bias=layer.bias is not None, rngs=rngs)
    if isinstance(layer, nn.MaxPool2d | nn.AvgPool2d):
        pool = nnx.max_pool if isinstance(layer, nn.MaxPool2d) else nnx.avg_pool
        kernel, stride = pair(layer.kernel_size), pair(layer.stride)
        return lambda x: pool(x, kernel, stride)
    if isinstance(layer, nn.AdaptiveAvgPool2d) and pair(layer.output_size) == (1, 1):
        return lambda x: x.mean((1, 2), keepdims=True)
    if isinstance(layer, nn.ReLU):
        return nnx.relu
    if isinstance(layer, nn.Dropout):
        return nnx.Dropout(layer.p, rngs=rngs)
    if isinstance(layer, nn.Flatten):
        return lambda x: x.reshape(len(x), -1)
    raise ValueError(f"no counterpart of {layer}")


# ------------------------------------------------------------------------ agreement with PyTorch


def pytorch_peer(recipe: Recipe, model: nn.Module, data: Data) -> Peer:
    """The network itself, which its epochs train."""
    optimizer = get_optimizer(model, recipe.optimizer_config)

    def batches(x: Array, y: Array) -> list[tuple[torch.Tensor, torch.Tensor]]:
        images, labels = torch.from_numpy(x), torch.from_numpy(y).long()
        size = recipe.batch_size
        return list(zip(images.split(size), labels.split(size), strict=True))

    train, val = batches(data.x_train, data.y_train), batches(data.x_val, data.y_val)

    def epoch() -> None:
        model.train()
        for images, labels in train:
            loss = cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.inference_mode():
            for images, labels in val:
                cross_entropy(model(images), labels)

    def logits(x: Array, training: bool) -> Array:
        with torch.inference_mode():
            return np.asarray(model.train(training)(torch.from_numpy(x)))

    return Peer(epoch, logits, sum(p.numel() for p in model.parameters()))


def main() -> None:
    """For each network and peer: parameters, difference of logits, loss before and after an epoch.

    Dropout is off, since its random numbers differ. Each loss is that of the training images, with
    batch norm as in training. The exit status is 1 if logits differ by more than TOLERANCE.
    """
    from epoch_time import StudentNet

    NETS["StudentNet"] = StudentNet
    student = RECIPES["part2"].override(["name=student", "model=StudentNet"])
    worst = 0.0
    print(f"{'':37} parameters  logits differ  loss before, after an epoch")
    for recipe in (RECIPES["part1"], RECIPES["part2"], student):
        data = random_data(recipe, n_train=250, n_val=50)
        model = recipe.make_model()
        for layer in model.modules():
            if isinstance(layer, nn.Dropout):
                layer.p = 0.0
        factories = available() | {"PyTorch": pytorch_peer}  # the last, as it trains `model`
        for name, make in factories.items():
            peer = make(recipe, model, data)
            difference = logits_difference(peer, model, data.x_val)
            before = loss_of_training(peer, data)
            peer.epoch()
            after = loss_of_training(peer, data)
            print(f"{recipe.model:15} {name:21} {peer.parameters:10,} {difference:14.1e} "
                  f"{before:12.4f} {after:.4f}", flush=True)  # fmt: skip
            worst = max(worst, difference)
    sys.exit(worst > TOLERANCE)


def loss_of_training(peer: Peer, data: Data) -> float:
    """Mean cross-entropy of all training images as one batch, in training mode."""
    logits = torch.tensor(peer.logits(data.x_train, True))
    return float(cross_entropy(logits, torch.from_numpy(data.y_train).long()))


if __name__ == "__main__":
    from common import run_script

    run_script(main)
