"""Signs with an index are typeset, other words stay as they are."""

import pytest

from msd_gui.theme.tips import typeset, wrapped


@pytest.mark.parametrize(
    ("words", "rich"),
    [("σ_L/√k & 1", "σ<sub>L</sub>/√k &amp; 1"), ("σ_eff = σ/√k", "σ<sub>eff</sub> = σ/√k"),
     ("s_T²/σ²", "s<sub>T</sub>²/σ²"), ("residuals y_i − ȳ", "residuals y<sub>i</sub> − ȳ"), ("no index", "no index"),
     ("the run mnist_k8 of run_dir", "the run mnist_k8 of run_dir")],
)  # fmt: skip
def test_an_index_is_a_subscript(words: str, rich: str) -> None:
    assert typeset(words) == rich
    assert wrapped(words) == (f"<qt>{rich}</qt>" if "<sub>" in rich else words)
