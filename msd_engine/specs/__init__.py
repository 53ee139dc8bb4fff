"""Specs: frozen, validated values that go down to the engine. Imports no torch."""

from msd_engine.specs.base import Declaration, Spec, SpecError, declarations
from msd_engine.specs.branch import Branch, BranchSpec, ChainTask
from msd_engine.specs.data import ImagesSpec, MixtureSpec
from msd_engine.specs.denoise import DenoiseSpec
from msd_engine.specs.experiment import (
    BEGUN,
    GENERATOR,
    JOBS,
    ExperimentSpec,
    JobName,
    for_job,
    for_painting,
    generator_of,
    job_of,
    same_training,
    step_ratio_of,
    training_hash,
)
from msd_engine.specs.live import Live
from msd_engine.specs.models import (
    DrawnBy,
    ModelCard,
    example_folder,
    load_card,
    load_preset,
    model_folder,
    model_names,
    preset_names,
    pretrained_for,
    weights_of,
    with_weights,
)
from msd_engine.specs.nets import MlpSpec, UNetSpec
from msd_engine.specs.noise import NoiseSpec
from msd_engine.specs.sampling import SamplingSpec
from msd_engine.specs.sweep import SweepSpec
from msd_engine.specs.tables.samplers import WALL
from msd_engine.specs.training import TrainingSpec

__all__ = [
    "BEGUN",
    "GENERATOR",
    "JOBS",
    "WALL",
    "Branch",
    "BranchSpec",
    "ChainTask",
    "Declaration",
    "DenoiseSpec",
    "DrawnBy",
    "ExperimentSpec",
    "ImagesSpec",
    "JobName",
    "Live",
    "MixtureSpec",
    "MlpSpec",
    "ModelCard",
    "NoiseSpec",
    "SamplingSpec",
    "Spec",
    "SpecError",
    "SweepSpec",
    "TrainingSpec",
    "UNetSpec",
    "declarations",
    "example_folder",
    "for_job",
    "for_painting",
    "generator_of",
    "job_of",
    "load_card",
    "load_preset",
    "model_folder",
    "model_names",
    "preset_names",
    "pretrained_for",
    "same_training",
    "step_ratio_of",
    "training_hash",
    "weights_of",
    "with_weights",
]
