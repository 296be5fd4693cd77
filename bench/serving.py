"""A server on loopback that answers until it is ended, for benches."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


async def serve(answer: Callable[[bytes], Awaitable[bytes | None]]) -> None:
    """Print the port, then give each request's head to ``answer`` and send what it makes;
    None ends the connection."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                body = await answer(head)
                if body is None:
                    return
                writer.write(body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()
