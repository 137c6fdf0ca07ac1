"""A round of the published setting in JAX, compiled as one function, for comparison of speed."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from adversarial_nets.datasets import Dataset
from adversarial_nets.settings import Settings

__all__ = ["jax_round"]

# JAX is optional here, so its own types cannot be named.
Array = Any
Weights = Any  # for each layer (weight, bias)
State = Any  # for each network (weights, velocities)


def jax_round(settings: Settings, data: Dataset) -> Callable[[], float] | None:
    """A function that runs one simultaneous round and returns D's loss, or None without JAX.

    It computes what our code computes: ReLU and sigmoid generator, maxout discriminator with
    dropout, both gradients at the same weights, SGD with momentum. Noise, dropout masks and the
    choice of images come from JAX's random generators, inside the compiled function.
    """
    try:
        import jax
        import jax.numpy as np
    except ImportError:
        return None
    s = settings
    images = np.asarray(data.train.numpy())
    V_loss, G_loss = _losses(s)

    def descend(θ: Weights, v: Weights, gradient: Weights) -> tuple[Weights, Weights]:
        v = jax.tree.map(lambda v, g: s.momentum * v + g, v, gradient)
        return jax.tree.map(lambda p, v: p - s.lr * v, θ, v), v

    def one_round(state: State, key: Array) -> tuple[State, Array]:
        (θ_g, v_g), (θ_d, v_d) = state
        key_z, key_x, *keys = jax.random.split(key, 4)
        z = jax.random.uniform(key_z, (s.batch, s.z_size), minval=-(3**0.5), maxval=3**0.5)
        x = images[jax.random.randint(key_x, (s.batch,), 0, len(images))] / 255
        d_loss, for_d = jax.value_and_grad(V_loss)(θ_d, x, θ_g, z, keys)
        for_g = jax.grad(G_loss)(θ_g, θ_d, z, keys)
        return (descend(θ_g, v_g, for_g), descend(θ_d, v_d, for_d)), d_loss

    state: State = [(θ, jax.tree.map(np.zeros_like, θ)) for θ in _new_weights(s, data.pixels)]
    compiled = jax.jit(one_round, donate_argnums=0)
    key = jax.random.key(2, impl="rbg")  # JAX's faster generator
    step = 0

    def play() -> float:
        nonlocal state, step
        state, d_loss = compiled(state, jax.random.fold_in(key, step))
        step += 1
        return float(d_loss)

    return play


def _losses(s: Settings) -> tuple[Callable[..., Array], Callable[..., Array]]:
    """D's loss as released (−V/2) and G's non-saturating loss, as functions of the weights."""
    import jax
    import jax.numpy as np

    keep_probs = (s.D.keep_prob_input,) + (s.D.keep_prob_hidden,) * len(s.D.units)

    def G(θ: Weights, z: Array) -> Array:
        for W, b in θ[:-1]:
            z = jax.nn.relu(z @ W + b)
        return jax.nn.sigmoid(z @ θ[-1][0] + θ[-1][1])

    def D(θ: Weights, x: Array, key: Array) -> Array:
        for i, ((W, b), keep) in enumerate(zip(θ, keep_probs, strict=True)):
            mask = jax.random.bernoulli(jax.random.fold_in(key, i), keep, x.shape)
            x = np.where(mask, x / keep, 0) @ W + b
            if i < len(s.D.units):
                x = x.reshape(len(x), -1, s.D.pieces).max(-1)
        return x[:, 0]

    def V_loss(θ_d: Weights, x: Array, θ_g: Weights, z: Array, keys: list[Array]) -> Array:
        a_x, a_G_z = D(θ_d, x, keys[0]), D(θ_d, G(θ_g, z), keys[1])
        return (jax.nn.softplus(-a_x).mean() + jax.nn.softplus(a_G_z).mean()) / 2

    def G_loss(θ_g: Weights, θ_d: Weights, z: Array, keys: list[Array]) -> Array:
        return jax.nn.softplus(-D(θ_d, G(θ_g, z), keys[1])).mean()

    return V_loss, G_loss


def _new_weights(s: Settings, pixels: int) -> tuple[Weights, Weights]:
    """Initial weights of G and D: uniform on ±init, biases 0."""
    import jax
    import jax.numpy as np

    def layers(key: Array, widths: list[tuple[int, int]], init: float) -> Weights:
        keys = jax.random.split(key, len(widths))
        return [
            (jax.random.uniform(k, w, minval=-init, maxval=init), np.zeros(w[1]))
            for k, w in zip(keys, widths, strict=True)
        ]

    inputs = [pixels, *s.D.units]
    outputs = [*(u * s.D.pieces for u in s.D.units), 1]
    return (
        layers(jax.random.key(0), list(pairwise([s.z_size, *s.G.hidden, pixels])), s.G.init[0]),
        layers(jax.random.key(1), list(zip(inputs, outputs, strict=True)), s.D.init[0]),
    )
