"""Jobs about the noise itself: draws of it, and data on their way to it."""
