"""A simulation of loan lives on the real SQL of loan-api and the retention worker, with everything failing that can.

Real: the owners' actions and stores, the outbox and its relay, the consumer, the sweeper, the auditor, legal holds, the register
and the log, on PostgreSQL. Simulated: the patrons, the time, the transport between outbox and worker, the line to the owner.
What is judged by is `tests.proving.oracle`, which shares no code with any of it.
"""

from tests.proving.simulation.run import Outcome, Plan, simulate
from tests.proving.simulation.transport import Weather

__all__ = ["Outcome", "Plan", "Weather", "simulate"]
