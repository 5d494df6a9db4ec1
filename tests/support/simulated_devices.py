"""Processes that see several devices where there is one."""

import os
import sys


def environment(devices, *flags, **more):
    """Variables of a process with simulated devices, which imports what this one does; other flags of XLA stay."""
    # first: XLA reads no further than a word that is no flag
    flags = [f"--xla_force_host_platform_device_count={devices}", *flags, os.environ.get("XLA_FLAGS", "")]
    own = {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": " ".join(flags), "PYTHONPATH": os.pathsep.join(sys.path)}
    return {**os.environ, **own, **more}
