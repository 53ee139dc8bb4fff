"""Shared parts of jobs: background work, failures as events, frames, warm-up."""
