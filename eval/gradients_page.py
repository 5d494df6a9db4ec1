"""Page and figure of a trust horizon, see `eval.gradients`."""

from __future__ import annotations

from pathlib import Path

from ocean_gcm.figures import style

COLOURS = ("#1f5a8c", "#c0504d", "#4f8f4f", "#8a5fa3", "#b8860b")
GOAL = 1e-3
FLOOR = 1e-16


def draw(path: Path, study) -> Path:
    """Relative error against finite differences, and growth of the gradient, by horizon."""
    with style.look():
        figure, axes = style.new_figure(7.2, 3.0, 1, 2)
        left, right = axes[0]
        names = list(dict.fromkeys(c.direction for c in study.comparisons))
        for name, colour in zip(names, COLOURS, strict=False):
            mine = [c for c in study.comparisons if c.direction == name]
            leads = [c.lead for c in mine]
            keywords = dict(color=colour, marker=".", linewidth=1.2, label=name)
            left.loglog(leads, [max(c.reverse_error, FLOOR) for c in mine], **keywords)
        left.axhline(GOAL, color="0.6", linewidth=0.8, linestyle="--")
        left.set_title("AD against finite differences")
        left.set_ylabel("relative error")
        left.legend(fontsize=7)
        norms = study.norms
        right.loglog(list(norms), list(norms.values()), color=COLOURS[0], marker=".", linewidth=1.2)
        right.set_ylim(min(norms.values()) / 3.0, max(norms.values()) * 3.0)
        right.set_title("norm of dJ/d(initial temperature)")
        right.set_ylabel("1/K")
        for axis in (left, right):
            axis.set_xlabel("horizon (days)")
            axis.spines[["top", "right"]].set_visible(False)
            axis.grid(color="0.92", linewidth=0.6)
        return style.save(figure, path)


def write(study, folder: Path) -> Path:
    """Write `trust_horizon_<name>.md` with its figure into `folder`."""
    image = draw(folder / f"trust_horizon_{study.name}.png", study)
    path = folder / f"trust_horizon_{study.name}.md"
    path.write_text("\n".join(_lines(study, image.name)) + "\n")
    return path


def _lines(study, image: str) -> list[str]:
    horizon, longest = study.horizon(), max(c.lead for c in study.comparisons)
    worst = max(c.modes_error for c in study.comparisons)
    closures = ", ".join(f"{name} ({kind})" for name, kind in study.closures.items())
    verdict = f"the whole {longest} days measured" if horizon == longest else f"{horizon} days"
    lines = [
        f"# Trust horizon of {study.name}",
        "",
        "Question: over how many days is the gradient of the model the sensitivity of the model?",
        "",
        "```",
        study.command,
        "```",
        "",
        f"float64, step {study.time_step:g} s, after a spin-up of {study.spin_up} days; closures: {closures}.",
        "The functional is the area mean of ((SST - mean SST of day 0) / 10 K)^2 + (sea surface height / 1 m)^2 at the",
        "end of the horizon.  Directions: smooth random fields of initial temperature (0.1 K) and of wind stress",
        "(0.01 N m-2), a tenth of the eddy diffusivity, and a tenth of every closure parameter with random signs.",
        "The finite differences are centred; of several steps the best counts (larger ones see curvature, smaller ones",
        "rounding); the last table has all of them.",
        "",
        "## Verdict",
        "",
        f"Reverse mode agrees with finite differences within {GOAL:g} in every direction over **{verdict}**"
        f" (goal: 80 days).  Reverse and forward mode differ by at most {worst:.1e}.",
        "",
        f"![Errors and growth]({image})",
        "",
        "## Table",
        "",
        "| direction | days | reverse mode | finite difference | step | relative error | of forward mode"
        " | reverse - forward | growth |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for c in study.comparisons:
        lines.append(
            f"| {c.direction} | {c.lead} | {c.reverse:.6e} | {c.difference:.6e} | {c.best_step:g} |"
            f" {c.reverse_error:.1e} | {c.forward_error:.1e} | {c.modes_error:.1e} | {c.growth:.3g} |"
        )
    lines += [
        "",
        "Step: in units of the direction.  Growth: norm of the change of temperature along the direction, relative to",
        "the first horizon.",
        "",
        "## Norm of the gradient",
        "",
        "| days | norm of dJ/d(initial temperature), 1/K |",
        "|---|---|",
        *(f"| {lead} | {value:.4e} |" for lead, value in study.norms.items()),
        "",
        "## Linearity",
        "",
        "Relative error of reverse mode against centred differences of each step: where large steps fail, the model is",
        "no longer linear in changes of that size.",
        "",
    ]
    steps = sorted(study.comparisons[0].differences, reverse=True)
    lines += ["| direction | days | " + " | ".join(f"{h:g}" for h in steps) + " |", "|---" * (2 + len(steps)) + "|"]
    for c in study.comparisons:
        errors = " | ".join(f"{c.error(c.reverse, h):.1e}" for h in steps)
        lines.append(f"| {c.direction} | {c.lead} | {errors} |")
    cost = study.seconds
    lines += [
        "",
        f"CPU seconds per model day: forward {cost['forward']:.3g}, tangent {cost['tangent']:.3g}, adjoint with its own"
        f" forward pass {cost['adjoint']:.3g}.",
        "",
        f"The numbers are in `trust_horizon_{study.name}.csv`.",
    ]
    return lines
