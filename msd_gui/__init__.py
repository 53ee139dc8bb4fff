"""The desktop program of the multi-sample denoiser laboratory."""

from msd_gui.overrides import complete_errors

complete_errors()
