"""Specs of comparisons of training objectives by their scores."""
