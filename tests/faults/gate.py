"""A TCP gate between a client and a server that does to their bytes what networks do.

    with Gate(("127.0.0.1", 5432)) as gate:
        ...                          # clients connect to gate.port
        gate.delay(0.05, jitter=0.02)
        gate.split(1)                # every byte a segment of its own
        gate.throttle(64_000)        # bytes a second, each direction of each connection
        gate.reset()                 # RST on every connection there is
        gate.silence(TO_CLIENT)      # bytes of a direction vanish, connections stay: a half-open peer
        gate.partition()             # both directions, and new connections hang
        gate.refuse()                # new connections are refused, those there are stay
        gate.cut_after(700, TO_CLIENT)  # each connection is reset once so many more bytes went that way
        gate.heal()

One thread runs it. Faults may be set from any thread, hold until heal(), and can be combined.
"""

import asyncio
import contextlib
import random
import socket
import struct
import threading

TO_SERVER, TO_CLIENT = "to_server", "to_client"
CHUNK = 64 * 1024


class Faults:
    """What is done to bytes now. Replaced as a whole, so that no pump sees half a change."""

    def __init__(self):
        self.seconds, self.jitter, self.piece, self.rate = 0.0, 0.0, 0, 0
        self.silent, self.hangs_new, self.budget = frozenset(), False, {}


class Pair:
    """One client's connection and the one to the server."""

    def __init__(self, client, server):
        self.sockets = {TO_CLIENT: client, TO_SERVER: server}
        self.left = {}  # bytes until the cut, by direction
        self.task, self.is_reset = None, False

    def end(self):
        for s in self.sockets.values():
            if s is None:
                continue
            if self.is_reset:
                with contextlib.suppress(OSError):
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()


class Gate:
    def __init__(self, target, seed=7):
        self.target, self.random = target, random.Random(seed)
        self.connections = self.resets = self.dropped = 0  # dropped: bytes that vanished, and connections that hung
        self.passed, self.segments = {TO_SERVER: 0, TO_CLIENT: 0}, {TO_SERVER: 0, TO_CLIENT: 0}
        self._faults, self._pairs, self._listener, self._tasks = Faults(), set(), None, set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        self.port = self._on_loop(self._listen(0))
        return self

    def __exit__(self, *_):
        self._on_loop(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # --- faults ---

    def delay(self, seconds, jitter=0.0):
        self._change(seconds=seconds, jitter=jitter)

    def split(self, size):
        self._change(piece=size)

    def throttle(self, bytes_per_second):
        self._change(rate=bytes_per_second)

    def silence(self, *directions):
        self._change(silent=frozenset(directions or (TO_SERVER, TO_CLIENT)))

    def partition(self):
        self._change(silent=frozenset((TO_SERVER, TO_CLIENT)), hangs_new=True)

    def cut_after(self, size, direction=TO_CLIENT):
        self._change(budget={direction: size})
        self._on_loop(self._arm())

    def reset(self):
        self._on_loop(self._reset())

    def refuse(self):
        self._on_loop(self._close_listener())

    def heal(self):
        """Also resets the connections that lost bytes: a stream with a hole in it cannot go on."""
        holes = bool(self._faults.silent)
        self._faults = Faults()
        self._on_loop(self._arm())
        if holes:
            self.reset()
        if self._listener is None:
            self._on_loop(self._listen(self.port))

    # --- inside ---

    def _change(self, **what):
        changed = Faults()
        changed.__dict__.update({**self._faults.__dict__, **what})
        self._faults = changed

    def _on_loop(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    def _spawn(self, coroutine):
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _listen(self, port):
        listener = socket.create_server(("127.0.0.1", port), backlog=256)
        listener.setblocking(False)
        self._listener = listener
        self._spawn(self._accept(listener))
        return listener.getsockname()[1]

    async def _close_listener(self):
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    async def _accept(self, listener):
        with contextlib.suppress(OSError):
            while self._listener is listener:
                client, _ = await self._loop.sock_accept(listener)
                self._spawn(self._serve(client))

    async def _serve(self, client):
        self.connections += 1
        client.setblocking(False)
        pair = Pair(client, None)
        pair.task = asyncio.current_task()
        self._pairs.add(pair)
        try:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.dropped += self._faults.hangs_new
            while self._faults.hangs_new:
                await asyncio.sleep(0.05)
            server = pair.sockets[TO_SERVER] = socket.socket(socket.AF_UNIX if isinstance(self.target, str) else socket.AF_INET)
            server.setblocking(False)
            await self._loop.sock_connect(server, self.target)
            if not isinstance(self.target, str):
                server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair.left = dict(self._faults.budget)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(pair, client, server, TO_SERVER))
                both.create_task(self._pump(pair, server, client, TO_CLIENT))
        except* OSError:
            pass
        finally:
            self._pairs.discard(pair)
            pair.end()

    async def _pump(self, pair, source, sink, direction):
        while data := await self._loop.sock_recv(source, CHUNK):
            f = self._faults
            if direction in f.silent:
                self.dropped += len(data)
                continue
            if f.seconds or f.jitter:
                await asyncio.sleep(f.seconds + self.random.uniform(0, f.jitter))
            step = f.piece or (max(1, f.rate // 50) if f.rate else len(data))
            for at in range(0, len(data), step):
                await self._send(pair, sink, data[at:at + step], direction)
                # Between pieces everything else gets its turn, so that they leave as segments of their own.
                await asyncio.sleep(min(step, len(data) - at) / f.rate if f.rate else 0)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    async def _send(self, pair, sink, piece, direction):
        left = pair.left.get(direction)
        if left is not None and len(piece) >= left:
            await self._loop.sock_sendall(sink, piece[:left])
            self.resets += 1
            pair.is_reset = True
            raise ConnectionResetError
        if left is not None:
            pair.left[direction] = left - len(piece)
        self.passed[direction] += len(piece)
        self.segments[direction] += 1
        await self._loop.sock_sendall(sink, piece)

    async def _arm(self):
        for pair in self._pairs:
            pair.left = dict(self._faults.budget)

    async def _reset(self):
        ending = list(self._pairs)
        for pair in ending:
            self.resets += 1
            pair.is_reset = True
            pair.task.cancel()
        await asyncio.gather(*(p.task for p in ending), return_exceptions=True)

    async def _end(self):
        await self._close_listener()
        await self._reset()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
