# Sourced by the harnesses beside it: a server of the release build on a folder of its own.
# Sets URL, KEY and SERVER (its process); removes everything at the end.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
daybook=${DAYBOOK_EXECUTABLE:-$root/.build/release/daybook}
# The server takes each DAYBOOK_… variable for a setting.
for name in $(compgen -e DAYBOOK_ || true); do unset "$name"; done
[ -x "$daybook" ] || { echo "There is no $daybook; run \`make build\` first." >&2; exit 1; }

work=${WORK:-$(mktemp -d /var/tmp/daybook-harness.XXXXXX)}
SERVER=

# start_server DATA [COMMAND...]: COMMAND is put before the server's own, such as strace with its options.
start_server() {
    local data=$1; shift
    mkdir -p "$data"; rm -f "$data/address"
    "$@" "$daybook" serve --data "$data" --listen 127.0.0.1:0 --pipelines "$root/Pipelines" >> "$work/server.log" 2>&1 &
    SERVER=$!
    for _ in $(seq 300); do
        [ -s "$data/address" ] && break
        kill -0 $SERVER 2> /dev/null || { cat "$work/server.log" >&2; fail "the server did not start"; }
        sleep 0.1
    done
    URL=$(head -1 "$data/address"); KEY=$(head -1 "$data/admin.key")
}

# post FILE [CURL OPTIONS...]: prints the status; the answer lies in $work/answer, its head in $work/head.
post() {
    local file=$1; shift
    curl -sS -o "$work/answer" -D "$work/head" -w '%{http_code}' -X POST "$URL/v1/events" -H "Authorization: Bearer $KEY" \
        -H 'Content-Type: application/x-ndjson' --data-binary @"$file" "$@"
}

get() { curl -sS -o "$work/answer" -w '%{http_code}' -H "Authorization: Bearer $KEY" "$URL$1"; }

events() { # events FIRST LAST: as many lines, each with its number as original_id
    seq "$1" "$2" | sed 's/.*/{"kind":"access","tenant":"acme","action":"login","actor":{"id":"u&"},"original_id":"o&","summary":"event &"}/'
}

expect() { [ "$2" = "$3" ] && echo "ok: $1 ($3)" || fail "$1: expected $2, got $3; $(head -c 400 "$work/answer")"; }

fail() { echo "FAILED: $1" >&2; exit 1; }

finish() {
    if [ -n "$SERVER" ]; then pkill -P $SERVER 2> /dev/null || true; kill $SERVER 2> /dev/null || true; wait $SERVER 2> /dev/null || true; fi
    ! mountpoint -q "$work/disk" || umount -l "$work/disk"
    rm -rf "$work"
}
trap finish EXIT
