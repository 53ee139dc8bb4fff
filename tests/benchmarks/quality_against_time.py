"""How the quality of samples grows with the time of training: one run, held now and then to draw and to measure.

    python tests/benchmarks/quality_against_time.py RUN [--preset cifar10-20min] [--at 120 300 600 1200] [--n 256]

The training is closed at each of the given seconds of training, samples are drawn with its weights of then by the
preset's chains, or by shorter ones (--levels, --steps-per-level), and training goes on to the bit as if it had never
been held. Printed are the distances to held-out images with those of real images beside them, the yield, and how many
of the dead are monochrome.
"""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from msd_engine.events import Failed, Progress, Quality
from msd_engine.jobs.quality.evaluate import evaluate
from msd_engine.jobs.training.train import train
from msd_engine.runs.run import Run
from msd_engine.specs import load_preset
from msd_engine.specs.live import Every


def pull(events, until=lambda _event: False):
    """Pull a job to its end, or until an event will do, and return what it measured."""
    found = []
    with closing(events):
        for event in events:
            if isinstance(event, Failed):
                raise SystemExit(event.text)
            if isinstance(event, Quality):
                found.append(event)
            if until(event):
                break
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--preset", default="cifar10-20min")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--at", type=float, nargs="+", default=[120.0, 300.0, 600.0, 1200.0])
    parser.add_argument("--n", type=int, default=256)
    parser.add_argument("--levels", type=int)
    parser.add_argument("--steps-per-level", type=int)
    options = parser.parse_args()
    spec = load_preset(options.preset).replace("training.seconds", max(options.at))
    fields = {"sampling.chains": options.n}
    fields |= {"sampling.levels": options.levels} if options.levels else {}
    fields |= {"sampling.steps_per_level": options.steps_per_level} if options.steps_per_level else {}
    for at in sorted(options.at):
        begun = (options.run / "manifest.json").exists()
        job = train(
            None if begun else spec, options.run, resume=begun, data_dir=options.data_dir, cadence=Every(hz=5.0)
        )
        pull(job, lambda event, at=at: isinstance(event, Progress) and event.elapsed_s >= at)
        run = Run.open(options.run)
        drawn = run.spec.replace_all(fields)
        (quality,) = pull(evaluate(drawn, run_dir=options.run, data_dir=options.data_dir, cadence=Every(hz=0.1)))
        if at == min(options.at):
            print(f"{quality.data}: {quality.n} samples, {quality.evaluations} evaluations each, {quality.features}")
        figures = ", ".join(f"{one.title} {one.value:.4g} (real {one.real:.4g})" for one in quality.figures)
        dead = ", ".join(f"{count} {reason}" for reason, count in quality.dead.items()) or "none dead"
        print(f"{run.manifest.elapsed_s:6.0f} s, step {run.manifest.step}: {figures}; {dead}", flush=True)


if __name__ == "__main__":
    main()
