"""Jobs that draw chains or compute their ladder or the field in the plane."""
