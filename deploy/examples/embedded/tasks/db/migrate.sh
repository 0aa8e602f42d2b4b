#!/bin/sh
# Keeps the schema's version in a file and moves it up one step at a time.
set -eu
to=$1
current=$(cat schema-version 2>/dev/null || echo 40)
if [ "$current" -ge "$to" ]; then
  echo "schema is at version $current: nothing to do"
  exit 0
fi
while [ "$current" -lt "$to" ]; do
  current=$((current + 1))
  if [ "${2-}" = --dry-run ]; then
    echo "would apply migration $current"
  else
    echo "applying migration $current"
    echo "$current" >schema-version
  fi
done
