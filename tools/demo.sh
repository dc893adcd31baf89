#!/bin/bash
# `make demo`: the server of examples/, the client of the manual page ws_attach_client(3), and between
# them a proxy that shows what goes over the wire. Fails unless all of it is as RFC 6455 says.
set -eu
cd "$(dirname "$0")/.."
work=build/demo
mkdir -p $work
for library in libdill_ws libdill_rt; do
    [ -e build/$library.so ] || { echo "build/$library.so is not there: run make" >&2; exit 1; }
done

compile() {
    "${CC:-cc}" -std=c11 -O2 -Wall -Wextra -Werror -Iinclude "$1" -o "$2" \
        -Lbuild -ldill_ws -ldill_rt "-Wl,-rpath,$PWD/build"
}

# Starts a program in the background; sets `pid`, and `port` to what it says it listens on.
start() {
    local log=$1 tries
    shift
    : > "$log"  # sed may look before the program has started
    "$@" > "$log" &
    pid=$!
    pids+=($pid)
    for tries in $(seq 100); do
        port=$(sed -n '1s/^port //p' "$log")
        [ -z "$port" ] || return 0
        sleep 0.1
    done
    echo "$1 did not start" >&2
    exit 1
}
pids=()
trap 'for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done' EXIT

compile examples/echo_server.c $work/echo_server
compile examples/wiretap.c $work/wiretap
start $work/server.log $work/echo_server
server=$port
start $work/wire.log $work/wiretap "$server"
wiretap=$pid

# The program of the page; only the host and the port are others.
sed "s/\"www.example.org\", 80,/\"127.0.0.1\", $port,/; s/\"www.example.org\"/\"127.0.0.1:$port\"/" \
    man/examples/ws_attach_client.c > $work/client.c
compile $work/client.c $work/client

echo "The example of ws_attach_client(3) talks to examples/echo_server.c on port $server of 127.0.0.1:"
$work/client | tee $work/client.log
status=${PIPESTATUS[0]}
wait "$wiretap" || status=$?
echo
echo "What went over the wire:"
echo
sed 1d $work/wire.log
[ "$status" -eq 0 ] || { echo "demo: status $status" >&2; exit 1; }

# The lines that must be there, in this order, in each direction.
expect() {
    local file=$1 from=$2 pattern
    shift 2
    grep "$from" "$file" > $work/lines || true
    exec 3< $work/lines
    for pattern; do
        IFS= read -r line <&3 || { echo "demo: nothing from the $from, want $pattern" >&2; exit 1; }
        [[ $line == *$pattern* ]] || { echo "demo: $line, want $pattern" >&2; exit 1; }
    done
    exec 3<&-
}
expect $work/client.log text 'text: Hello, world!'
expect $work/wire.log 'client -> server' 'GET / HTTP/1.1' \
    'text, 13 bytes, masked, "Hello, world!"' 'close, 5 bytes, masked, code 1000, "bye"'
expect $work/wire.log 'server -> client' 'HTTP/1.1 101' \
    'text, 13 bytes, not masked, "Hello, world!"' 'close, 2 bytes, not masked, code 1000'
echo
echo "All as it should be."
