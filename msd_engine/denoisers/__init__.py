"""Denoisers: from k noisy copies to the posterior mean and, by Tweedie's formula, the score."""
