#!/usr/bin/env bash
# How our renditions look and how large they are, against the peer's, per real clip.
#
#   benches/quality.sh [svtav1|x265] [CLIP]...     (default: svtav1, and the clips below)
#
# SSIM of the picture area against the source, frame by frame counted by index, because timestamps
# of two containers pair the wrong frames. Our band, above the picture, is cropped off; where the
# peer burns in its text all three pictures are black. The truth is the source in its own range of
# luma. Ours runs the shipped profile's own settings; benches/peer.sh compares speed at the peer's.
# Environment: what benches/night.sh names. Ends with 1 when a clip looks worse than the peer's (by
# more than 0.0001 of SSIM: the peer's own text moves that much) or is larger than 1.03 of it.
set -euo pipefail
AV1=${AV1-} H265=${H265-}
# shellcheck source=night.sh
. "$(dirname "$0")/night.sh"

bytes_max=1.03 ssim_slack=0.0001
codec=${1:-svtav1}
shift $(($# > 0))
[ $# -gt 0 ] || set -- \
  mapillary+mapillary_tools/sample-5s.mp4 gopro+gpmf-parser/karma.mp4 \
  intel-iot-devkit+sample-videos/car-detection.mp4 mdn+shared-assets/flower.mp4 \
  udacity+CarND-LaneLines-P1/solidWhiteRight.mp4 \
  aws+amazon-kinesis-video-streams-parser-library/clusters.mkv

inbox=$WORK/inbox out=$WORK/out store=$WORK/store
fresh "$inbox" "$out" "$store" && mkdir "$inbox"
number=0
for clip in "$@"; do
  number=$((number + 1))
  cp "$RECVAULT_MEDIA/$clip" "$inbox/$(recording "$number" "${clip##*.}")"
done
ours_prepare "$codec" "$inbox" "$store"
ours "$store" >/dev/null
peer "$codec" "$inbox" "$out" >/dev/null
"$RECVAULT" --store "$store" list --limit 10000 --json >"$WORK/list.json"

# One property of a file's picture: property KEY FILE
property() { ffprobe -v error -select_streams v:0 -show_entries "stream=$1" -of csv=p=0 "$2" | head -n 1 | tr -d ,; }

# The rendition of the recording of that name.
rendition() {
  local digest
  digest=$(jq -r --arg name "$1" '(.recordings? // .)[]
    | select((.name | split("/") | last) == $name) | .renditions[0] | .digest? // .' "$WORK/list.json")
  find "$store/renditions" -name "${digest##*:}.*"
}

# SSIM of a rendition whose picture begins at row TOP: ssim RENDITION TOP SOURCE WIDTH HEIGHT RANGE
ssim() {
  local same="scale=out_range=$6,drawbox=0:0:20+0.8*ih:24+ih/18:black:fill" index="settb=1/30,setpts=N"
  ffmpeg -nostdin -i "$1" -i "$3" -lavfi "[0:v]$index,crop=$4:$5:0:$2,${same}[a];[1:v]$index,crop=$4:$5:0:0,${same}[b];[a][b]ssim" -f null - 2>&1 |
    sed -n 's/.*SSIM .*All:\([0-9.]*\).*/\1/p'
}

line='%-44.44s %6s %6s %9s %9s %6s %8s %8s %8s %s\n'
# shellcheck disable=SC2059 # the format is one line above
printf "$line" clip frames peer bytes peer ratio SSIM peer gain ''
failed=0 number=0
for clip in "$@"; do
  number=$((number + 1)) verdict=
  name=$(recording "$number" "${clip##*.}")
  original=$inbox/$name theirs=$out/archive/${name%.*}.mkv us=$(rendition "$name")
  [ -s "$theirs" ] || { echo "$clip: the peer has no result"; continue; }
  [ -s "$us" ] || { echo "$clip: we have no rendition"; cat "$WORK/night" >&2; failed=1; continue; }
  range=tv
  case $(property pix_fmt "$original")$(property color_range "$original") in *yuvj* | *pc*) range=pc ;; esac
  width=$(property width "$theirs") height=$(property height "$theirs")
  frames=$(ffprobe -v error -select_streams v:0 -count_packets -show_entries stream=nb_read_packets -of csv=p=0 "$us" | tr -d ,)
  their_frames=$(ffprobe -v error -select_streams v:0 -count_packets -show_entries stream=nb_read_packets -of csv=p=0 "$theirs" | tr -d ,)
  a=$(ssim "$us" $(($(property height "$us") - height)) "$original" "$width" "$height" "$range")
  b=$(ssim "$theirs" 0 "$original" "$width" "$height" "$range")
  bytes=$(stat -c %s "$us") their_bytes=$(stat -c %s "$theirs")
  awk "BEGIN { exit !($a < $b - $ssim_slack) }" && verdict="$verdict worse"
  awk "BEGIN { exit !($bytes > $bytes_max * $their_bytes) }" && verdict="$verdict larger"
  # Frames that were dropped or doubled pair with the wrong ones, and then the number says nothing.
  [ "$frames" = "$their_frames" ] || verdict="$verdict (frames differ)"
  case $verdict in *worse* | *larger*) failed=1 ;; esac
  # shellcheck disable=SC2059
  printf "$line" "$clip" "$frames" "$their_frames" "$bytes" "$their_bytes" \
    "$(awk "BEGIN { printf \"%.3f\", $bytes / $their_bytes }")" "$a" "$b" \
    "$(awk "BEGIN { printf \"%+.6f\", $a - $b }")" "${verdict:- as good}"
done
exit "$failed"
