"""How records of persons end: declarations of record classes, policies, disposals, restoring.

Needed by owners of records (patron-api, loan-api, notifier) and by the retention worker.
"""
