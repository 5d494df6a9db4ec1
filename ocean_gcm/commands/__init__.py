"""The subcommands of `ocean-gcm`, one module each.  What needs JAX is imported when they run."""
