"""The command line ``advnets``: `main` parses and dispatches, `registry` lists the commands.

Each file of commands holds, for every command, a dataclass of its options and a function; torch is
imported inside the functions that need it.
"""
