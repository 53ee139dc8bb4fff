"""Jobs that compare samples with real images."""
