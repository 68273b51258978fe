"""What the flow-control experiment reads off ``ss``."""

from __future__ import annotations

from bench.sockets import Connection, parse

OUTPUT = """\
0       0                127.0.0.1:45793          127.0.0.1:49112
\t cubic wscale:10,10 rto:208 bytes_sent:25032 bytes_acked:25032 bytes_received:340 rcv_space:65483 minrtt:0.008 snd_wnd:115712
0       4157120          127.0.0.1:20915          127.0.0.1:34862
\t cubic wscale:10,10 rto:208 backoff:5 bytes_sent:1577530 bytes_retrans:53228 bytes_acked:1524302 notsent:4157120 minrtt:0.006
0       0                127.0.0.1:20915          127.0.0.1:34863
\t cubic wscale:10,10 rto:200
"""


def test_a_socket_has_accepted_what_was_acknowledged_and_what_waits_in_its_queue() -> None:
    assert parse(OUTPUT) == [
        Connection("127.0.0.1:49112", 25032, 115712, 0),
        Connection("127.0.0.1:34862", 1524302 + 4157120, 0, 4157120),
        Connection("127.0.0.1:34863", 0, 0, 0),
    ]


def test_no_connection_is_none() -> None:
    assert parse("") == []
