"""What is kept on disk: run folders, sample files and pictures that carry their spec."""
