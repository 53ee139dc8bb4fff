"""The only makers of objects from specs; what was read or trained is kept."""
