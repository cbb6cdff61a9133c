"""The rival of the log: Starlette and pymerkle, the whole tree in memory, and nothing but proofs of inclusion."""

import os

import orjson
import uvicorn
from pymerkle import InmemoryTree
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

LEAVES = [
    b'{"leaf":%d,"text":"%s"}' % (number, b"x" * 180) for number in range(int(os.environ.get("RIVAL_LEAVES", "0")))
]
TREE = InmemoryTree.init_from_entries(LEAVES)


async def prove(request: Request) -> Response:
    """Return a leaf and the proof that it is in the tree."""
    index = int(request.path_params["index"])
    proof = TREE.prove_inclusion(index + 1).serialize()
    answer = {"leaf": LEAVES[index].decode(), "proof": proof, "root": TREE.get_root().hex()}
    return Response(orjson.dumps(answer), media_type="application/json")


async def live(_: Request) -> Response:
    """Say that the process runs."""
    return Response(b"{}", media_type="application/json")


if __name__ == "__main__":
    uvicorn.run(
        Starlette(routes=[Route("/proofs/{index}", prove), Route("/live", live)]),
        host="127.0.0.1",
        port=int(os.environ["RIVAL_PORT"]),
        access_log=False,
        server_header=False,
        log_level="warning",
    )
