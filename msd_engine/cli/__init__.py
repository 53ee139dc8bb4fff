"""The `msd` command."""
