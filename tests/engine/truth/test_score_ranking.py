"""The ranking of objectives by their scores: less noise in the loss, a truer score after the same number of steps."""

from __future__ import annotations

import pytest

from msd_engine.events import ScoreTable
from msd_engine.jobs.scores.scores import scores
from msd_engine.specs import load_preset
from msd_engine.specs.scores.contenders import Contender
from msd_engine.specs.scores.spec import ScoresSpec, usual_base

# The exact score has no noise; the exact trace that of the data alone; a slice adds that of its direction, first in the
# derivative, then in ‖s‖² too; and the target of denoising has variance d/σ².
RANKING: tuple[Contender, ...] = ("explicit", "implicit", "sliced-vr", "sliced-gaussian", "denoising")


@pytest.mark.long
def test_the_noise_of_the_loss_ranks_the_scores_of_every_seed() -> None:
    base = usual_base(load_preset("two-gaussians")).replace("training.steps", 400)
    spec = ScoresSpec(base=base, contenders=RANKING, seeds=(0, 1, 2))
    *_, table = (event for event in scores(spec, device="cpu", threads=1) if isinstance(event, ScoreTable))
    for seed in spec.seeds:
        errors = [row.by_seed["data"][seed] for row in table.rows]
        assert errors == sorted(errors), seed
    # All see only where data are: between the modes even the exact score teaches little.
    for row in table.rows:
        assert row.errors["between"].mean > 1.5 * row.errors["inside"].mean
