# shellcheck shell=bash
# What the bench scripts share: real recordings under a recorder's names, one night of recvault and
# one of the peer on them, and the time that each takes. Sourced, not run.
#
#   RECVAULT        the program                          (default: recvault in the target directory)
#   RECVAULT_MEDIA  a folder of real camera files
#   PEER            the peer script: PEER INBOX OUT CODEC (default: ffmpeg_nightly.sh beside this)
#   WORK            a folder with room for everything    (default: a new one, removed at the end)
#   AV1, H264, H265 settings of ours, as lines of [archive.params]
#   CONFIG          further sections of recvault.toml

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/recvault/target}
RECVAULT=${RECVAULT:-$target/release/recvault}
PEER=${PEER:-$here/ffmpeg_nightly.sh}
# The peer's own defaults, in our names.
AV1=${AV1-$'preset = 12\ncrf = 38\nkeyint = 239'}
H265=${H265-$'preset = "veryfast"\ncrf = 26\nkeyint = 240'}
H264=${H264-$'preset = "veryfast"\ncrf = 24\nkeyint = 240'}

die() { echo "${0##*/}: $*" >&2; exit 2; }

[ -d "${RECVAULT_MEDIA:-}" ] || die "RECVAULT_MEDIA names no folder of real camera files"
[ -x "$RECVAULT" ] || die "no program at $RECVAULT: set RECVAULT, or ./x build"
[ -f "$PEER" ] || die "no peer script at $PEER: set PEER"
for tool in ffmpeg ffprobe jq sqlite3; do
  command -v "$tool" >/dev/null || die "$tool is missing"
done
if [ -z "${WORK:-}" ]; then
  WORK=$(mktemp -d) && trap 'chmod -R u+w "$WORK" && rm -rf "$WORK"' EXIT
fi
mkdir -p "$WORK"

# Takes away what an earlier run left, read-only objects too.
fresh() {
  for path in "$@"; do
    [ ! -d "$path" ] || chmod -R u+w "$path"
    rm -rf "$path"
  done
}

# The name of the Nth recording of the day: recording N EXT
recording() { printf 'BWC-%04d_1003_20260301_08%02d00_%04d.%s' "$1" $(($1 % 60)) "$1" "$2"; }

# A clip repeated without re-encoding until it lasts long enough: looped CLIP SECONDS OUT
looped() {
  local clip=$1 seconds
  # An elementary stream has neither length nor instants; in a container it has.
  case $clip in *.h26[45])
    ffmpeg -v error -nostdin -y -r 25 -i "$clip" -c copy "$WORK/clip.mp4" && clip=$WORK/clip.mp4 ;;
  esac
  seconds=$(ffprobe -v error -show_entries format=duration -of csv=p=0 "$clip")
  # The title keeps two recordings of one clip from being the same bytes.
  ffmpeg -v error -nostdin -y -stream_loop "$(awk "BEGIN { print int($2 / $seconds) }")" -i "$clip" \
    -map 0:v:0 -map '0:a:0?' -c copy -metadata title="${3##*/}" "$3"
}

# Runs a command and prints "wall cpu" in seconds; 1 is a night that needs attention.
timed() {
  local TIMEFORMAT='%R %U %S' status=0
  { time "$@" >"$WORK/output" 2>&1 || status=$?; } 2>"$WORK/time"
  [ "$status" -le 1 ] || { cat "$WORK/output" >&2; die "$1 ended with $status"; }
  awk '{ print $1, $2 + $3 }' "$WORK/time"
}

# A new store at STORE with the recordings of INBOX in it: ours_prepare CODEC INBOX STORE
ours_prepare() {
  local profile params when=night verify=keyframes
  case $1 in
    svtav1) profile=archive-av1 params=$AV1 ;;
    full) profile=archive-av1 params=$AV1 verify=full ;;
    x264) profile=archive-h264 params=$H264 ;;
    long-term) profile=archive-av1 params=$AV1 when=long-term ;;
    x265) profile=archive-h265 params=$H265 ;;
    shipped) profile=archive-av1 params= ;;
    *) die "unknown codec $1" ;;
  esac
  "$RECVAULT" init "$3" >/dev/null
  cp -r "$2/." "$3/inbox"
  cat >"$3/recvault.toml" <<EOF
[inbox]
settle_s = 0
release = "leave"
# The peer runs at the caller's niceness; on a busy machine anything else would compare priorities.
[jobs]
nice = 0
[archive]
profile = "$profile"
when = "$when"
verify = "$verify"
[archive.params]
$params
${CONFIG:-}
EOF
}

# One night on a prepared store, what it says in WORK/night: ours STORE
ours() { timed "$RECVAULT" --store "$1" batch && mv "$WORK/output" "$WORK/night"; }

# The peer on the same recordings: peer CODEC INBOX OUT
peer() { timed bash "$PEER" "$2" "$3" "$1"; }

# Least, middle and greatest of the numbers on standard input.
spread() {
  sort -n | awk '{ v[NR] = $1 } END {
    middle = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
    printf "%.3f %.3f %.3f", v[1], middle, v[NR] }'
}

# Says how the ratios on standard input lie to a goal, and ends with 1 above it: against_goal WHAT GOAL
against_goal() {
  local least middle most
  read -r least middle most < <(spread; echo)
  printf '%s: least %s, median %s, greatest %s; goal %s: ' "$1" "$least" "$middle" "$most" "$2"
  if awk "BEGIN { exit !($middle > $2) }"; then echo missed; return 1; fi
  echo met
}

# Prints a turn's "wall cpu wall cpu", theirs first, and keeps it in FILE: turn NUMBER THEM FILE
turn() {
  tee -a "$3" | awk -v run="$1" -v them="$2" '{
    printf "run %d: %s %6.2f s (CPU %6.2f), ours %6.2f s (CPU %6.2f), wall %.3f, CPU %.3f\n",
      run, them, $1, $2, $3, $4, $3 / $1, $4 / $2 }'
}
