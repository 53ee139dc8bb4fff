"""The commands of `msd` with their options and help texts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Union

import tyro

from msd_engine.cli.fields import NOT_GIVEN, field_flags
from msd_engine.cli.flags import (
    BUDGET,
    DataDir,
    Device,
    Flag,
    Json,
    Model,
    Preset,
    RunFolder,
    SampleFields,
    Threads,
)
from msd_engine.cli.noise import Likelihood, Noise
from msd_engine.cli.plane import Errors, Figure, Scores, ShootOut, Twins
from msd_engine.specs.sampling import StepRule
from msd_engine.specs.tables.updates import Convention


@dataclass(frozen=True)
class _FromNetwork:
    """Options of commands for a network, or for a preset."""

    run: RunFolder = None
    preset: Preset = NOT_GIVEN
    model: Model = NOT_GIVEN


@dataclass(frozen=True)
class _Computing:
    """Options of commands that compute."""

    data_dir: DataDir = None
    device: Device = "auto"
    threads: Threads = NOT_GIVEN
    json: Json = False


_FIELDS = tyro.conf.arg(name="")

# The fields of one picture and its copies are flags, too.
RunFields: Any = field_flags("sampling", chain_task=True)


@dataclass(frozen=True)
class Run(_Computing):
    """Replay a file: train, sample, denoise or inpaint a picture, or interpolate between seeds."""

    file: Annotated[
        tyro.conf.Positional[str],
        tyro.conf.arg(metavar="[FILE]", help_behavior_hint="(default: the spec of the network)"),
    ] = NOT_GIVEN
    """A picture, film, sample or JSON file that carries a spec, a run folder, a comparison, or the name of a preset."""
    job: Annotated[
        Literal["as-said", "train", "sample", "denoise", "inpaint", "interpolate"],
        tyro.conf.arg(help_behavior_hint="(default: the job of the file)"),
    ] = "as-said"
    """inpaint repaints the masked part of a picture, interpolate draws a row from --seed to --second_seed."""
    network: Annotated[Path | None, tyro.conf.arg(metavar="RUN", help_behavior_hint="(default: a fitting model)")] = (
        None
    )
    """The trained run of the denoising network."""
    model: Model = NOT_GIVEN
    picture: Annotated[str, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: that of the file)")] = NOT_GIVEN
    """For denoise and inpaint: your own picture, cropped and scaled to the size of the data."""
    mask: Annotated[str, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: that of the file)")] = NOT_GIVEN
    """For inpaint: a mask as large as the picture, light in the area to inpaint, dark or transparent elsewhere."""
    n: Annotated[
        str, tyro.conf.arg(metavar="N", help_behavior_hint="(default: the number of the file, 12 in a row)")
    ] = NOT_GIVEN
    """Number of samples."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE.npz", help_behavior_hint="(required)")] = None
    """File for numbers and spec; for a training or a comparison the new folder."""
    grid: Annotated[Path | None, tyro.conf.arg(metavar="FILE.png", help_behavior_hint="")] = None
    """Also write a picture of them."""
    fields: Annotated[RunFields, _FIELDS] = field(default_factory=RunFields)


# Explicit because `--steps` alone must also remove the time limit of a preset, and vice versa.

TrainFields: Any = field_flags("training", reserved=BUDGET)


