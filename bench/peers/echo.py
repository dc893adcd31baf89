"""A WebSocket echo server on websockets: prints `port NUMBER`, ends with its standard input. With an
argument, `deflate`, it agrees to compress."""

import asyncio
import sys

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed


async def echo(connection):
    try:
        async for message in connection:
            await connection.send(message)
    except ConnectionClosed:
        pass


async def main():
    compression = "deflate" if sys.argv[1:] == ["deflate"] else None
    async with serve(echo, "127.0.0.1", 0, compression=compression, max_size=None) as server:
        print("port", server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        for connection in list(server.connections):
            connection.transport.abort()


asyncio.run(main())
