"""What the tool remembers on this machine: the ids it wrote, and jobs as they were before.

`journal.py` knows a job whose mark a person removed; `restore.py` is the file that every deploy
and cleanup writes before its first change; `undo.py` decides from it, `redo.py` carries that out.
"""
