#!/usr/bin/env bash
# A short tour of an embedded fleet: `npm start`, or `npm start -- --keep` to leave it up. All that is shown comes from the
# shell's own trace (the command lines) and from the commands (everything else). Whatever happens, the fleet is ended.
# bash, because only its trace can go to a stream of one's choice.
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# A tour must never reach a real fleet because of what the shell of its user is set up for.
for name in "${!FLEET_@}"; do
  case $name in FLEET_NATS_SERVER) ;; *) unset "$name" ;; esac
done

# Runs the built program, untraced; ends the tour if it doesn't end as it should.
fleet() {
  { set +x; } >/dev/null
  local wanted=0 code
  # One node fails in this one, on purpose.
  [ "$*" = 'run --all deploy' ] && wanted=3
  "$root/dist/bin/fleet.js" "$@"
  code=$?
  [ "$code" -eq "$wanted" ] || exit $((code == 0 ? 1 : code))
  { set -x; } >/dev/null
}

end() {
  local code=$?
  { set +x; } >/dev/null
  trap '' INT TERM HUP
  [ "$is_finished" = yes ] || "$root/dist/bin/fleet.js" dev down >/dev/null
  exit "$code"
}

# What an interrupted tour may have left.
"$root/dist/bin/fleet.js" dev down >/dev/null 2>&1

is_finished=no
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

BASH_XTRACEFD=1
PS4=$'\n$ '
{ set -x; } >/dev/null

fleet dev up
fleet ping
fleet facts patch_level
fleet facts ruby.patchlevel --where role=rails
fleet run --where role=db migrate
fleet ps svscan --expect 1..
fleet kill --all 'stray*' --dry-run
fleet kill --all 'stray*'
fleet run --all deploy
{ set +x; } >/dev/null

if [ "${1-}" = --keep ]; then
  { set -x; } >/dev/null
  fleet dev status
else
  { set -x; } >/dev/null
  fleet dev down
fi
{ set +x; is_finished=yes; } >/dev/null
