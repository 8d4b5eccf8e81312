"""How sources of one company get in: what several platforms share and the engine need not know."""
