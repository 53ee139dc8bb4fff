"""Controls of declared fields: sliders, boxes and switches with their labels."""
