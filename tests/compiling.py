"""Compiling quickly where what is compiled runs for a moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import jax


@contextmanager
def less_optimized() -> Iterator[None]:
    """Let JAX, and so Keras, compile in half the time.

    What was compiled that way rounds otherwise, so it is forgotten before other tests run.
    """
    jax.clear_caches()
    jax.config.update("jax_disable_most_optimizations", True)
    try:
        yield
    finally:
        jax.config.update("jax_disable_most_optimizations", False)
        jax.clear_caches()
