"""The chains of `chains.py` in JAX: the same update on all copies, `lax.scan` under `jit`, float32.

Run by `chains.py --against-jax PYTHON`, in an environment of its own that has jax and numpy:
    PYTHON jax_chains.py CHAINS STEPS RUNS
It prints the milliseconds of each run, without the first, which compiles.
"""

from __future__ import annotations

import sys
import time

import jax
import jax.numpy as jnp

CHAINS, STEPS, RUNS = (int(word) for word in sys.argv[1:])
K, LEVELS, RATIO = 8, 20, 0.2
MEANS, LOG_WEIGHTS = jnp.array([[5.0, 5.0], [-5.0, -5.0]]), jnp.log(jnp.array([0.8, 0.2]))


def denoised(y: jax.Array, sigma: jax.Array) -> jax.Array:
    """The posterior mean for 0.8 N((5, 5), I) + 0.2 N((−5, −5), I)."""
    total = 1.0 + sigma**2 / K
    centred = y.mean(1)[:, None] - MEANS
    rho = jax.nn.softmax(LOG_WEIGHTS - 0.5 * (centred**2).sum(-1) / total, 1)
    return (rho[..., None] * (MEANS + centred / total)).sum(1)


def step(carry: tuple[jax.Array, jax.Array], sigma: jax.Array):
    """One step of chained Langevin dynamics; the state and its x̂ are kept."""
    y, key = carry
    key, own = jax.random.split(key)
    x_hat = denoised(y, sigma)
    z = jax.random.normal(own, y.shape)
    after = y + RATIO * (x_hat[:, None] - y) + jnp.sqrt(2 * RATIO) * sigma * z
    return (after, key), (y, x_hat)


@jax.jit
def run(key: jax.Array):
    """A whole way down the ladder."""
    key, own = jax.random.split(key)
    y = 40.0 * jax.random.normal(own, (CHAINS, K, 2))
    return jax.lax.scan(step, (y, key), jnp.repeat(jnp.geomspace(40.0, 1.0, LEVELS), STEPS // LEVELS))


times = []
for seed in range(RUNS + 1):
    start = time.perf_counter()
    jax.block_until_ready(run(jax.random.key(seed)))
    times.append(1e3 * (time.perf_counter() - start))
print(*times[1:])
