"""Raw tables of persons who can be recognised in any byte."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "governance"))
sys.path.insert(0, str(Path(__file__).parents[1] / "transform"))
