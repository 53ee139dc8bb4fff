"""What is wrong with the settings of a sampling, with remedies."""
