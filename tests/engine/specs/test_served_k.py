"""Which numbers of copies a network takes: one fact of its spec, in old files too."""

from __future__ import annotations

import json
from typing import Any

import pytest

from msd_engine.specs import ExperimentSpec, load_preset
from msd_engine.specs.experiment import misfits, same_network

IMAGES, PLANE = load_preset("digits-30s"), load_preset("ncsn-toy")


def changed(spec: ExperimentSpec, **fields: Any) -> ExperimentSpec:
    return spec.replace_all({path.replace("__", "."): value for path, value in fields.items()})


@pytest.mark.parametrize("spec", [IMAGES, PLANE])
@pytest.mark.parametrize("fusion", ["concat", "mean", "set"])
def test_k_is_no_misfit_where_every_k_is_served(spec: ExperimentSpec, fusion: str) -> None:
    trained = changed(spec, network__fusion=fusion)
    asked = changed(spec, training__k=3)
    serves = fusion != "concat"
    assert trained.serves_every_k is serves
    assert misfits(trained, asked) == (() if serves else ("k",))
    assert misfits(trained, changed(trained, training__k=8)) == ()
    assert trained.copies == ("every k" if serves else "k = 8")
    assert same_network(trained, changed(trained, training__k=3)) is serves
    assert trained.training_ks == ((1, 2, 4, 8, 16) if fusion == "set" else (8,))


@pytest.mark.parametrize(
    ("law", "quantity", "in_sigma_eff"),
    [
        ("log-normal", "auto", True),
        ("uniform-t", "auto", True),
        ("uniform-t", "sigma-eff", True),
        ("uniform-t", "sigma", False),
        ("log-normal", "sigma", False),
    ],
)
def test_a_law_of_one_copy_ties_a_network_to_its_k(law: str, quantity: str, in_sigma_eff: bool) -> None:
    spec = changed(PLANE, network__fusion="mean", noise__law=law, noise__quantity=quantity)
    assert spec.law.draws_sigma_eff is in_sigma_eff
    assert spec.serves_every_k is in_sigma_eff
    concat = changed(spec, network__fusion="concat")
    assert concat.law == concat.noise


def old(**parts: Any) -> ExperimentSpec:
    return ExperimentSpec.from_json(json.dumps({"format": "msd-experiment-2"} | parts))


def test_old_networks_of_a_set_serve_the_k_that_they_have_seen() -> None:
    images = {"kind": "images", "name": "digits"}
    spec = old(data=images, network={"kind": "unet", "fusion": "set"})
    assert spec.network.fusion == "set-of-k"
    assert not spec.serves_every_k
    assert spec.training_ks == (spec.training.k,)
    assert ExperimentSpec.from_json(spec.to_json()) == spec


def test_old_networks_of_the_mean_serve_every_k_where_their_law_was_that_of_sigma_eff() -> None:
    images = {"kind": "images", "name": "digits"}
    mean = {"kind": "unet", "fusion": "mean"}
    assert old(data=images, network=mean).serves_every_k
    bound = old(data=images, network=mean, noise={"law": "uniform-t"})
    assert not bound.serves_every_k
    assert not bound.law.draws_sigma_eff
    assert old(data=images, network=mean, noise={"law": "uniform-t", "quantity": "sigma-eff"}).serves_every_k
    assert old().network.fusion == "concat"
    assert old(data=images, network={"kind": "unet"}, noise={"law": "uniform-t"}).noise.quantity == "auto"