@dataclass(frozen=True)
class Train(_Computing):
    """Train a k-sample denoiser and keep it in a run folder; torchrun -m msd_engine.cli train shares each batch."""

    preset: Annotated[str, tyro.conf.arg(aliases=["--spec"], metavar="NAME", help_behavior_hint="")] = NOT_GIVEN
    """Name of a preset, or a file that carries a spec: JSON, PNG, NPZ or a run folder."""
    resume: Annotated[Path | None, tyro.conf.arg(metavar="RUN|auto", help_behavior_hint="")] = None
    """Resume this run instead, up to its budget or to a new one; auto: begin the run of --out, go on with it, or do
    nothing if it is finished, so that the same command may be repeated (exit code 75: repeat it)."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="RUN", help_behavior_hint="")] = None
    """The new run folder."""
    steps: Annotated[str, tyro.conf.arg(metavar="N", help_behavior_hint="")] = NOT_GIVEN
    """Total number of training steps, without a time limit unless --seconds is also given."""
    seconds: Annotated[str, tyro.conf.arg(metavar="S", help_behavior_hint="")] = NOT_GIVEN
    """Total training time in seconds, without a step limit unless --steps is also given."""
    fields: Annotated[TrainFields, _FIELDS] = field(default_factory=TrainFields)


@dataclass(frozen=True)
class Sample(_Computing, _FromNetwork):
    """Draw samples with chained Langevin dynamics, from a trained run, or with an exact score."""

    n: Annotated[str, tyro.conf.arg(metavar="N", help_behavior_hint="")] = NOT_GIVEN
    """Number of samples (default: the spec's number of chains)."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE.npz", help_behavior_hint="(required)")] = None
    """Sample file with x_hat, y, seed and spec."""
    grid: Annotated[Path | None, tyro.conf.arg(metavar="FILE.png", help_behavior_hint="")] = None
    """Also write a picture of all samples, for images."""
    convention: Annotated[Convention, tyro.conf.arg(help_behavior_hint="(epsilon | alpha)")] = "epsilon"
    """How the printed update writes the step: ε with noise √(2ε), or α/2 with noise √α."""
    fields: Annotated[SampleFields, _FIELDS] = field(default_factory=SampleFields)


@dataclass(frozen=True)
class Evaluate(_Computing):
    """Measure the quality of images: samples of a file, or drawn from a run, a pretrained model or the exact score."""

    source: Annotated[
        tyro.conf.Positional[Path | None], tyro.conf.arg(metavar="[SAMPLES.npz|RUN]", help_behavior_hint="")
    ] = None
    """A sample file, or a trained run folder to sample from."""
    preset: Preset = NOT_GIVEN
    model: Model = NOT_GIVEN
    n: Annotated[str, tyro.conf.arg(metavar="N", help_behavior_hint="")] = NOT_GIVEN
    """Number of samples to draw from a run (default 1024) or to use from a file (default all)."""
    curve: Annotated[Flag, tyro.conf.arg(help_behavior_hint="")] = False
    """Measure a run at several numbers of steps per level, from few network evaluations to many."""
    points: Annotated[str, tyro.conf.arg(metavar="LxT,…", help_behavior_hint="")] = NOT_GIVEN
    """For --curve: levels and steps per level of each point, such as 25x5,25x10,50x10."""
    inception: Annotated[Path | None, tyro.conf.arg(metavar="FILE.safetensors", help_behavior_hint="")] = None
    """For colour images: weights of the FID's Inception network (names as in pytorch-fid's
    pt_inception-2015-12-05-6726825d.pth, saved by safetensors.torch.save_file); only then is a distance called FID."""
    retrain: Annotated[Flag, tyro.conf.arg(help_behavior_hint="")] = False
    """Retrain the classifier for grey images, instead of using the shipped or cached one."""
    fields: Annotated[SampleFields, _FIELDS] = field(default_factory=SampleFields)


@dataclass(frozen=True)
class Why(_Computing, _FromNetwork):
    """Find out by experiment why chains die or miss the shares of the data: the same again, each with one change."""

    n: Annotated[str, tyro.conf.arg(metavar="N", help_behavior_hint="")] = NOT_GIVEN
    """Number of chains for each change (default: 16 images, 64 for shares; 256 points)."""
    fault: Annotated[Literal["deaths", "shares"], tyro.conf.arg(help_behavior_hint="(default: deaths)")] = "deaths"
    """What to explain: dead chains, or shares of the classes or modes that are not those of the data."""
    fields: Annotated[SampleFields, _FIELDS] = field(default_factory=SampleFields)


@dataclass(frozen=True)
class Propose(_FromNetwork):
    """Propose a ladder and a step from the data by NCSNv2's techniques; nothing is trained or drawn."""

    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE.json", help_behavior_hint="")] = None
    """Write the spec with the proposal, for use with --preset."""
    step: Annotated[StepRule, tyro.conf.arg(help_behavior_hint="")] = "long-ladder"
    """Choose the step for the exact noise at the ends of a long ladder's levels, or NCSNv2's step."""
    data_dir: DataDir = None
    json: Json = False
    fields: Annotated[SampleFields, _FIELDS] = field(default_factory=SampleFields)


@dataclass(frozen=True)
class Tune(_Computing):
    """Search for the best chain of one network within a budget of evaluations; resumable."""

    run: Annotated[
        tyro.conf.Positional[str], tyro.conf.arg(metavar="[RUN]", help_behavior_hint="(or --model NAME)")
    ] = NOT_GIVEN
    """A trained run folder, or the name of a pretrained model."""
    model: Model = NOT_GIVEN
    evaluations: Annotated[str, tyro.conf.arg(metavar="N", help_behavior_hint="(default: 200)")] = NOT_GIVEN
    """Most evaluations of the network for one chain; a guided evaluation counts twice."""
    candidates: Annotated[str, tyro.conf.arg(metavar="N", help_behavior_hint="(default: 24)")] = NOT_GIVEN
    """Number of chains to compare."""
    chains: Annotated[str, tyro.conf.arg(metavar="N,N,…", help_behavior_hint="(default: 64,128,256,512)")] = NOT_GIVEN
    """Chains of each rung: a third of the candidates survives a rung, and keeps its chains."""
    final: Annotated[str, tyro.conf.arg(metavar="N", help_behavior_hint="(default: 2048)")] = NOT_GIVEN
    """Chains of the finalists and of the preset, reported on the half of the held-out images that chose nothing."""
    seed: Annotated[str, tyro.conf.arg(metavar="N", help_behavior_hint="(default: 0)")] = NOT_GIVEN
    """Seed of the candidates and of the halves."""
    apply: Annotated[Path | None, tyro.conf.arg(metavar="OUT.json", help_behavior_hint="")] = None
    """Write the best chain as a spec, for msd sample --preset or msd run."""


@dataclass(frozen=True)
class Sweep(_Computing):
    """Compare numbers of copies k: the same network, budget and data for each k, seed and mode; resumable."""

    preset: Annotated[str, tyro.conf.arg(aliases=["--spec"], metavar="NAME", help_behavior_hint="")] = NOT_GIVEN
    """Name of a preset, a file that carries a spec, or the sweep.json of a comparison."""
    resume: Annotated[Path | None, tyro.conf.arg(metavar="DIR|auto", help_behavior_hint="")] = None
    """Resume this comparison instead; --ks, --seeds, --modes and --fusions add to it; auto: begin that of --out or go
    on with it, so that the same command may be repeated (exit code 75: repeat it)."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")] = None
    """The folder; a comparison of the same settings that is there goes on, and its finished runs are left alone."""
    ks: Annotated[str, tyro.conf.arg(metavar="1,2,4", help_behavior_hint="(default: 1,2,4,8,16)")] = NOT_GIVEN
    """Numbers of copies."""
    seeds: Annotated[str, tyro.conf.arg(metavar="0,1,2", help_behavior_hint="(default: 0,1,2)")] = NOT_GIVEN
    """Training seeds; the spread in the table is over them. Noises have 0,1,2."""
    modes: Annotated[str, tyro.conf.arg(metavar="MODE,MODE", help_behavior_hint="(default: both)")] = NOT_GIVEN
    """same-sigma: each copy has the same law of σ for every k; same-sigma-eff: σ/√k has."""
    fusions: Annotated[str, tyro.conf.arg(metavar="A,B", help_behavior_hint="(default: that of the preset)")] = (
        NOT_GIVEN
    )
    """Fusions of the copies: concat, mean, set."""
    on: Annotated[str, tyro.conf.arg(metavar="WHERE", help_behavior_hint="(default: one run after the other)")] = (
        NOT_GIVEN
    )
    """Train several runs at once, each as a command of its own: local[:WORKERS], ray[:ADDRESS] or slurm[:PARTITION]."""
    gpus: Annotated[str, tyro.conf.arg(metavar="N", help_behavior_hint="(default: 1 with --device cuda, else 0)")] = (
        NOT_GIVEN
    )
    """With --on ray or slurm: graphics cards for each run; with ray, 0.5 lets two runs share one."""
    steps: Annotated[str, tyro.conf.arg(metavar="N", help_behavior_hint="")] = NOT_GIVEN
    """Steps of each run, without a time limit unless --seconds is also given."""
    seconds: Annotated[str, tyro.conf.arg(metavar="S", help_behavior_hint="")] = NOT_GIVEN
    """Seconds of training of each run, without a step limit unless --steps is also given."""
    fields: Annotated[TrainFields, _FIELDS] = field(default_factory=TrainFields)


@dataclass(frozen=True)
class Reproduce:
    """Repeat the report's comparison of k, or a paper's of noises; write curves, table and samples to one HTML page."""

    what: tyro.conf.Positional[Literal["report-mnist", "report-cifar10", "noise-mnist", "noise-cifar10"]]
    """The report's comparison of k, or that of noises, on a set of images."""
    scale: Annotated[str, tyro.conf.arg(metavar="S", help_behavior_hint="(default: 1)")] = NOT_GIVEN
    """Fraction of the report's 100 epochs for each k, or of the paper's iterations and samples."""
    minutes: Annotated[str, tyro.conf.arg(metavar="M", help_behavior_hint="")] = NOT_GIVEN
    """Instead: total time in minutes; a short time means a narrower network, as reported on the page."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="(required)")] = None
    """Folder of the page and the runs; an unfinished one is resumed."""
    ks: Annotated[str, tyro.conf.arg(metavar="1,2,4", help_behavior_hint="(default: 1,2,4,8,16)")] = NOT_GIVEN
    """Numbers of copies."""
    seeds: Annotated[str, tyro.conf.arg(metavar="0,1,2", help_behavior_hint="(default: 0)")] = NOT_GIVEN
    """Training seeds; the spread in the table is over them. Noises have 0,1,2."""
    modes: Annotated[str, tyro.conf.arg(metavar="MODE,MODE", help_behavior_hint="(default: both)")] = NOT_GIVEN
    """same-sigma, same-sigma-eff, or both."""
    data_dir: DataDir = None
    device: Device = "auto"
    threads: Threads = NOT_GIVEN
    json: Json = False
    fields: Annotated[TrainFields, _FIELDS] = field(default_factory=TrainFields)


@dataclass(frozen=True)
class Presets:
    """List the presets."""

    json: Json = False


@dataclass(frozen=True)
class Runs:
    """List the runs in a folder and below it, newest first; or with diff, the settings in which runs differ."""

    places: Annotated[
        tyro.conf.Positional[tuple[Path, ...]],
        tyro.conf.arg(metavar="[DIR | ADDRESS | diff RUN RUN ...]", help_behavior_hint=""),
    ] = ()
    """The folder (default: MSD_RUNS_DIR, else that of the desktop program); an address such as sftp://host/folder,
    whose runs are copied below that folder; or diff and two or more run folders."""
    search: Annotated[str, tyro.conf.arg(metavar="WORDS", help_behavior_hint="")] = NOT_GIVEN
    """Only runs with all of these words: in name, folder, data, status, note, comparison, or as #tag or k=8."""
    json: Json = False


@dataclass(frozen=True)
class ExportTensorboard:
    """Write the measurements of a run as event files for TensorBoard."""

    run: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")]
    """The run folder."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")] = None
    """Target folder (default: tensorboard in the run folder)."""
    json: Json = False


@dataclass(frozen=True)
class Schema:
    """Print the JSON schema of a spec, or all its fields as a table."""

    table: Annotated[Flag, tyro.conf.arg(help_behavior_hint="")] = False
    """Print a table with path, symbol, type, range, default, unit and help."""


@dataclass(frozen=True)
class Download:
    """Download a set of images to the data folder."""

    name: tyro.conf.Positional[Literal["mnist", "fashion-mnist", "cifar-10"]]
    """The set."""
    data_dir: DataDir = None
    json: Json = False


Command = (
    Train
    | Sample
    | Run
    | Evaluate
    | Why
    | Twins
    | Errors
    | Likelihood
    | Figure
    | ShootOut
    | Propose
    | Tune
    | Scores
    | Sweep
    | Reproduce
    | Noise
    | Presets
    | Runs
    | ExportTensorboard
    | Schema
    | Download
)

COMMANDS: Any = Union[  # noqa: UP007 - tyro reads the name of each command from its annotation
    Annotated[Train, tyro.conf.subcommand("train")],
    Annotated[Sample, tyro.conf.subcommand("sample")],
    Annotated[Run, tyro.conf.subcommand("run")],
    Annotated[Evaluate, tyro.conf.subcommand("evaluate")],
    Annotated[Why, tyro.conf.subcommand("why")],
    Annotated[Twins, tyro.conf.subcommand("twins")],
    Annotated[Errors, tyro.conf.subcommand("errors")],
    Annotated[Likelihood, tyro.conf.subcommand("likelihood")],
    Annotated[Figure, tyro.conf.subcommand("figure")],
    Annotated[ShootOut, tyro.conf.subcommand("shoot-out")],
    Annotated[Propose, tyro.conf.subcommand("propose")],
    Annotated[Tune, tyro.conf.subcommand("tune")],
    Annotated[Scores, tyro.conf.subcommand("scores")],
    Annotated[Sweep, tyro.conf.subcommand("sweep")],
    Annotated[Reproduce, tyro.conf.subcommand("reproduce")],
    Annotated[Noise, tyro.conf.subcommand("noise")],
    Annotated[Presets, tyro.conf.subcommand("presets")],
    Annotated[Runs, tyro.conf.subcommand("runs")],
    Annotated[ExportTensorboard, tyro.conf.subcommand("export-tensorboard")],
    Annotated[Schema, tyro.conf.subcommand("schema")],
    Annotated[Download, tyro.conf.subcommand("download")],
]
