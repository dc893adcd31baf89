#!/bin/sh
# Tells our files that are called as libdill's from libdill's own.
#
#   libdill-files.sh check FILE...   fails if one of them is libdill's
#   libdill-files.sh remove FILE...  removes those that are ours
set -eu
action=$1
shift

# Each of ours has this word in it: the libraries begin their messages with it.
is_ours() {
    LC_ALL=C grep -q libdill_rt "$1"
}

for file; do
    # A link to nothing is nobody's.
    if [ -e "$file" ] && ! is_ours "$file"; then
        [ "$action" = remove ] || { echo "$file is another libdill's: nothing was installed" >&2; exit 1; }
    elif [ "$action" = remove ]; then
        rm -f "$file"
    fi
done
