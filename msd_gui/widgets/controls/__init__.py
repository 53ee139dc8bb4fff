"""What the user turns: sliders, boxes, switches, and the form made of them from a spec."""
