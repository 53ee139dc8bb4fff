"""Jobs: a spec goes in, events come out. Tensors become numpy here and nowhere else."""
