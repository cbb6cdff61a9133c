"""What services say to each other: events, record classes, declared calls with their answers. Imports nothing of ours.

Needed by every service, by the frame (for the envelope), and by services that only translate.
"""
