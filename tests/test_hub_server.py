"""The Hub that tests speak to: each connection for itself."""

import json
import socket
import urllib.request

from support.hub_server import Commit, File, HubServer, Repository

BYTES = b"x" * 50_000_000  # more than the sockets of both sides hold


def test_a_client_that_stops_reading_in_the_middle_keeps_nobody_waiting(tmp_path):
    with HubServer(tmp_path) as hub:
        (tmp_path / "objects" / "a").write_bytes(BYTES)
        commit = Commit("c" * 40, "first", {"big.bin": File(len(BYTES), "a", "")})
        hub.repositories["me/data"] = Repository(False, {"main": [commit]})
        host, port = hub.http.server_address[:2]
        with socket.create_connection((host, port)) as paused:
            ask = "GET /datasets/me/data/resolve/main/big.bin HTTP/1.1\r\n"
            paused.sendall(f"{ask}Host: hub\r\nAuthorization: Bearer {hub.token}\r\n\r\n".encode())
            assert paused.recv(16).startswith(b"HTTP/1.1 200")  # and reads no further
            request = urllib.request.Request(
                f"{hub.url}/api/datasets/me/data", headers={"Authorization": f"Bearer {hub.token}"}
            )
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(request, timeout=30) as answer:
                assert json.load(answer)["id"] == "me/data"
