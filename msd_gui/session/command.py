"""The `msd` line that makes the same thing as the window."""

from __future__ import annotations

import shlex

from msd_engine.specs import ExperimentSpec, declarations, load_preset, preset_names


def differences(spec: ExperimentSpec, base: ExperimentSpec) -> dict[str, object]:
    """Return the fields in which a spec differs from another of the same kind, by dotted path."""
    return {
        field.path: spec.get(field.path) for field in declarations(spec) if spec.get(field.path) != base.get(field.path)
    }


def nearest_preset(spec: ExperimentSpec) -> str:
    """Return the name of the preset from which a spec differs in the fewest fields.

    Args:
        spec: Any spec that was made from a preset or could have been.

    Returns:
        The name; the first in the alphabet among equals.
    """
    kinds = (type(spec.data), type(spec.network))
    bases = {name: load_preset(name) for name in preset_names()}
    fitting = {n: base for n, base in bases.items() if (type(base.data), type(base.network)) == kinds}
    return min(fitting, key=lambda name: len(differences(spec, fitting[name])))


def command(spec: ExperimentSpec, verb: str, *, run: str = "", out: str = "samples.npz") -> str:
    """Return the command line that does the same as the window.

    Args:
        spec: The experiment.
        verb: ``train`` or ``sample``.
        run: The run folder that is written or sampled from; empty for an exact denoiser.
        out: The sample file that ``sample`` writes.

    Returns:
        One line for a POSIX shell.
    """
    name = nearest_preset(spec)
    base = load_preset(name)
    changed = differences(spec, base)
    words = ["msd", verb]
    if verb == "sample" and run:
        words.append(run)
        changed = {path: spec.get(path) for path in (f.path for f in declarations(spec)) if path.startswith("sampling")}
    else:
        words += ["--preset", name]
    if verb == "sample":
        words += ["--n", str(changed.pop("sampling.chains", spec.sampling.chains)), "--out", out]
    else:
        words += ["--out", run or "run"]
    for path, value in changed.items():
        words += [f"--{path}", str(value)]
    return shlex.join(words)
