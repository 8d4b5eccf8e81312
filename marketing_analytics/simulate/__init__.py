"""One seeded marketing world with a known truth, served by emulators of the platforms.

Imports only `core`. Start reading at `world/build.py` (the truth) and `platforms/server.py`.
"""
