"""The files of a run folder, by name. Imports no torch, so that runs can be listed without it."""

MANIFEST = "manifest.json"
METRICS = "metrics.jsonl"
STATE = "state.safetensors"
WEIGHTS = "weights.safetensors"
EARLIER = "earlier.safetensors"
LOCK = "lock"

# In a folder that holds a comparison, and in each of its runs while somebody works on it.
SWEEP = "sweep.json"
CLAIM = "claim"

# Beside what training needs: a small picture, figures that others measured, and what the user wrote.
THUMBNAIL = "thumbnail.png"
FIGURES = "figures.json"
NOTES = "notes.json"
