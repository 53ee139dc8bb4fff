"""Controls: value(), setValue() and valueChanged."""
