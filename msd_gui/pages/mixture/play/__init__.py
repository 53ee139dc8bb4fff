"""Kept states of the chains, and the playhead that goes over them."""
