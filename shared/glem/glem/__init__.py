"""The frame of a service: application, database, outbox, transport, identity, problem documents, settings, logs.

Needed by every service. Holds no rule about a person.
"""
