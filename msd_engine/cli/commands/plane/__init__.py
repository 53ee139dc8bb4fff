"""Commands for points in the plane: objectives, twins and figures of the papers."""
