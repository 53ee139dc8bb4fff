"""Icons, presets, styles and help texts; installed as the package `msd_resources`."""
