"""Jobs on single pictures."""
