"""Which addresses processes listen at."""

from __future__ import annotations

import ipaddress

import psutil


def open_to_others() -> set[tuple[str, str]]:
    """Return name and address of each socket beyond the loopback at which this process or a descendant listens."""
    return {(name, address) for name, address in listening() if not is_loopback(address)}


def listening() -> set[tuple[str, str]]:
    """Return name and address of each socket at which this process or a descendant listens."""
    found = set()
    me = psutil.Process()
    for process in [me, *me.children(recursive=True)]:
        try:
            name, sockets = process.name(), process.net_connections()
        except psutil.NoSuchProcess:
            continue
        found |= {(name, socket.laddr.ip) for socket in sockets if socket.status == psutil.CONN_LISTEN}
    return found


def is_loopback(text: str) -> bool:
    address = ipaddress.ip_address(text)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
