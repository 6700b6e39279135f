#!/usr/bin/env bash
# Intake alone against what an office does by hand: sha256sum of the source, a copy, sync, and sha256sum of
# the copy as the disk gives it back. By turns, from a disk whose pages were dropped before each.
#
#   benches/intake.sh
#
#   FILES, MEGABYTES  how many files, and how large each is  (default: 40 of 50)
#   RUNS              turns                                  (default 5)
#   and what benches/night.sh names
#
# The files are no media, so that nothing looks at them: what is measured is copy, SHA-256, chunk tree,
# sync, the second reading, and the commit. Ends with 1 when the median ratio is above its goal, 0.35.
set -euo pipefail
FILES=${FILES:-40} MEGABYTES=${MEGABYTES:-50} RUNS=${RUNS:-5} GOAL=0.35
# shellcheck source=night.sh
. "$(dirname "$0")/night.sh"

source=$WORK/source
fresh "$source" && mkdir -p "$source" "$WORK/empty"
for n in $(seq "$FILES"); do
  head -c $((MEGABYTES * 1024 * 1024)) /dev/urandom >"$source/$(recording "$n" log)"
done
sync

# Takes these out of the page cache, so that the disk is read.
drop() { for file in "$@"; do dd if="$file" iflag=nocache count=0 status=none; done; }

by_hand() {
  local copy=$WORK/copy/${1##*/}
  sha256sum "$1" | cut -d' ' -f1 >"$WORK/sum"
  cp "$1" "$copy"
  sync "$copy"
  drop "$copy"
  echo "$(cat "$WORK/sum")  $copy" | sha256sum --check --quiet
}
all_by_hand() { for file in "$source"/*; do by_hand "$file"; done; }

: >"$WORK/intake"
for run in $(seq "$RUNS"); do
  fresh "$WORK/copy" "$WORK/store" && mkdir "$WORK/copy"
  ours_prepare shipped "$WORK/empty" "$WORK/store"
  ln "$source"/* "$WORK/store/inbox/"
  theirs_turn() { drop "$source"/*; theirs=$(timed all_by_hand); }
  our_turn() { drop "$source"/*; us=$(ours "$WORK/store"); }
  # The first place is the colder one; it changes hands.
  if ((run % 2)); then theirs_turn; our_turn; else our_turn; theirs_turn; fi
  kept=$(find "$WORK/store/originals" -type f 2>/dev/null | wc -l)
  [ "$kept" -ge "$FILES" ] || die "$kept originals of $FILES: $(cat "$WORK/night")"
  echo "$theirs $us" | turn "$run" "by hand" "$WORK/intake"
done
awk '{ print $3 / $1 }' "$WORK/intake" | against_goal "intake: wall" "$GOAL"
