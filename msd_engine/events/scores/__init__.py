"""Events of a comparison of training objectives by their scores."""
