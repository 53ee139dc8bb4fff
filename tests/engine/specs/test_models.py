"""The pretrained models that ship with the program: cards, weights in half precision, and sampling without training."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from msd_engine.backend.errors import BadFile, UserError
from msd_engine.backend.tensors import pack_tensors, read_tensors
from msd_engine.cli.main import main
from msd_engine.events import Failed, Finished, Samples
from msd_engine.jobs.factory.parts import learned_denoiser
from msd_engine.jobs.sampling.sample import sample
from msd_engine.jobs.training.train import train
from msd_engine.runs.run import WEIGHTS, Run
from msd_engine.runs.samples import load_samples
from msd_engine.specs import ModelCard, SpecError, load_card, load_preset, model_folder, model_names, pretrained_for

CPU = torch.device("cpu")


def test_the_first_launch_has_models_for_its_first_images() -> None:
    spec = load_preset("digits-30s")
    for k in (1, 3, 8):
        card = pretrained_for(spec.replace("training.k", k))
        assert card is not None
        assert card.spec.serves_every_k
    assert pretrained_for(spec.replace("data.name", "shapes")) is None
    assert pretrained_for(load_preset("ring-8")) is None


@pytest.mark.parametrize("name", model_names())
def test_every_model_says_what_it_is_and_is_small(name: str) -> None:
    card, folder = load_card(name), model_folder(name)
    assert card.name == name
    assert ModelCard.from_json(card.to_json()) == card
    assert all([card.data_licence, card.data_source, card.licence, card.features, card.figures, card.command])
    run = Run.open(folder)
    assert run.spec == card.spec
    assert (run.manifest.step, run.has_state) == (card.steps, False)
    denoiser = learned_denoiser(folder, CPU)
    weights = list(denoiser.parameters())
    assert sum(value.numel() for value in weights) == card.parameters
    assert (folder / WEIGHTS).stat().st_size < 2.2 * card.parameters
    # Computed with in single precision on any machine; only what training learned was halved.
    assert all(value.dtype == torch.float32 for value in weights)
    assert not denoiser.mixed
    assert all(torch.equal(value, value.half().float()) for value in weights)


def test_a_model_samples_as_a_run_does_and_the_same_for_any_number_of_chains() -> None:
    spec = load_card("digits").spec.replace_all({"sampling.levels": 3, "sampling.steps_per_level": 1})
    drawn = []
    for chains in (2, 3):
        events = list(sample(spec.replace("sampling.chains", chains), run_dir=model_folder("digits"), device="cpu"))
        assert isinstance(events[-1], Finished)
        drawn += [event.x_hat for event in events if isinstance(event, Samples)]
    assert drawn[1].shape == (3, 1, 8, 8)
    np.testing.assert_array_equal(drawn[0], drawn[1][:2])


def test_a_model_cannot_be_trained_on() -> None:
    folder = model_folder("digits")
    before = sorted(folder.iterdir())
    events = list(train(Run.open(folder).spec, folder, resume=True, device="cpu"))
    assert isinstance(events[-1], Failed)
    assert sorted(folder.iterdir()) == before


def test_half_precision_is_widened_only_where_it_is_requested(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    like = {"w": torch.zeros(2), "n": torch.zeros((), dtype=torch.int64)}
    path.write_bytes(pack_tensors({"w": torch.tensor([0.5, -2.0]).half(), "n": torch.tensor(3)}, {}))
    tensors, _ = read_tensors(path, "weights", like, widen=True)
    assert torch.equal(tensors["w"], torch.tensor([0.5, -2.0]))
    with pytest.raises(BadFile, match="float16"):
        read_tensors(path, "weights", like)


def test_a_name_that_is_none_is_refused_with_those_that_are() -> None:
    with pytest.raises(SpecError, match="digits"):
        model_folder("no-such-model")
    with pytest.raises((SpecError, UserError)):
        load_card("../presets")


def test_the_command_samples_with_no_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quick = ["--n", "4", "--levels", "2", "--steps-per-level", "1", "--device", "cpu"]
    files = {"--preset": tmp_path / "a.npz", "--model": tmp_path / "b.npz"}
    for option, name in (("--preset", "digits-30s"), ("--model", "digits")):
        assert main(["sample", option, name, "--out", str(files[option]), *quick, "--json"]) == 0
        captured = capsys.readouterr()
        assert json.loads(captured.out)["n"] == 4
        assert ("the pretrained model digits" in captured.err) == (option == "--preset")
    one, other = (load_samples(path).x_hat for path in files.values())
    assert one.shape == other.shape == (4, 1, 8, 8)
    for words in (
        ["--preset", "digits-30s", "--model", "digits"],
        ["--model", "none"],
        ["--preset", "cifar10-20min", "--data.name", "shapes"],
    ):
        assert main(["sample", *words, "--out", str(tmp_path / "c.npz")]) == 2
        assert capsys.readouterr().err.count("\n") == 1
