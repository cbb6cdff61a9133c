"""The independent oracle: a second, plain reading of the libraries' rules, that shares no code with the services.

`judge` is a pure function of what was asked of the suite (the history), what the agencies' files promise (the rules), and
what was found (the observation: the register and the tables, looked at directly).
"""

from tests.proving.oracle.judge import judge
from tests.proving.oracle.judgement import Finding, Judgement
from tests.proving.oracle.observation import Observation
from tests.proving.oracle.promises import Promises, read_promises

__all__ = ["Finding", "Judgement", "Observation", "Promises", "judge", "read_promises"]
