"""The command `symgrad serve`: the page on this machine until Ctrl-C.

>>> [option.name for option in serve.params]
['host', 'port', 'opened']
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import click

from symgrad.faces.options import say

if TYPE_CHECKING:
    from symgrad.faces.web.server import Server


@click.command(short_help="Serve the web page on this machine.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Under which address; that of this machine alone.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: any that is free.")
@click.option("--open/--no-open", "opened", default=False, show_default=True, help="Show the page in the browser.")
def serve(host: str, port: int, opened: bool) -> None:
    """Serve the web page: derive, see the steps, check an answer. Nothing leaves this machine.

    \b
    symgrad serve
    symgrad serve --port 8765 --open
    """
    from symgrad.faces.web.server import Server

    server = Server(host, port)
    try:
        click.echo(f"symgrad is at {server.url} (Ctrl-C ends it)")
        if not _is_loopback(host):
            say("everybody who reaches this address can use it: there is no password")
        _run(server, opened)
    except KeyboardInterrupt:
        click.echo("\nstopped")
    finally:
        server.server_close()


def _run(server: Server, opened: bool) -> None:
    server.pool.warm()
    if opened:
        import webbrowser

        webbrowser.open(server.url)
    server.serve_forever(poll_interval=0.2)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
