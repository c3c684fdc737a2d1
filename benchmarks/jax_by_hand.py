"""JAX by hand: a whole epoch is one compiled function, its steps one ``lax.scan``."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.networks import BATCH_SIZE, N_INPUTS, Network
from benchmarks.peers import Peer
from benchmarks.turns import Turns
from mlplab.data import Dataset

Tree = Any
EPSILON, MOMENTUM = 1e-3, 0.99  # batch normalization, as in Keras
BETA_1, BETA_2, ADAM_EPSILON = 0.9, 0.999, 1e-7


def initial(network: Network, key: jax.Array) -> tuple[Tree, Tree]:
    """Return the trained parameters of each layer, and the moving mean and variance of each."""
    parameters, moving = [], []
    keys = jax.random.split(key, len(network.shapes))
    for i, (fan_in, fan_out) in enumerate(network.shapes):
        if i < len(network.units):
            kernel = network.deviations[i] * jax.random.normal(keys[i], (fan_in, fan_out))
        else:
            kernel = jax.nn.initializers.glorot_uniform()(keys[i], (fan_in, fan_out))
        layer = {"kernel": kernel, "bias": jnp.zeros(fan_out)}
        if network.regularized and i < len(network.units):
            layer |= {"gamma": jnp.ones(fan_out), "beta": jnp.zeros(fan_out)}
            moving.append((jnp.zeros(fan_out), jnp.ones(fan_out)))
        parameters.append(layer)
    return parameters, moving


def forward(parameters: Tree, moving: Tree, x: jax.Array, key: jax.Array | None) -> Any:
    """Return logits (batch, 10) and the new moving statistics; a key means training."""
    moved = []
    for i, layer in enumerate(parameters):
        x = x @ layer["kernel"] + layer["bias"]
        if i == len(parameters) - 1:
            break
        x = jax.nn.relu(x)
        if "gamma" not in layer:
            continue
        mean, variance = moving[i]
        if key is not None:
            batch = (x.mean(axis=0), x.var(axis=0))
            moved.append(
                tuple(
                    MOMENTUM * m + (1 - MOMENTUM) * b for m, b in zip(moving[i], batch, strict=True)
                )
            )
            mean, variance = batch
        x = (x - mean) * (layer["gamma"] * jax.lax.rsqrt(variance + EPSILON)) + layer["beta"]
        if key is not None:
            kept = jax.random.bernoulli(jax.random.fold_in(key, i), 0.5, x.shape)
            x = jnp.where(kept, 2 * x, 0)
    return x, moved


def loss(parameters: Tree, moving: Tree, x: jax.Array, y: jax.Array, key: jax.Array) -> Any:
    """Return the batch's mean cross-entropy, and the new moving statistics."""
    logits, moved = forward(parameters, moving, x, key)
    chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1)
    return -chosen.mean(), moved


def sgd(parameters: Tree, gradients: Tree, slots: Tree, step: jax.Array) -> tuple[Tree, Tree]:
    """Step by SGD: w -= 0.01 g."""
    return jax.tree.map(lambda w, g: w - 0.01 * g, parameters, gradients), slots


def adam(parameters: Tree, gradients: Tree, slots: Tree, step: jax.Array) -> tuple[Tree, Tree]:
    """Step by Adam: m, v are moving means of g and g^2; w -= rate m / (sqrt(v) + epsilon)."""
    rate = 1e-3 * jnp.sqrt(1 - BETA_2**step) / (1 - BETA_1**step)
    m = jax.tree.map(lambda m, g: m + (g - m) * (1 - BETA_1), slots[0], gradients)
    v = jax.tree.map(lambda v, g: v + (g * g - v) * (1 - BETA_2), slots[1], gradients)
    w = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + ADAM_EPSILON), parameters, m, v)
    return w, (m, v)


@partial(jax.jit, static_argnames="update", donate_argnums=0)
def epoch(state: Tree, x: jax.Array, y: jax.Array, key: jax.Array, update: Any) -> Tree:
    """Return the state after one epoch of shuffled batches, the short last one included."""
    order = jax.random.permutation(key, len(x))
    n_whole = len(x) // BATCH_SIZE * BATCH_SIZE

    def step(state: Tree, rows: jax.Array) -> tuple[Tree, None]:
        parameters, moving, slots, count = state
        gradients, moved = jax.grad(loss, has_aux=True)(
            parameters, moving, x[rows], y[rows], jax.random.fold_in(key, count)
        )
        parameters, slots = update(parameters, gradients, slots, count)
        return (parameters, moved, slots, count + 1), None

    state, _ = jax.lax.scan(step, state, order[:n_whole].reshape(-1, BATCH_SIZE))
    return step(state, order[n_whole:])[0]


def rows(images: Any) -> jax.Array:
    """Return bytes as rows of floats 0..1."""
    return jnp.asarray(images.reshape(-1, N_INPUTS), jnp.float32) / 255


def train(peer: Peer, network: Network, dataset: Dataset, turns: Turns) -> dict[str, Any]:
    """Train with one call an epoch."""
    x, y = rows(dataset.train.x), jnp.asarray(dataset.train.y, jnp.int32)
    key = jax.random.key(0, impl="rbg")  # quicker than the default on a CPU
    parameters, moving = initial(network, key)
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    slots = (zeros, jax.tree.map(jnp.copy, zeros)) if network.units else ()
    state = (parameters, moving, slots, jnp.int32(1))
    update = adam if network.units else sgd
    for i, _ in enumerate(turns):
        state = epoch(state, x, y, jax.random.fold_in(key, i), update)
        state[-1].block_until_ready()
    logits, _ = forward(state[0], state[1], rows(dataset.test.x), None)
    return {"accuracy": float((logits.argmax(1) == dataset.test.y).mean())}
