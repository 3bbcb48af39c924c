#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# "make check": what can be found without running anything. TAP.

. "$(dirname "$0")/common.sh"
. "$TOP/scripts/tap.sh"

SERIES="6.1 6.12"
# With pages of 16 KiB
SERIES_16K=6.12-16k

# Asked of patches to the kernel; there is no MAINTAINERS file here
IGNORE=FILE_PATH_CHANGES
# __SetPageOffline() is the kernel's name, LLVMFuzzerTestOneInput() libFuzzer's.
IGNORE_NAMES=$IGNORE,CAMELCASE
# What include/compat is for
IGNORE_COMPAT=$IGNORE_NAMES,LINUX_VERSION_CODE,CONSTANT_COMPARISON

cd "$TOP"

# sources PATTERN...: files that git knows, or would know
sources()
{
	git ls-files -co --exclude-standard -- "$@" | sort -u |
		while IFS= read -r file; do
			[ ! -f "$file" ] || printf '%s\n' "$file"
		done
}

# compile_modules VARIABLE=VALUE...: compiled anew
compile_modules()
{
	rm -rf "$BUILD/check"
	make -j"$(nproc)" BUILD="$BUILD/check" W=1 KCFLAGS=-Werror "$@" modules
}

# check_modules VARIABLE=VALUE...
check_modules()
{
	compile_modules C=2 \
		CHECK="sparse -D__CHECK_ENDIAN__ -Wsparse-error" "$@"
}

# clang_tree: a kernel tree to compile for with clang, once
clang_tree()
{
	local src prefix

	src=$(realpath "$CACHE/source-6.1")
	clang=$CACHE/clang/$(basename "$src")
	[ ! -e "$clang/.complete" ] || return 0
	prefix=$(cross_prefix)
	mkdir -p "$clang"
	make -C "$src" O="$clang" ARCH=arm64 CROSS_COMPILE="$prefix" CC=clang \
		-j"$(nproc)" defconfig modules_prepare || return
	touch "$clang/.complete"
}

check_clang()
{
	local clang

	clang_tree || return
	# What is exported is for the other builds to find out.
	compile_modules LLVM=1 KDIR="$clang" GUNYAH_TEST=1 KBUILD_MODPOST_WARN=1
}

check_style()
{
	local all compat names=(drivers/virt/gunyah/guest_mem_range.c tests/virtio/fuzz.c)

	mapfile -t all < <(sources '*.c' '*.h' '*.S' ':!include/compat' "${names[@]/#/:!}")
	mapfile -t compat < <(sources 'include/compat/*.h')
	# In a condition, so a failure does not end it by itself.
	checkpatch "$IGNORE" "${all[@]}" || return
	checkpatch "$IGNORE_NAMES" "${names[@]}" || return
	[ ${#compat[@]} = 0 ] || checkpatch "$IGNORE_COMPAT" "${compat[@]}"
}

checkpatch()
{
	local ignore=$1

	shift
	perl "$CACHE/source-6.1/scripts/checkpatch.pl" --strict --no-tree \
		--quiet --no-summary --show-types --ignore "$ignore" -f "$@"
}

check_shell()
{
	local scripts

	mapfile -t scripts < <(sources scripts tests .ci |
		while IFS= read -r file; do
			head -n 4 "$file" | grep -qE '^#!.*sh$|^# shellcheck shell' &&
				printf '%s\n' "$file"
		done)
	shellcheck "${scripts[@]}"
}

check_documentation()
{
	sphinx-build -q -W --keep-going Documentation "$BUILD/doc"
}

check_licence()
{
	local file bad=0

	while IFS= read -r file; do
		head -n 3 "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0' ||
			{ echo "$file: no SPDX line"; bad=1; }
	done < <(sources . ':!LICENSE' ':!*.md')
	return $bad
}

# run_check NAME COMMAND...
run_check()
{
	local name=$1 log=$BUILD/log/check.log start=$SECONDS

	shift
	if ("$@") >"$log" 2>&1; then
		result ok "$name"
	else
		grep -vE '^ *(CC|LD|MODPOST|BTF|CHECK|LDS|AS) |^Skipping BTF' \
			"$log" | tail -n 100 | sed 's/^/# /'
		result "not ok" "$name"
	fi
	say "    ($((SECONDS - start)) s)"
}

"$TOP/scripts/setup.sh" fetch build check
mkdir -p "$BUILD/log"
[ -e "$CACHE/source-6.1" ] ||
	step "Fetch the source of Linux 6.1" "$TOP/scripts/fetch.sh" source 6.1
for series in $SERIES $SERIES_16K; do
	[ -e "$CACHE/headers-$series" ] ||
		step "Fetch the headers of Linux $series" \
			"$TOP/scripts/fetch.sh" headers "$series"
done
step "Build the test kernel (the first time, 5 to 20 minutes)" \
	"$TOP/scripts/test-kernel.sh"
kdir=$("$TOP/scripts/test-kernel.sh")
[ -e "$CACHE/source-newest" ] ||
	step "Fetch the source of the newest Linux" \
		"$TOP/scripts/fetch.sh" source newest

echo "TAP version 13"
run_check "checkpatch" check_style
run_check "shellcheck" check_shell
run_check "licence of every file" check_licence
run_check "tables of the documentation" "$TOP/scripts/check-tables.sh"
run_check "documentation" check_documentation
run_check "devicetree bindings" "$TOP/scripts/check-bindings.sh"
for series in $SERIES; do
	run_check "sparse, W=1: modules for Linux $series" \
		check_modules KERNEL="$series"
done
# Its headers are too new for this release's sparse.
run_check "W=1: modules for the newest Linux" \
	compile_modules KDIR="$CACHE/source-newest" GUNYAH_TEST=1
run_check "W=1: modules for pages of 16 KiB" \
	compile_modules KERNEL=$SERIES_16K GUNYAH_TEST=1
run_check "clang, W=1: modules" check_clang
run_check "virtio of the VMM, with sanitizers" \
	make -C tests/virtio O="$BUILD/virtio" check
run_check "virtio of the VMM, fuzzed" make -C tests/virtio O="$BUILD/virtio" fuzz
run_check "sparse, W=1: KUnit suites" check_modules KDIR="$kdir" GUNYAH_KUNIT=1
run_check "sparse, W=1: test modules" check_modules KDIR="$kdir" GUNYAH_TEST=1
summary
[ "$failed" = 0 ] && [ "$passed" != 0 ]
