"""Widgets: controls with value(), setValue() and valueChanged, and panels that hold them."""
