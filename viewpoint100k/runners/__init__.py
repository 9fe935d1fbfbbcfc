"""Run one command line per shard number. Engines choose where; the command line and its result are the same."""
