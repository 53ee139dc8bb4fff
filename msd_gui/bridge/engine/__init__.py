"""The one folder of the program that imports `msd_engine.jobs`, and with it torch, in working threads."""
