"""Comparison of training objectives by the scores that they learn."""
