"""Upwind-biased values half-way between points, from both sides."""

from __future__ import annotations

from jax import lax

from ocean_gcm.grid.field import Field, apply


def upwind3(points: list[Field]) -> tuple[Field, Field]:
    """Third-order values between the two middle points of four, from the left and from the right."""
    a, b, c, d = points
    left = (-a + 5.0 * b + 2.0 * c) * (1.0 / 6.0)
    right = (2.0 * b + 5.0 * c - d) * (1.0 / 6.0)
    return left, right


upwind3.reach = 2


def _weno5_left(a, b, c, d, e):
    """Jiang & Shu (1996) from the points a..e; the value lies between c and d."""
    q0 = (2 * a - 7 * b + 11 * c) / 6.0
    q1 = (-b + 5 * c + 2 * d) / 6.0
    q2 = (2 * c + 5 * d - e) / 6.0
    # weights do not depend on units: points of size 1 keep them and their derivatives far from float32's limits
    size = lax.stop_gradient(lax.rsqrt(a * a + b * b + c * c + d * d + e * e + 1e-36))
    a, b, c, d, e = (point * size for point in (a, b, c, d, e))
    beta0 = 13.0 / 12.0 * (a - 2 * b + c) ** 2 + 0.25 * (a - 4 * b + 3 * c) ** 2
    beta1 = 13.0 / 12.0 * (b - 2 * c + d) ** 2 + 0.25 * (b - d) ** 2
    beta2 = 13.0 / 12.0 * (c - 2 * d + e) ** 2 + 0.25 * (3 * c - 4 * d + e) ** 2
    epsilon = 1e-8 + 1e-6 * (c * c + b * b + d * d)
    w0, w1, w2 = 0.1 / (epsilon + beta0) ** 2, 0.6 / (epsilon + beta1) ** 2, 0.3 / (epsilon + beta2) ** 2
    return (w0 * q0 + w1 * q1 + w2 * q2) / (w0 + w1 + w2)


def weno5(points: list[Field]) -> tuple[Field, Field]:
    """Fifth-order WENO values between the two middle points of six, from the left and from the right."""
    a, b, c, d, e, f = points
    return apply(_weno5_left, a, b, c, d, e), apply(_weno5_left, f, e, d, c, b)


weno5.reach = 3
