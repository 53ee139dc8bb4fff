"""Samplers that need more than x̂: a density, or the score of data without noise."""
