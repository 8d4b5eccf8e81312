"""The code of a run: the commit that was asked for, in a folder of its own, and its packages."""
