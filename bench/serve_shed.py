#!/usr/bin/env python3
"""Who is slow or sends too much is shed, and others are answered meanwhile.
usage: bench/serve_shed.py URL [CONNECTIONS [SECONDS]]
Opens connections that send a byte of their header a second, and sends headers and bodies that are too long; prints how
soon the slow ones were closed, what the others were told, and how long ordinary requests took meanwhile."""
import http.client
import selectors
import socket
import sys
import threading
import time
import urllib.parse

url = urllib.parse.urlsplit(sys.argv[1])
connections = int(sys.argv[2]) if len(sys.argv) > 2 else 900
seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 30
address = (url.hostname, url.port)
took, refused, done = [], 0, threading.Event()


def ordinary():
    global refused
    while not done.wait(0.02):
        began = time.monotonic()
        try:
            asked = http.client.HTTPConnection(*address, timeout=10)
            asked.request("GET", "/api/v1/health")
            ok = asked.getresponse().status == 200
            asked.close()
        except OSError:
            ok = False
        if ok:
            took.append(time.monotonic() - began)
        else:
            refused += 1


def status_of(request):
    with socket.create_connection(address, timeout=20) as sent:
        try:
            sent.sendall(request)
        except OSError:
            pass  # shed before all was sent; the answer may still be there
        try:
            return sent.recv(64).split(b" ")[1].decode()
        except (OSError, IndexError):
            return "closed"


def slow():
    """How long each slow connection lived."""
    open_since, lived, selector = {}, [], selectors.DefaultSelector()
    for _ in range(connections):
        try:
            one = socket.create_connection(address, timeout=5)
            one.sendall(b"GET / HTTP/1.1\r\n")
        except OSError:
            lived.append(0.0)
            continue
        one.setblocking(False)
        open_since[one] = time.monotonic()
        selector.register(one, selectors.EVENT_READ)
    until = time.monotonic() + seconds
    while open_since and time.monotonic() < until:
        closed = {key.fileobj for key, _ in selector.select(1.0)}
        for one in open_since.keys() - closed:
            try:
                one.send(b"X")
            except OSError:
                closed.add(one)
        for one in closed:
            lived.append(time.monotonic() - open_since.pop(one))
            selector.unregister(one)
            one.close()
    return lived, len(open_since)


thread = threading.Thread(target=ordinary)
thread.start()
lived, left = slow()
host = f"Host: {url.netloc}\r\n".encode()
long = {
    "header of 100 kB": b"GET / HTTP/1.1\r\n" + host + b"X: " + b"x" * 100_000 + b"\r\n\r\n",
    "body of 1 MB before sign-in": b"POST /api/v1/session HTTP/1.1\r\n" + host + b"Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1_000_000,
    "body said to be of 10 GB": b"POST /api/v1/session HTTP/1.1\r\n" + host + b"Content-Length: 10000000000\r\n\r\n",
    "endless chunks": b"POST /api/v1/session HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\n" + (b"1000\r\n" + b"x" * 4096 + b"\r\n") * 300,
}
for name, request in long.items():
    print(f"{name}: {status_of(request)}")
done.set()
thread.join()
took.sort()
print(f"slow: {len(lived)} of {connections} shed, after {max(lived, default=0):.1f} s at most; {left} left")
print(f"ordinary meanwhile: {len(took)} answered, {refused} not; median {1000 * took[len(took) // 2]:.1f} ms, 99 in 100 within {1000 * took[len(took) * 99 // 100]:.1f} ms")
sys.exit(1 if left or refused or not took else 0)
