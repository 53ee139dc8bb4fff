"""The table of a shoot-out of samplers, and its charts."""
