#!/usr/bin/env bash
# The night of recvault against the peer script, in one run, on the same real recordings with the
# same encoder settings: by turns, so that a busy machine is busy for both.
#
#   benches/peer.sh [svtav1|full|x264|shipped|long-term|x265]...   (default: all but the last)
#
#   svtav1     its svtav1 against ours with its settings       (goal: wall 0.80)
#   full       the same, every frame of ours decoded again     (goal: wall 0.90)
#   x264       its x264 against ours with its settings         (goal: wall 0.80)
#   shipped    its x265 against our night as it is shipped     (goal: wall 0.42)
#   long-term  its svtav1 against ours with when = "long-term" (goal: wall 0.25)
#   x265       its x265 against ours with its settings         (no goal; both wait for the one encoder)
#
#   RUNS     turns for each comparison                  (default 5)
#   SECONDS_MIN, COPIES  length and number of the recordings made of each clip (default 60 and 1)
#   CLIPS    clips below RECVAULT_MEDIA, one to a line, each with the container it is put into
#            (default: 1080p, 480p, H.265 and MPEG-4 part 2 in MP4, AVI and TS)
#   and what benches/night.sh names
#
# Ends with 1 when a median wall ratio is above its goal, where it has one.
set -euo pipefail
SECONDS_MIN=${SECONDS_MIN:-60} COPIES=${COPIES:-1} RUNS=${RUNS:-5}
CLIPS=${CLIPS:-$'mapillary+mapillary_tools/sample-5s.mp4 mp4
gopro+gpmf-parser/karma.mp4 ts
awslabs+amazon-kinesis-video-streams-producer-c/kvs_640x360_25fps.h265 mp4
androidx+media/sample.avi avi'}
# shellcheck source=night.sh
. "$(dirname "$0")/night.sh"

declare -A goal=([svtav1]=0.80 [full]=0.90 [x264]=0.80 [shipped]=0.42 [long-term]=0.25 [x265]=none)
declare -A theirs_is=([svtav1]=svtav1 [full]=svtav1 [x264]=x264 [shipped]=x265 [long-term]=svtav1 [x265]=x265)
[ $# -gt 0 ] || set -- svtav1 full x264 shipped long-term
for codec in "$@"; do
  [ -n "${goal[$codec]:-}" ] || die "unknown comparison $codec"
done

inbox=$WORK/inbox number=0
fresh "$inbox" && mkdir "$inbox"
while read -r clip container; do
  for _ in $(seq "$COPIES"); do
    number=$((number + 1))
    looped "$RECVAULT_MEDIA/$clip" "$SECONDS_MIN" "$inbox/$(recording "$number" "${container:-mp4}")"
  done
done <<<"$CLIPS"
sync
echo "recordings: $number, $(du -sh "$inbox" | cut -f1), $(for file in "$inbox"/*; do
  ffprobe -v error -show_entries format=duration -of csv=p=0 "$file"
done | awk '{ s += $1 } END { printf "%.0f s", s }')"

missed=0
for codec in "$@"; do
  : >"$WORK/$codec"
  for run in $(seq "$RUNS"); do
    fresh "$WORK/out" "$WORK/store"
    ours_prepare "$codec" "$inbox" "$WORK/store"
    # The first place is the colder one; it changes hands.
    if ((run % 2)); then
      theirs=$(peer "${theirs_is[$codec]}" "$inbox" "$WORK/out")
      us=$(ours "$WORK/store")
    else
      us=$(ours "$WORK/store")
      theirs=$(peer "${theirs_is[$codec]}" "$inbox" "$WORK/out")
    fi
    made=$(find "$WORK/store/renditions" -type f -name '*.mkv' | wc -l)
    [ "$codec" = long-term ] || [ "$made" -ge "$number" ] || die "$made renditions of $number recordings: $(cat "$WORK/night")"
    echo "$theirs $us" >>"$WORK/$codec"
    echo "$theirs $us" | awk -v codec="$codec" -v run="$run" '{
      printf "%-9s run %d: peer %7.2f s (CPU %7.2f), ours %7.2f s (CPU %7.2f), wall %.3f, CPU %.3f\n",
        codec, run, $1, $2, $3, $4, $3 / $1, $4 / $2 }'
  done
  read -r least wall most < <(awk '{ print $3 / $1 }' "$WORK/$codec" | spread; echo)
  read -r cpu_least cpu cpu_most < <(awk '{ print $4 / $2 }' "$WORK/$codec" | spread; echo)
  verdict=met
  if [ "${goal[$codec]}" = none ]; then
    verdict=
  elif awk "BEGIN { exit !($wall > ${goal[$codec]}) }"; then
    verdict=missed missed=1
  fi
  echo "$codec: wall ratio $least / $wall / $most, CPU ratio $cpu_least / $cpu / $cpu_most" \
    "(least / median / greatest of $RUNS); goal ${goal[$codec]} $verdict"
done
exit "$missed"
