#!/usr/bin/env bash
# CPU time of a night against nothing but decoding and encoding: what hashing, copying, checks, band,
# verification and processes of their own cost on top.
#
#   benches/bare.sh
#
# The bare work is ffmpeg with the same encoder library, settings, threads and sound, on pictures padded to
# the size that ours have with their band; several at once, as the night. By turns.
#
#   RUNS                 turns                                (default 3)
#   SECONDS_MIN, CLIPS   as in benches/peer.sh
#   and what benches/night.sh names
#
# Ends with 1 when the median ratio of CPU time is above its goal, 1.12.
set -euo pipefail
SECONDS_MIN=${SECONDS_MIN:-60} RUNS=${RUNS:-3} GOAL=1.12
CLIPS=${CLIPS:-$'mapillary+mapillary_tools/sample-5s.mp4 mp4
gopro+gpmf-parser/karma.mp4 ts
awslabs+amazon-kinesis-video-streams-producer-c/kvs_640x360_25fps.h265 mp4
androidx+media/sample.avi avi'}
# shellcheck source=night.sh
. "$(dirname "$0")/night.sh"

inbox=$WORK/inbox number=0
fresh "$inbox" && mkdir "$inbox" && rm -f "$WORK/sizes"
while read -r clip container; do
  number=$((number + 1))
  looped "$RECVAULT_MEDIA/$clip" "$SECONDS_MIN" "$inbox/$(recording "$number" "$container")"
done <<<"$CLIPS"
sync

# One recording, padded to the size of its rendition: bare_one NAME WIDTH HEIGHT
bare_one() {
  ffmpeg -nostdin -v error -y -i "$inbox/$1" -map 0:v:0 -map '0:a:0?' \
    -vf "pad=$2:$3:0:oh-ih,format=yuv420p" -fps_mode passthrough \
    -c:v libsvtav1 -preset 12 -crf 38 -g 240 -svtav1-params "lp=1:hierarchical-levels=4:enable-mfmv=1" \
    -c:a libopus -b:a 48k "$WORK/bare/${1%.*}.mkv"
}
export -f bare_one
export inbox WORK
bare() { xargs -P "$(nproc)" -L 1 bash -c 'bare_one "$@"' _ <"$WORK/sizes"; }

: >"$WORK/bare.txt"
for run in $(seq "$RUNS"); do
  fresh "$WORK/store" "$WORK/bare" && mkdir "$WORK/bare"
  ours_prepare svtav1 "$inbox" "$WORK/store"
  our_turn() { us=$(ours "$WORK/store"); }
  their_turn() { theirs=$(timed bare); }
  # The first night says how large its pictures are.
  if [ ! -s "$WORK/sizes" ] || ((run % 2)); then
    our_turn
    "$RECVAULT" --store "$WORK/store" list --limit 1000 --json | jq -r '.recordings[]
      | [.name, .renditions[0].width, .renditions[0].height] | join(" ")' >"$WORK/sizes"
    their_turn
  else
    their_turn
    our_turn
  fi
  [ "$(find "$WORK/bare" -name '*.mkv' | wc -l)" -ge "$number" ] || die "the bare work failed: $(cat "$WORK/output")"
  echo "$theirs $us" | turn "$run" "bare" "$WORK/bare.txt"
done
awk '{ print $4 / $2 }' "$WORK/bare.txt" | against_goal "bare: CPU" "$GOAL"
