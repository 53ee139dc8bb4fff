"""Tests of shares of survivors: has a change helped by more than chance?"""

from __future__ import annotations

from collections.abc import Sequence


def helped(survived: int, count: int, base_survived: int, base_count: int) -> float:
    """Return the chance that a change without effect does so much better, by Fisher's exact test, one-sided.

    Args:
        survived: Surviving chains after the change.
        count: Number of chains after the change.
        base_survived: Surviving chains before.
        base_count: Number of chains before.

    Returns:
        The p value in (0, 1].
    """
    # Imported here: the import takes a second.
    from scipy.stats import fisher_exact

    table = [[survived, count - survived], [base_survived, base_count - base_survived]]
    return float(fisher_exact(table, alternative="greater").pvalue)


def holm(chances: Sequence[float]) -> list[float]:
    """Correct p values of several tests by the method of Holm 1979.

    Args:
        chances: The p values.

    Returns:
        The corrected ones, in the same order: the chance that any test without effect stays below α is at most α.
    """
    corrected, largest = [0.0] * len(chances), 0.0
    for rank, place in enumerate(sorted(range(len(chances)), key=lambda place: chances[place])):
        largest = max(largest, min(1.0, (len(chances) - rank) * chances[place]))
        corrected[place] = largest
    return corrected
