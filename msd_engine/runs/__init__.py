"""Files of the program: run folders, sample files, and pictures with their spec."""
