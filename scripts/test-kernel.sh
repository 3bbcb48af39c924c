#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build a test kernel, once for each configuration and version of Debian's
# source; print where it is.
#
#   test-kernel.sh           the one that reports errors, with pages of 4 KiB
#   test-kernel.sh 4k        a small one, which guests boot
#   test-kernel.sh 64k       the same with pages of 64 KiB

. "$(dirname "$0")/common.sh"

SERIES=6.1
variant=${1-}
[[ $variant =~ ^((4|64)k)?$ ]] || die "usage: test-kernel.sh [4k|64k]"
given=$TOP/tests/qemu/test-kernel${variant:+-small}.config


write_config()
{
	cat "$given"
	[ -z "$variant" ] || cat <<EOF
CONFIG_LOCALVERSION="-gunyah-$variant"
CONFIG_ARM64_${variant^^}_PAGES=y
EOF
}

src=$("$TOP/scripts/fetch.sh" source $SERIES)
out=$CACHE/test-kernel/$(basename "$src" | sed 's/.*_//')_$(key <(write_config))
config=$out/given.config

build()
{
	local prefix

	prefix=$(cross_prefix)
	make -C "$src" O="$out" ARCH=arm64 CROSS_COMPILE="$prefix" \
		KCONFIG_ALLCONFIG="$config" allnoconfig
	check_config
	make -C "$src" O="$out" ARCH=arm64 CROSS_COMPILE="$prefix" \
		-j"$(nproc)" Image modules
	touch "$out/.complete"
}

# A setting that a newer source does not know, or whose dependencies are not
# met, must not get lost silently.
check_config()
{
	local line missing

	missing=$(grep '^CONFIG_' "$config" | while IFS= read -r line; do
		grep -qxF -- "$line" "$out/.config" || printf '%s ' "$line"
	done)
	[ -z "$missing" ] || die "the test kernel lacks: $missing"
}

locked "test-kernel${variant:+-$variant}"
if [ ! -e "$out/.complete" ]; then
	need_space "$CACHE" 4000
	mkdir -p "$out"
	write_config >"$config"
	build >&2
fi
echo "$out"
