"""One function a command: load, ask the domain, store, publish.

Each gets an open unit of work that holds the locks of the keys it publishes for; `keys.py` says
which. The same command again answers the same; with other content it is a conflict.
"""
