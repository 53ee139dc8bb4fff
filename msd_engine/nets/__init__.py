"""Networks: the report's U-net, an MLP for points, and their noise embedding."""
