"""Settings shared by all tests."""

import hypothesis
import jax

jax.config.update("jax_enable_x64", True)

# the first example of a property compiles: time limits per example would only find busy machines
hypothesis.settings.register_profile("ocean_gcm", deadline=None)
hypothesis.settings.load_profile("ocean_gcm")
