#!/usr/bin/env bash
# What an excerpt costs: thirty seconds out of an hour against thirty seconds out of a minute, by turns
# in one run; and how soon an export begins that is asked for while a night runs.
#
#   benches/export.sh
#
#   RUNS   exports of each               (default 3)
#   CLIP   clip below RECVAULT_MEDIA that the hour and the minute are made of
#   and what benches/night.sh names
#
# Ends with 1 when the hour costs twice the minute or more, when an export waits five seconds or
# longer for its beginning, or when the night does not complete.
set -euo pipefail
RUNS=${RUNS:-3} CLIP=${CLIP:-intel-iot-devkit+sample-videos/car-detection.mp4}
# Nothing of the peer's is needed here.
PEER=${BASH_SOURCE[0]}
# shellcheck source=night.sh
. "$(dirname "$0")/night.sh"

store=$WORK/store to=$WORK/to
mkdir "$WORK/inbox" "$to"
looped "$RECVAULT_MEDIA/$CLIP" 3600 "$WORK/inbox/$(recording 1 mp4)"
looped "$RECVAULT_MEDIA/$CLIP" 60 "$WORK/inbox/$(recording 2 mp4)"
for person in a b; do ssh-keygen -q -t ed25519 -N "" -C "$person" -f "$WORK/$person"; done
"$RECVAULT" init "$store" --approver-key "$WORK/a.pub" "$WORK/b.pub" --approver-uid 50001 50002 >/dev/null
cp "$WORK/inbox/"* "$store/inbox/"
# The first night only looks at them: no archival copy is wanted for this.
settings() { printf '[inbox]\nsettle_s = 0\nrelease = "leave"\n[archive]\nwhen = "%s"\n' "$1" >"$store/recvault.toml"; }
settings long-term
do_it() { "$RECVAULT" --store "$store" "$@"; }
do_it batch >"$WORK/night" || [ $? -eq 1 ] || die "the first night failed"

# The id of the recording whose name holds this: id_of PART
id_of() { do_it list --json | jq -r ".recordings[] | select(.name | contains(\"$1\")) | .id"; }
hour=$(id_of BWC-0001) minute=$(id_of BWC-0002)
[ -n "$hour" ] && [ -n "$minute" ] || die "the recordings are not there"

# An approved request: approved ID FROM TO
approved() {
  local request
  request=$(do_it request --recording "$1" --form copy --from "$2" --to "$3" \
    --purpose bench --recipient bench --json | jq -r '.with.accesses[0].digest')
  do_it approve "$request" --key "$WORK/a" >/dev/null 2>&1
  echo "$request"
}

# An export that fails is no attention that a night asks for.
whole() { do_it export "$1" --to "$to" || return 2; }

: >"$WORK/ratios"
for run in $(seq "$RUNS"); do
  one=$(approved "$hour" 30:00 30:30) other=$(approved "$minute" 0:15 0:45)
  # The first place is the colder one; it changes hands.
  if ((run % 2)); then
    long=$(timed whole "$one") short=$(timed whole "$other")
  else
    short=$(timed whole "$other") long=$(timed whole "$one")
  fi
  ratio=$(awk "BEGIN { printf \"%.3f\", ${long% *} / ${short% *} }")
  echo "run $run: out of an hour ${long% *} s, out of a minute ${short% *} s, ratio $ratio"
  echo "$ratio" >>"$WORK/ratios"
done
median=$(sort -n "$WORK/ratios" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }')
echo "thirty seconds out of an hour cost $median of thirty out of a minute (goal: below 2)"

# A night with work for a while, and an export in the middle of it.
for n in $(seq 3 10); do looped "$RECVAULT_MEDIA/$CLIP" 120 "$store/inbox/$(recording "$n" mp4)"; done
request=$(approved "$minute" 0:15 0:45)
settings night
do_it batch >"$WORK/night" 2>&1 &
night=$!
sleep 3
kill -0 "$night" || die "the night was over too soon"
asked=$(date +%s%3N)
do_it export "$request" --to "$to" >/dev/null
running=yes && kill -0 "$night" 2>/dev/null || running=no
status=0 && wait "$night" || status=$?
begun=$(do_it ledger show --limit 100000 --json | jq -s --arg r "$request" \
  '[.[] | select(.kind == "access.spent" and .body.request == $r)] | last | .at')
waited=$((begun - asked))
echo "an export asked for in the middle of a night began after $waited ms (goal: below 5000);" \
  "the night was still running at its end: $running, and ended with $status"
awk "BEGIN { exit !($median < 2) }" && [ "$waited" -lt 5000 ] && [ "$status" -le 1 ]
