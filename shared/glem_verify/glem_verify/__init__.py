"""The offline check of a log of erasures and of receipts. Imports nothing of ours and installs alone.

Needed by anybody who does not want to trust the retention worker.
"""
