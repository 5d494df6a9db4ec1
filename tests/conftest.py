"""Settings shared by all tests."""

import ctypes
import gc
import os
import tempfile
from pathlib import Path

import hypothesis
import jax
import pytest

jax.config.update("jax_enable_x64", True)

# the first example of a property compiles: time limits per example would only find busy machines
hypothesis.settings.register_profile("ocean_gcm", deadline=None)
hypothesis.settings.load_profile("ocean_gcm")

MOST_MEMORY = 2 * 2**30  # bytes of a worker beyond which it drops its programs


def pytest_configure(config):
    """Quick tests compile for most of their time and run tiny programs once: they, and the programs that they start,
    compile with few optimizations, by XLA's older way of writing fused loops and each program in one piece, which
    together takes a third of the time. Slow ones run for long and are compiled as for users."""
    # traced programs are many small objects, few of them in cycles: Python would look for these a fifth of the time
    gc.set_threshold(200_000, 50, 1000)
    if config.option.markexpr != "not slow":
        return
    if jax.__version_info__ < (0, 11):  # XLA ends a process at a flag that it does not know
        quick = "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
        os.environ.setdefault("XLA_FLAGS", quick)
    os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
    jax.config.update("jax_disable_most_optimizations", os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] == "1")
    # all processes share what takes longer to compile than to read
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        programs = tempfile.TemporaryDirectory(prefix="compiled_for_tests_", ignore_cleanup_errors=True)
        config.add_cleanup(programs.cleanup)
        os.environ["JAX_COMPILATION_CACHE_DIR"] = programs.name
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.5")
    jax.config.update("jax_compilation_cache_dir", os.environ["JAX_COMPILATION_CACHE_DIR"])
    least = float(os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"])
    jax.config.update("jax_persistent_cache_min_compile_time_secs", least)


def resident_memory():
    """Bytes in use by this process; 0 where Linux does not tell."""
    pages = Path("/proc/self/statm")
    return int(pages.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if pages.exists() else 0


@pytest.fixture(scope="module", autouse=True)
def few_programs():
    """What a file compiled is of no use to the next one but fills the memory: a model's step takes some 200 MB."""
    yield
    if resident_memory() > MOST_MEMORY:
        jax.clear_caches()
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)  # only then does it go back to the system


@pytest.fixture
def compiled_as_for_users():
    """Optimized, for bounds on rounding that hold for what users run."""
    yield from _optimizing(True)


@pytest.fixture
def compiled_quickly():
    """With few optimizations, for slow tests whose programs run once."""
    yield from _optimizing(False)


def _optimizing(wanted):
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", not wanted)
    yield
    jax.config.update("jax_disable_most_optimizations", before)
