"""Where commands run that can be repeated: a pool of this machine, a Ray cluster, or Slurm."""
