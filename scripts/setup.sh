#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# See that the host has what the named jobs need; install what is missing when
# root.
#
#   setup.sh fetch build run check

. "$(dirname "$0")/common.sh"

# a command, or a file that must exist, and the package it comes in
declare -A needs=(
	[fetch]="modinfo:kmod xz:xz-utils"
	[build]="gcc:gcc flex:flex bison:bison bc:bc perl:perl
		/usr/include/stdio.h:libc6-dev pahole:pahole"
	[run]="qemu-system-aarch64:qemu-system-arm dtc:device-tree-compiler
		cpio:cpio"
	[check]="git:git sparse:sparse shellcheck:shellcheck clang:clang
		sphinx-build:python3-sphinx dt-validate:dt-schema
		dtc:device-tree-compiler
		/var/lib/dpkg/info/libclang-rt-dev.list:libclang-rt-dev"
)
[ "$(host_arch)" = arm64 ] ||
	needs[build]+=" aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu
		/usr/aarch64-linux-gnu/include/stdio.h:libc6-dev-arm64-cross"

missing()
{
	local need what

	for need in "$@"; do
		what=${need%:*}
		if [[ $what = /* ]]; then
			[ -e "$what" ] || echo "${need##*:}"
		else
			command -v "$what" >/dev/null || echo "${need##*:}"
		fi
	done | sort -u
}

wanted=()
for job in "$@"; do
	read -r -d '' -a words <<<"${needs[$job]}" || true
	wanted+=("${words[@]}")
done

mapfile -t packages < <(missing "${wanted[@]}")
[ ${#packages[@]} -gt 0 ] || exit 0

[ "$(id -u)" = 0 ] ||
	die "packages are missing, as root run: apt-get install ${packages[*]}"

install()
{
	export DEBIAN_FRONTEND=noninteractive
	apt-get -q update || return
	apt-get -q -y install --no-install-recommends "${packages[@]}" ||
		die "cannot install ${packages[*]}: no network, or no source for them"
}

step "Install ${packages[*]}" install
mapfile -t packages < <(missing "${wanted[@]}")
[ ${#packages[@]} = 0 ] ||
	die "still missing after the installation: ${packages[*]}"
