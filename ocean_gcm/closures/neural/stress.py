"""The force of a symmetric stress tensor: what leaves one cell enters its neighbour."""

from __future__ import annotations

from ocean_gcm.closures.interface import Columns
from ocean_gcm.grid.field import Field
from ocean_gcm.grid.wet import over_wet


def stress_divergence(columns: Columns, isotropic: Field, tension: Field, shear: Field) -> tuple[Field, Field]:
    """Accelerations (U/c, V/c; m s-2) of the stress [[p + D, S], [S, p - D]] / density.

    With thickness h, the form of Smagorinsky (1963) and Griffies & Hallberg (2000) on orthogonal coordinates:

        h A_u du/dt = dy d_x(h p) + d_x(dy^2 h D) / dy + d_y(dx^2 h S) / dx
        h A_v dv/dt = dx d_y(h p) - d_y(dx^2 h D) / dx + d_x(dy^2 h S) / dy

    A stress acts only between two wet faces, so none acts on walls: the sum of h A du/dt and of h A dv/dt over closed
    or periodic planes is zero, and on a latitude-longitude grid the angular momentum about the axis keeps its value.

    Args:
      isotropic, tension: p, D (T/c) m2 s-2.
      shear: S (F/c) m2 s-2; zero where a corner touches land.
    """
    m = columns.static
    h = columns.thickness
    wet_x = m.mask_u * m.mask_u.shift(dx=-1)  # both faces of the cell; a window of cells, labelled U
    wet_y = m.mask_v * m.mask_v.shift(dy=-1)
    in_x, in_y = h * wet_x.at("T"), h * wet_y.at("T")
    corner = h.mean_x().mean_y() * m.mask_f * shear
    p_x, d_x = in_x * isotropic, in_x * tension * m.dy_t * m.dy_t
    p_y, d_y = in_y * isotropic, in_y * tension * m.dx_t * m.dx_t
    force_u = p_x.diff_x() * m.dy_u + d_x.diff_x() * m.inv_dy_u + (corner * m.dx_f * m.dx_f).diff_y() * m.inv_dx_u
    force_v = p_y.diff_y() * m.dx_v - d_y.diff_y() * m.inv_dx_v + (corner * m.dy_f * m.dy_f).diff_x() * m.inv_dy_v
    return (
        force_u * columns.thickness_u.map(over_wet) * m.inv_area_u * m.mask_u,
        force_v * columns.thickness_v.map(over_wet) * m.inv_area_v * m.mask_v,
    )
