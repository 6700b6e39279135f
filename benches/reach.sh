#!/usr/bin/env bash
# How far the code in a marked copy reaches: exports of four sizes, each done something to, and in how
# many of the frames looked at `recvault trace` reads it then. The table of docs/tracing.md.
#
#   benches/reach.sh
#
#   RECVAULT  the program                                     (default: recvault in the target directory)
#   SIZES     of the recordings                               (default: 640x480 854x480 1280x720 1920x1080)
#   LENGTH    seconds that each of them lasts                 (default: 6)
#
# Needs ffmpeg, jq and ssh-keygen. Ends with 1 when a row is read in fewer frames than the page says.
set -euo pipefail
target=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/recvault/target}
RECVAULT=${RECVAULT:-$target/release/recvault}
SIZES=${SIZES:-640x480 854x480 1280x720 1920x1080} LENGTH=${LENGTH:-6}
die() { echo "${0##*/}: $*" >&2; exit 2; }
[ -x "$RECVAULT" ] || die "no program at $RECVAULT: set RECVAULT, or ./x build"
for tool in ffmpeg ffprobe jq ssh-keygen; do command -v "$tool" >/dev/null || die "$tool is missing"; done
WORK=$(mktemp -d) && trap 'chmod -R u+w "$WORK" && rm -rf "$WORK"' EXIT

store=$WORK/store to=$WORK/to
mkdir "$to"
for person in a b; do ssh-keygen -q -t ed25519 -N "" -C "$person" -f "$WORK/$person"; done
"$RECVAULT" init "$store" --approver-key "$WORK/a.pub" "$WORK/b.pub" --approver-uid 50001 50002 >/dev/null
printf '[inbox]\nsettle_s = 0\n[archive]\nwhen = "long-term"\n' >"$store/recvault.toml"
do_it() { "$RECVAULT" --store "$store" "$@"; }
for size in $SIZES; do
  # Noise, as a camera at night has it, makes the encoder take the band's bits away.
  ffmpeg -v error -nostdin -f lavfi -i "testsrc2=size=$size:rate=25:duration=$LENGTH,noise=alls=8:allf=t" \
    -pix_fmt yuv420p -c:v libx264 -preset veryfast "$store/inbox/$size.mp4"
done
do_it batch >"$WORK/night" || [ $? -eq 1 ] || die "the night failed"

# The marked copy of a size, and its export's id: exported SIZE
exported() {
  local id request use
  id=$(do_it list --json | jq -r ".recordings[] | select(.name | contains(\"$1\")) | .id")
  request=$(do_it request --recording "$id" --form copy --purpose bench --recipient bench --json |
    jq -r '.with.accesses[0].digest')
  do_it approve "$request" --key "$WORK/a" >/dev/null 2>&1
  do_it export "$request" --to "$to" >/dev/null 2>&1
  use=$(do_it requests "$request" --json | jq -r '.with.accesses[0].uses[0].id')
  echo "$to/recvault-$use/data/$id.mp4 $use"
}

# name | least share of frames in percent | what ffmpeg does to it; RATE is the copy's bit rate
rows=(
  'encoded anew, half the bit rate, H.264|100|-c:v libx264 -preset veryfast -b:v HALF'
  'encoded anew, half the bit rate, MPEG-4|100|-c:v mpeg4 -b:v HALF'
  'scaled to 480 lines|100|-vf scale=-2:480'
  'scaled to 360 lines|100|-vf scale=-2:360'
  'scaled by 0.63|100|-vf scale=trunc(iw*0.315)*2:-2'
  'squeezed to 640x360|100|-vf scale=640:360'
  '15 frames a second|100|-r 15'
  '480 lines, 15 frames, a quarter of the bit rate|100|-vf scale=-2:480 -r 15 -c:v libx264 -b:v QUARTER'
  'cut at the left and below|100|-vf crop=iw-16:ih*3/4:16:0'
  'between bars|100|-vf pad=iw+160:ih+120:80:60'
  'in a mirror|100|-vf hflip'
  '300 lines, 8 frames, crf 34|100|-vf scale=-2:300 -r 8 -c:v libx264 -crf 34'
  'scaled to 240 lines|100|-vf scale=-2:240'
)

copies=() uses=()
read -ra sizes <<<"$SIZES"
printf '%-50s' 'code read in, of the frames looked at'
for size in $SIZES; do
  read -r copy use < <(exported "$size")
  copies+=("$copy") uses+=("$use")
  printf '%12s' "$size"
done
echo
missed=0
for row in "${rows[@]}"; do
  IFS='|' read -r name least how <<<"$row"
  printf '%-50s' "$name"
  for at in "${!copies[@]}"; do
    rate=$(ffprobe -v error -select_streams v:0 -show_entries stream=bit_rate -of csv=p=0 "${copies[at]}")
    args=${how//HALF/$((rate / 2))} args=${args//QUARTER/$((rate / 4))}
    # shellcheck disable=SC2086 # the settings are words
    ffmpeg -v error -nostdin -y -i "${copies[at]}" -map_metadata -1 $args "$WORK/leaked.mp4"
    told=$(do_it trace "$WORK/leaked.mp4" --json) || true
    read -r seen frames < <(jq -r --arg use "${uses[at]}" \
      '[([.picture.codes[] | select(.id == $use) | .frames] | add // 0), .picture.frames] | @tsv' <<<"$told")
    printf '%12s' "$seen/$frames"
    # Of 240 lines the page says so where they were 720 or less.
    [[ $name == *240* && ${sizes[at]#*x} -gt 720 ]] || [ $((seen * 100)) -ge $((frames * least)) ] || missed=1
  done
  echo
done
exit $missed
