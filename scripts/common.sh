# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What all scripts share: where things are, error ends, timed steps. Sourced.

set -euo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${GUNYAH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gunyah}
BUILD=${BUILD:-$TOP/build}
# Administrators' tools are not in everybody's path
PATH=$PATH:/usr/sbin:/sbin

# The scripts start make by themselves; what the user gave to the outer one
# comes by the environment.
unset MAKEFLAGS MAKEOVERRIDES MFLAGS MAKELEVEL

die()
{
	printf 'gunyah: %s\n' "$*" >&2
	exit 1
}

say()
{
	printf '%s\n' "$*" >&2
}

host_arch()
{
	dpkg --print-architecture 2>/dev/null ||
		die "this needs a Debian system (no dpkg here)"
}

# cross_prefix: compiler prefix for arm64 on this host, empty on arm64
cross_prefix()
{
	case $(uname -m) in
	aarch64) ;;
	*) echo "${CROSS_COMPILE-aarch64-linux-gnu-}" ;;
	esac
}

# need_space DIR MEGABYTES
need_space()
{
	local free

	mkdir -p "$1" 2>/dev/null || die "cannot create $1"
	free=$(df -Pm "$1" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge "$2" ] ||
		die "needs $2 MB of free disk space in $1, there are $free MB"
}

# locked NAME: one at a time among the processes that share the cache; held
# until this shell ends
locked()
{
	mkdir -p "$CACHE" 2>/dev/null || die "cannot create the cache $CACHE"
	exec 9>"$CACHE/.lock-$1"
	flock -n 9 || {
		say "waiting for another process that uses $CACHE/.lock-$1"
		flock 9
	}
}

# key FILE...: short hash of the contents
key()
{
	cat -- "$@" | sha256sum | cut -c1-12
}

# step TEXT COMMAND...: run it with its output in a log, tell what is done and
# how long it took; on a terminal show that it is alive.
step()
{
	local text=$1 log start=$SECONDS pid rc=0

	shift
	mkdir -p "$BUILD/log"
	log=$BUILD/log/$(printf %s "$text" | tr -cs 'a-zA-Z0-9.' - |
			 sed 's/-*$//').log
	printf '==> %s' "$text" >&2
	# In a process group of its own, which Ctrl-C then ends as a whole
	set -m
	"$@" >"$log" 2>&1 9>&- </dev/null &
	pid=$!
	set +m
	trap 'kill -- "-$pid" 2>/dev/null; exit 130' INT TERM
	progress "$pid" "$log" "$start"
	wait "$pid" || rc=$?
	trap - INT TERM
	if [ "$rc" != 0 ]; then
		printf ' failed after %d s\n' $((SECONDS - start)) >&2
		# What a script of ours says is the reason; else the output's end
		grep '^gunyah: ' "$log" >&2 || {
			tail -n 15 "$log" >&2
			say "gunyah: \"$text\" failed, see $log"
		}
		exit 1
	fi
	printf ' (%d s)\n' $((SECONDS - start)) >&2
}

# progress PID LOG START: until PID ends; a figure every 2 s on a terminal, a
# dot every 15 s elsewhere
progress()
{
	local tty=0 n=0 text=''

	[ -t 2 ] && tty=1
	while kill -0 "$1" 2>/dev/null; do
		sleep 0.2
		n=$((n + 1))
		if [ $tty = 1 ] && [ $((n % 10)) = 0 ]; then
			printf '\b%.0s' $(seq 1 ${#text}) >&2
			text=$(printf ' ... %d s, %d lines' \
				$((SECONDS - $3)) "$(wc -l <"$2")")
			printf '%s' "$text" >&2
		elif [ $tty = 0 ] && [ $((n % 75)) = 0 ]; then
			printf '.' >&2
		fi
	done
}
