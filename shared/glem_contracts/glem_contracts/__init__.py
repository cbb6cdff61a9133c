"""The words between services: events, record classes, typed requests and answers. Imports nothing of ours.

Needed by every service, by the frame (for the envelope), and by rooms that only translate.
"""
