"""The watch: is what the marts say true, fresh and like itself? Alerts and service levels.

Reads marts, keeps what it found in tables beside them. Imports floors only.
"""
