"""Every published figure is printed by a script in this folder."""
