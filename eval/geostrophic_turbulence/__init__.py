"""Study: closures of forced turbulence, learned a priori, through the solver and without its adjoint."""
