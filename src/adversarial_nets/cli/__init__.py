"""The command line ``advnets``."""
