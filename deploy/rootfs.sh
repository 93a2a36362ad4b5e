#!/bin/sh
# Lays out the whole root of the image: the executable, the libraries that it is linked to, and an empty data folder.
# usage: rootfs.sh EXECUTABLE FOLDER
set -eu
executable=$1
root=$2
mkdir -p "$root/data" "$root/tmp" "$root/usr/local/bin"
cp "$executable" "$root/usr/local/bin/flow2api"
ldd "$executable" | grep -o '/[^ ]*' | while read -r library; do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
done
chmod 1777 "$root/tmp"
