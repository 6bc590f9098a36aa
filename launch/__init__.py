"""Runs Brim on one machine: what stands behind `bin/serve`, `bin/manage`, `bin/test` and `bin/bench`.

`run` finds a Python, `bootstrap` makes the environment, then one of `serve`, `manage`, `test`, `bench` runs.
They share the embedded PostgreSQL and Redis of a data folder: a `keeper` process owns the two servers, starts
them again when they die, and lives as long as somebody holds the folder's lock (`servers`). The kernel drops
the lock of a process that was killed, so nothing depends on a tidy end.

Nothing here imports Django or another part of Brim.
"""
