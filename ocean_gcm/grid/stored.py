"""Values that are computed once and stored, for all that read them.

XLA on CPU would rather compute a value again for every stencil that reads it, which for the equation of state, slopes
and limiters costs ten times the step, and it drops `optimization_barrier` before it fuses.  A branch that is never
taken, on a number that it cannot know, is what it respects.  On other devices the barrier is enough.

Both functions are primitives of JAX: as a branch that is differentiated the first takes most of the time of tracing a
gradient (docs/decisions.md, Stored values are primitives).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir


def stored(tree, never):
    """The same arrays, computed once and stored, and their derivatives too; `never`: false, but not to the compiler."""
    leaves, structure = jax.tree.flatten(tree)
    return jax.tree.unflatten(structure, _stored_p.bind(never, *leaves))


def stored_derivatives(tree, never):
    """The same arrays, of which the derivatives alone are computed once and stored, each by itself: one that is zero
    is not stored at all."""
    return jax.tree.map(lambda array: _stored_derivative_p.bind(array, never), tree)


_stored_p = Primitive("stored")
_stored_p.multiple_results = True
_stored_p.def_impl(lambda never, *arrays: [jnp.asarray(array) for array in arrays])
_stored_p.def_abstract_eval(lambda never, *arrays: list(arrays))

_stored_derivative_p = Primitive("stored_derivative")
_stored_derivative_p.def_impl(lambda array, never: array)
_stored_derivative_p.def_abstract_eval(lambda array, never: array)


def _but_for_zeros(never, arrays):
    """Those that are not known to be zero, stored together; the others as they are."""
    known = [isinstance(array, ad.Zero) for array in arrays]
    others = [array for array, zero in zip(arrays, known, strict=True) if not zero]
    kept = iter(_stored_p.bind(never, *others) if others else ())
    return [array if zero else next(kept) for array, zero in zip(arrays, known, strict=True)]


def _stored_jvp(primals, tangents):
    never, *arrays = primals
    return _stored_p.bind(never, *arrays), _but_for_zeros(never, tangents[1:])


def _stored_transpose(cotangents, never, *arrays):
    return [None, *_but_for_zeros(never, cotangents)]


def _stored_batch(arguments, axes):
    never, *arrays = arguments
    return _stored_p.bind(never if axes[0] is None else jnp.any(never), *arrays), axes[1:]


def _branch(never, *arrays):
    return lax.cond(never, lambda these: jax.tree.map(jnp.zeros_like, these), lambda these: these, arrays)


def _barrier(never, *arrays):
    return lax.optimization_barrier(arrays)


ad.primitive_jvps[_stored_p] = _stored_jvp
ad.primitive_transposes[_stored_p] = _stored_transpose
batching.primitive_batchers[_stored_p] = _stored_batch
mlir.register_lowering(_stored_p, mlir.lower_fun(_barrier, multiple_results=True))
mlir.register_lowering(_stored_p, mlir.lower_fun(_branch, multiple_results=True), platform="cpu")


def _stored_derivative_jvp(primals, tangents):
    (array, never), (tangent, _) = primals, tangents
    return array, tangent if isinstance(tangent, ad.Zero) else _stored_p.bind(never, tangent)[0]


def _stored_derivative_batch(arguments, axes):
    (array, never), (axis, axis_of_never) = arguments, axes
    return _stored_derivative_p.bind(array, never if axis_of_never is None else jnp.any(never)), axis


ad.primitive_jvps[_stored_derivative_p] = _stored_derivative_jvp
batching.primitive_batchers[_stored_derivative_p] = _stored_derivative_batch
mlir.register_lowering(_stored_derivative_p, mlir.lower_fun(lambda array, never: array, multiple_results=False))
