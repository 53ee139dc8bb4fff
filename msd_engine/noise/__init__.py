"""How data are noised: the SDE, ladders of levels, independent copies and the laws of σ in training."""
