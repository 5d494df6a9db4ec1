"""Arrays that know where on the staggered grid they live.

A `Field` is an array, the index window it covers and its place on Arakawa's C-grid.  A neighbour is reached by
relabelling the window (no copy), an arithmetic operation slices both operands to their common window, and adding a
u-point to a T-point raises.  All of this happens while tracing: nothing of it is left in the compiled program.

Places, seen from cell (j, i): T is its centre, U the middle of its eastern face, V of its northern face, F its
north-eastern corner.  Level "c" means cell centres, "w" the upper faces of the cells (index 0 is the sea surface, the
sea floor is not stored), "s" a two-dimensional field that goes with either.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp

EAST = {"T": "U", "V": "F"}  # where differences and means along x of T and V points live
WEST = {"U": "T", "F": "V"}
NORTH = {"T": "V", "U": "F"}
SOUTH = {"V": "T", "F": "U"}


@functools.partial(jax.tree_util.register_dataclass, data_fields=["data"], meta_fields=["place", "level", "y0", "x0"])
@dataclasses.dataclass(frozen=True)
class Field:
    """Array `data` (..., y, x) whose first row and column have the indices `y0` and `x0`.

    Indices count cells of the (local) grid: the interior is 0 <= j < ny, 0 <= i < nx, halo cells lie outside.
    """

    data: jax.Array
    place: str
    level: str
    y0: int
    x0: int

    @property
    def y1(self) -> int:
        return self.y0 + self.data.shape[-2]

    @property
    def x1(self) -> int:
        return self.x0 + self.data.shape[-1]

    def window(self, y0: int, y1: int, x0: int, x1: int) -> jax.Array:
        """The array over the index window y0 <= j < y1, x0 <= i < x1."""
        if y0 < self.y0 or x0 < self.x0 or y1 > self.y1 or x1 > self.x1:
            raise ValueError(
                f"window [{y0}:{y1}, {x0}:{x1}] reaches outside of [{self.y0}:{self.y1}, {self.x0}:{self.x1}]: "
                "the halo is too narrow for this stencil"
            )
        return self.data[..., y0 - self.y0 : y1 - self.y0, x0 - self.x0 : x1 - self.x0]

    def interior(self, ny: int, nx: int) -> jax.Array:
        """The array without its halo, (..., ny, nx)."""
        return self.window(0, ny, 0, nx)

    def like(self, data: jax.Array) -> Field:
        """The same window and place with other data (levels may change in number)."""
        return dataclasses.replace(self, data=data)

    def at(self, place: str | None = None, level: str | None = None) -> Field:
        """Declare another place: for the rare quantity that is constant along the way."""
        return dataclasses.replace(self, place=place or self.place, level=level or self.level)

    def map(self, function: Callable[[jax.Array], jax.Array]) -> Field:
        return self.like(function(self.data))

    # ---- arithmetic on the common window ----
    def _with(self, other, operation) -> Field:
        if not isinstance(other, Field):
            return self.like(operation(self.data, other))
        return apply(operation, self, other)

    def __add__(self, other):
        return self._with(other, jnp.add)

    def __sub__(self, other):
        return self._with(other, jnp.subtract)

    def __mul__(self, other):
        return self._with(other, jnp.multiply)

    def __truediv__(self, other):
        return self._with(other, jnp.divide)

    def __radd__(self, other):
        return self._with(other, lambda a, b: b + a)

    def __rsub__(self, other):
        return self._with(other, lambda a, b: b - a)

    def __rmul__(self, other):
        return self._with(other, lambda a, b: b * a)

    def __rtruediv__(self, other):
        return self._with(other, lambda a, b: b / a)

    def __neg__(self):
        return self.map(jnp.negative)

    # ---- neighbours: `shift` moves the value of cell (j + dy, i + dx) to (j, i) ----
    def shift(self, dy: int = 0, dx: int = 0) -> Field:
        return dataclasses.replace(self, y0=self.y0 - dy, x0=self.x0 - dx)

    def _pair_x(self) -> tuple[Field, Field, str]:
        """(western, eastern) neighbours of the points half a cell away, and the place of those points."""
        if self.place in EAST:
            return self, self.shift(dx=1), EAST[self.place]
        return self.shift(dx=-1), self, WEST[self.place]

    def _pair_y(self) -> tuple[Field, Field, str]:
        if self.place in NORTH:
            return self, self.shift(dy=1), NORTH[self.place]
        return self.shift(dy=-1), self, SOUTH[self.place]

    def diff_x(self) -> Field:
        """Difference east minus west, half a cell away (T <-> U, V <-> F)."""
        west, east, place = self._pair_x()
        return (east - west).at(place)

    def diff_y(self) -> Field:
        """Difference north minus south, half a cell away (T <-> V, U <-> F)."""
        south, north, place = self._pair_y()
        return (north - south).at(place)

    def mean_x(self) -> Field:
        west, east, place = self._pair_x()
        return ((east + west) * 0.5).at(place)

    def mean_y(self) -> Field:
        south, north, place = self._pair_y()
        return ((north + south) * 0.5).at(place)

    # ---- vertical neighbours ----
    def diff_z(self) -> Field:
        """Centres -> upper faces: value above minus value below, zero at the sea surface."""
        if self.level != "c":
            raise ValueError("diff_z goes from cell centres to faces")
        inner = self.data[:-1] - self.data[1:]
        return self.like(jnp.concatenate([jnp.zeros_like(self.data[:1]), inner])).at(level="w")

    def mean_z(self) -> Field:
        """Centres -> upper faces (the surface takes the uppermost centre) and back (the sea floor counts as zero)."""
        if self.level == "c":
            above = jnp.concatenate([self.data[:1], self.data[:-1]])
            return self.like(0.5 * (above + self.data)).at(level="w")
        below = jnp.concatenate([self.data[1:], jnp.zeros_like(self.data[:1])])
        return self.like(0.5 * (self.data + below)).at(level="c")


def apply(operation: Callable[..., jax.Array], *fields: Field) -> Field:
    """`operation` on the arrays of `fields` over their common window.

    Raises ValueError where the fields do not share their place on the grid.
    """
    places = {f.place for f in fields}
    levels = {f.level for f in fields} - {"s"}
    if len(places) > 1 or len(levels) > 1:
        raise ValueError(
            "fields at different places of the C-grid cannot be combined: "
            + ", ".join(f"{f.place}/{f.level}" for f in fields)
        )
    y0, x0 = max(f.y0 for f in fields), max(f.x0 for f in fields)
    y1, x1 = min(f.y1 for f in fields), min(f.x1 for f in fields)
    data = operation(*(f.window(y0, y1, x0, x1) for f in fields))
    return Field(data, fields[0].place, levels.pop() if levels else "s", y0, x0)


def where(condition: Field, a, b) -> Field:
    """`jnp.where` on fields; `a` and `b` may be numbers."""
    operands = [condition, *(f for f in (a, b) if isinstance(f, Field))]

    def choose(mask, *values):
        values = list(values)
        first = values.pop(0) if isinstance(a, Field) else a
        second = values.pop(0) if isinstance(b, Field) else b
        return jnp.where(mask, first, second)

    return apply(choose, *operands)
