"""Jobs that train a network, or tell again what a training has measured."""
