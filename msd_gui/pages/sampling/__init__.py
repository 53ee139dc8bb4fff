"""Image chains and the controls of sampling, for several pages."""
