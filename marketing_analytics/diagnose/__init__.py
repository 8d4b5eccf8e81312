"""Walk a chain from the sources to a figure, and name the first broken link with its evidence.

A chain is a module with its links: each is one small query (`queries/<chain>/<link>.sql`) and a
plain function that judges its rows. Imports only the floors.
"""
