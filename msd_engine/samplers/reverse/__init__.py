"""Samplers that run a forward process backwards, in the noise σ/α."""
