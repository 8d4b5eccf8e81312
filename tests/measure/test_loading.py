"""Two models that one dbt process runs in threads do not see a library that is half loaded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import importlib, importlib.util, sys, threading
from pathlib import Path

begun = threading.Event()

class Slow:
    # loads pyarrow as ever, a moment later: its name stands among the modules by then
    def find_spec(self, name, path=None, target=None):
        if name != "pyarrow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        load = spec.loader.exec_module
        def late(module):
            begun.set()
            threading.Event().wait(0.3)
            load(module)
        spec.loader.exec_module = late
        return spec

class Table:
    def fetchnumpy(self):
        return {}

from marketing_analytics.measure import MODULE
model = MODULE.load_model(Path("transform"))
assert "pyarrow" not in sys.modules
sys.meta_path.insert(0, Slow())
other = threading.Thread(target=importlib.import_module, args=["pyarrow"])
other.start()
begun.wait()
model.columns_of(Table())
# what scikit-learn asks of it
print(hasattr(sys.modules["pyarrow"], "Table"))
other.join()
"""


@pytest.mark.parametrize("module", ["fit", "segments"])
def test_a_model_waits_for_a_library_that_another_thread_loads(module):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.replace("MODULE", module)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "True\n", done.stderr
