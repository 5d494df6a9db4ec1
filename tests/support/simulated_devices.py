"""Processes that see several devices where there is one."""

import os
import sys


def environment(devices, *flags, **more):
    """Variables of a process with simulated devices, which imports what this one does; other flags of XLA stay."""
    flags = [os.environ.get("XLA_FLAGS", ""), f"--xla_force_host_platform_device_count={devices}", *flags]
    own = {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": " ".join(flags), "PYTHONPATH": os.pathsep.join(sys.path)}
    return {**os.environ, **own, **more}
