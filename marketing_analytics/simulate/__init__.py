"""One seeded marketing world with a known truth, served by emulators of the platforms.

Imports only `core`; emulators and world meet through files. Start reading at `world/build.py`
(the truth) and `server.py`.
"""
