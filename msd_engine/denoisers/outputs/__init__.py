"""What the output of a network can stand for; one file for each."""
