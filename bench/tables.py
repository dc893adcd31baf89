"""Tables, and what stands in their cells."""

import statistics
import sys


def table(title, head, rows):
    print(f"\n{title}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    sys.stdout.flush()


def number(value):
    if value is None:
        return "–"
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


# Half the distance of a ratio's quartiles, from which on it is shown.
SPREAD = 0.05


def relative(rows, ours):
    """The median of the values, and of their ratios to ours in the same round, with half the distance of
    their quartiles where that is large."""
    if not rows or None in rows or None in ours:
        return "–"
    ratios = [row / our for row, our in zip(rows, ours)]
    spread = 0
    if len(ratios) > 1:
        first, _, third = statistics.quantiles(ratios, n=4, method="inclusive")
        spread = (third - first) / 2
    shown = f" ± {spread:.2f}" if spread >= SPREAD else ""
    return f"{number(statistics.median(rows))} ({statistics.median(ratios):.2f}{shown})"
