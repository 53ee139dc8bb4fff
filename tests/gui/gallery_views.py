"""Paints every view with made-up data to PNG files, light and dark: ``python tests/gui/gallery_views.py FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QApplication, QWidget
from sklearn.datasets import load_digits

from msd_engine.events.plots import LAYERS, Axis, Curve, Curves
from msd_engine.runs.report.plots import figure
from msd_gui.theme import Theme
from msd_gui.views.base.colour_maps import paper
from msd_gui.views.base.placeholder import Placeholder
from msd_gui.views.curves.bars import BarsView
from msd_gui.views.curves.curves import CurvesView
from msd_gui.views.curves.losses import LossView
from msd_gui.views.images.film import FilmStripView
from msd_gui.views.images.grid import ImageGridView
from msd_gui.views.images.strip import HeldOutView
from msd_gui.views.plane.plane import PlaneView
from msd_gui.views.plane.timeline import Timeline


def make_plane(rng: np.random.Generator) -> PlaneView:
    """A plane with all its layers."""
    view = PlaneView()
    side = np.linspace(-12, 12, 120)
    x, y = np.meshgrid(side, side)
    parts = [w * np.exp(-((x - m) ** 2 + (y - m) ** 2) / 4) for w, m in ((0.8, 5.0), (0.2, -5.0))]
    modes = np.array([[5.0, 5.0], [-5.0, -5.0]])
    data = modes[(rng.random(800) > 0.8).astype(int)] + rng.normal(size=(800, 2))
    walks = rng.uniform(-8, 8, (1, 40, 2)) + np.cumsum(0.12 * rng.normal(size=(120, 40, 2)), axis=0)
    copies = walks[-1, 3] + rng.normal(size=(8, 2))
    points = np.stack(np.meshgrid(np.linspace(-9, 9, 15), np.linspace(-9, 9, 15)), axis=-1).reshape(-1, 2)
    exact = (modes[(points.sum(axis=1) < 0).astype(int)] - points) / 3
    view.show_plane(
        log_density=np.log(sum(parts) + 1e-300),
        density_bounds=(-12, 12, -12, 12),
        data=data,
        modes=modes,
        at=points,
        exact=exact,
        learned=exact + 0.2 * rng.normal(size=exact.shape),
        tails=walks,
        heads=walks[-1],
        twins=walks[-20:] + 0.1,
        chosen=3,
        copies=(copies, copies.mean(axis=0)[None], np.array([[4.6, 4.7]])),
        on=frozenset(LAYERS),
    )
    view.frame()
    return view


def make_losses(rng: np.random.Generator) -> LossView:
    """Curves of 20 000 steps over a floor."""
    view = LossView()
    steps = np.arange(1, 20_001)
    truth = 2 + 60 / np.sqrt(steps)
    view.append_train(steps, truth * np.exp(0.35 * rng.normal(size=len(steps))), steps / 200)
    for step in range(500, 20_001, 500):
        view.append_held_out(step, 1.02 * (2 + 60 / np.sqrt(step)), step / 200)
    view.set_floor(1.93)
    view.set_smoothing(0.98)
    return view


def made_bands() -> Curves:
    """Errors by noise, over those of the exact score."""
    at = np.geomspace(0.05, 20, 12)
    least = 2 * at**2 / (1 + at**2)
    curves = (
        Curve("exact score, same draws", at, least, "exact", "dash"),
        Curve("held-out", at, 1.15 * least, dots=True),
    )
    return Curves("Error by noise", Axis("σ_eff", log=True), Axis("‖x̂ − x‖²", log=True), curves)


def make_views() -> dict[str, tuple[QWidget, tuple[int, int]]]:
    """Every view with a size that it has in the window."""
    rng = np.random.default_rng(0)
    digits = load_digits().images[:64, None] / 8 - 1
    grid, film, strip, timeline = ImageGridView(), FilmStripView(), HeldOutView(), Timeline()
    bands = CurvesView(made_bands())
    grid.set_images(digits.astype(np.float32))
    grid.set_chosen(10)
    grid.set_dead({20: "monochrome"})
    for i, sigma in enumerate(np.geomspace(20, 0.1, 16)):
        noise = rng.normal(size=digits.shape) * sigma
        near = 1 / (1 + sigma)
        clip = [np.clip((a + 1) * 127.5, 0, 255).astype(np.uint8) for a in (near * digits, digits + noise)]
        film.add_frame(10 * i, float(sigma), *clip, level=i)
    film.set_chain(10)
    film.set_chosen(7)
    sigma = np.geomspace(0.2, 6, 10)
    noisy = digits[:10, None] + sigma[:, None, None, None, None] * rng.normal(size=(10, 8, 1, 8, 8))
    x_hat = digits[:10] + 0.1 * sigma[:, None, None, None] * rng.normal(size=(10, 1, 8, 8))
    strip.set_strip(digits[:10], noisy, x_hat, sigma, ((x_hat - digits[:10]) ** 2).sum(axis=(1, 2, 3)))
    timeline.set_levels(np.geomspace(20, 0.5, 10).tolist(), [100] * 10)
    timeline.set_available(720)
    timeline.set_position(430)
    two, many = (BarsView("Mode weights", "mode", "true") for _ in range(2))
    two.set_shares("12", np.array([0.76, 0.24]), np.array([0.8, 0.2]))
    many.set_shares([str(n + 1) for n in range(25)], rng.dirichlet(np.full(25, 40.0)), np.full(25, 0.04))
    many.set_learned(True)
    words = "Train a network and its loss, over that of the exact score, will be drawn here."
    return {
        "plane": (make_plane(rng), (640, 560)),
        "losses": (make_losses(rng), (320, 240)),
        "bands": (bands, (320, 220)),
        "weights-2": (two, (300, 200)),
        "weights-25": (many, (300, 200)),
        "grid": (grid, (420, 400)),
        "film": (film, (640, 110)),
        "strip": (strip, (640, 270)),
        "timeline": (timeline, (640, 56)),
        "placeholder": (Placeholder(words, "Train"), (300, 200)),
    }


def main(folder: Path) -> None:
    """Writes all pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    app = QApplication.instance() or QApplication([])
    theme = Theme(app)
    views = make_views()
    for choice in ("light", "dark"):
        theme.set_choice(choice)
        for name, (view, size) in views.items():
            view.resize(*size)
            view.show()
            for _ in range(3):
                app.processEvents()
            view.grab().save(str(folder / f"{name}-{choice}.png"))
    for name in ("plane", "losses", "bands", "weights-2"):
        for suffix in ("png", "svg", "pdf"):
            (folder / f"{name}-figure.{suffix}").write_bytes(figure(views[name][0].plot(), paper(), suffix=suffix))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
