"""Networks: the report's U-net, an MLP for points, and the noise embedding they share."""
