#!/bin/sh
# Checks the configuration, then notes the release beside itself: a small deployment, but a real one.
set -eu
check=no
if [ "$1" = --check ]; then
  check=yes
  shift
fi
if ! [ -r app.conf ]; then
  echo "app.conf is missing: this node was never configured" >&2
  exit 1
fi
if [ "$check" = yes ]; then
  echo "release $1 can be deployed"
else
  echo "$1" >current-release
  echo "release $1 is in service"
fi
