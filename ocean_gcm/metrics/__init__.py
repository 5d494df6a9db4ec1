"""Physical diagnostics and scores as pure functions of arrays.

Arrays are numpy or jax, (..., nz, ny, nx) with level 0 at the surface, velocities on the faces of the C-grid (u on the
eastern, v on the northern face).  Land may hold any finite number wherever a thickness or an area, zero on land, is
passed beside it.  One file per subject; nothing here knows of models, files or figures.
"""
