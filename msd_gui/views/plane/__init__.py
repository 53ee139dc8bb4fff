"""The plane with its density and chains."""
