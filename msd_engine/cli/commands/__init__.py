"""The commands of `msd`, one file each."""
