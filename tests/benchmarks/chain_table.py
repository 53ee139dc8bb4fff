"""One network, many chains: each sampler's Fréchet distance, confident share and survival in one table.

Run: python tests/benchmarks/chain_table.py RUN [--n 2048] [--rows NAMES] [--data-dir DIR]

RUN is the folder of a run, or the name of a shipped model, trained on images with a classifier (MNIST, Fashion-MNIST,
digits). Every row draws the same seeds. "Begun from training images" uses the exact posterior mean over them at large
noise; all other rows are chains of the network alone. The figures are those of `msd evaluate`.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

from msd_engine.events import Failed, Figure, Quality
from msd_engine.jobs.quality.evaluate import evaluate
from msd_engine.runs.run import Run
from msd_engine.specs import ExperimentSpec, SamplingSpec, model_folder, model_names

_NEVER = SamplingSpec.model_fields["exact_above"].default
_ALONE = {"exact_above": _NEVER, "ladder": "as-trained", "source": "trained"}
_LANGEVIN = {"sampler": "langevin", "step_ratio": 0.3, "guidance": 1.0}
_CORRECTED = {"sampler": "predictor-corrector", "levels": 80, "steps_per_level": 2, "step_ratio": 0.1}

ROWS: dict[str, dict[str, Any]] = {
    "settings": {},
    "begun": {"sampler": "ode", "levels": 46, "steps_per_level": 1, "guidance": 2.4, "exact_above": 2.0},
    "flow": {"sampler": "ode", "levels": 46, "steps_per_level": 1, "guidance": 2.4},
    "langevin-scheduled": _LANGEVIN | {"levels": 40, "steps_per_level": 4, "conditioning": "scheduled"},
    "langevin": _LANGEVIN | {"levels": 40, "steps_per_level": 4, "conditioning": "actual"},
    "langevin-guided": _LANGEVIN
    | {"levels": 40, "steps_per_level": 4, "conditioning": "actual"}
    | {"step_ratio": 0.2, "guidance": 1.5, "sigma_L": 0.1},
    "consistent": {
        "sampler": "consistent", "levels": 160, "steps_per_level": 1, "step_ratio": 0.05, "guidance": 2.4
    },
    "predictor-corrector": _CORRECTED | {"guidance": 2.0},
    "predictor-corrector-1.5": _CORRECTED | {"guidance": 1.5},
    "levels-20": _CORRECTED | {"guidance": 1.5, "levels": 20},
    "levels-40": _CORRECTED | {"guidance": 1.5, "levels": 40},
    "levels-118": _CORRECTED | {"guidance": 1.5, "levels": 118},
}  # fmt: skip
"""Settings of each row, beside those of the run; the first row has the run's own.

The last three are the row before them with fewer and more evaluations of the network.
"""

_FIGURES = ("frechet", "confident", "yield", "rarest", "commonest")


def settings(base: ExperimentSpec, name: str, n: int) -> ExperimentSpec:
    """Return the experiment of a row with n chains."""
    changes = ROWS[name]
    values = (_ALONE | changes if changes else changes) | {"chains": n}
    return base.replace_all({f"sampling.{field}": value for field, value in values.items()})


def measured(spec: ExperimentSpec, run: Path, data_dir: Path | None) -> Quality:
    """Draw and measure the chains of a row."""
    found = None
    for event in evaluate(spec, run_dir=run, data_dir=data_dir):
        if isinstance(event, Failed):
            raise SystemExit(event.text)
        found = event if isinstance(event, Quality) else found
    assert found is not None
    return found


def cell(figure: Figure) -> str:
    """Return a figure with its interval."""
    interval = f" [{figure.low:.3g}, {figure.high:.3g}]" if figure.low == figure.low else ""
    return f"{figure.value:.3g}{interval}"


def main() -> None:
    """Measure the rows and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="folder of a run, or name of a shipped model")
    parser.add_argument("--n", type=int, default=2048)
    parser.add_argument("--rows", default=",".join(ROWS))
    parser.add_argument("--data-dir", type=Path)
    wanted = parser.parse_args()
    run = model_folder(wanted.run) if wanted.run in model_names() else Path(wanted.run)
    opened = Run.open(run)
    base, step = opened.spec, opened.manifest.step
    print(f"{run.name}, {step:,} steps, k = {base.training.k}, n = {wanted.n}; {os.cpu_count()} cores")
    real: dict[str, float] = {}
    print(f"| chains | evaluations | {' | '.join(_FIGURES)} | s |\n|{' --- |' * (len(_FIGURES) + 3)}", flush=True)
    for name in wanted.rows.split(","):
        start = time.perf_counter()
        quality = measured(settings(base, name, wanted.n), run, wanted.data_dir)
        named = {figure.name: figure for figure in quality.figures}
        shown = [cell(named[figure]) if figure in named else "" for figure in _FIGURES]
        real = {figure: named[figure].real for figure in _FIGURES if figure in named}
        begun = " (begun from training images)" * ExperimentSpec.from_json(quality.spec_json).begins_at_data
        seconds = time.perf_counter() - start
        print(f"| {name}{begun} | {quality.evaluations} | {' | '.join(shown)} | {seconds:.0f} |", flush=True)
    shown = [f"{real[figure]:.3g}" if figure in real else "" for figure in _FIGURES]
    print(f"| real images | | {' | '.join(shown)} | |")


if __name__ == "__main__":
    main()
