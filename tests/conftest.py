"""Settings shared by all tests."""

import os

import hypothesis
import jax

jax.config.update("jax_enable_x64", True)

# the first example of a property compiles: time limits per example would only find busy machines
hypothesis.settings.register_profile("ocean_gcm", deadline=None)
hypothesis.settings.load_profile("ocean_gcm")


def pytest_configure(config):
    """Quick tests compile for most of their time and run tiny programs once: they, and the programs that they start,
    compile with few optimizations, which takes half the time. Slow ones run for long and are compiled as for users."""
    if config.option.markexpr == "not slow":
        os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
        jax.config.update("jax_disable_most_optimizations", os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] == "1")
