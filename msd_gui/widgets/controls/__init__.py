"""What the user turns: sliders, boxes and switches, with the numbers beside them."""
