"""Noise of the data: forward processes, ladders of levels, independent copies and the laws of σ in training."""
