"""The history on disk: the only room with SQL.

Begin at `database.Store`.  Every access runs on a worker thread (`worker.Worker`), so the event loop
never waits on the disk.
"""
