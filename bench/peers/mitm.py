"""Peer: mitmproxy before a server. Argument: the URL of that server (ws://ADDRESS/...)."""

import asyncio
import sys
from urllib.parse import urlsplit

from mitmproxy import ctx


class Ready:
    def running(self):
        self.task = asyncio.create_task(self.say())

    async def say(self):
        # Its sockets are made beside this.
        while not (addresses := ctx.master.addons.get("proxyserver").listen_addrs()):
            await asyncio.sleep(0.01)
        host, port, *_ = addresses[0]
        print(f"listening on ws://{host}:{port}/", flush=True)


addons = [Ready()]

if __name__ == "__main__":
    from mitmproxy.tools.main import mitmdump

    upstream = urlsplit(sys.argv[1]).netloc
    mode = f"reverse:http://{upstream}"
    listen = ["--listen-host", "127.0.0.1", "--listen-port", "0"]
    mitmdump(["--quiet", "--mode", mode, *listen, "-s", __file__])
