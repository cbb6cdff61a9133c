"""The main job: months of lending and forgetting at four libraries, over real HTTP, judged by the oracle."""

from tests.proving.demo.run import run_demo

__all__ = ["run_demo"]
