"""Histories as files: lines of JSON, Parquet in parts, on all cores or on Spark; `rung decide`."""
