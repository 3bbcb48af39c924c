#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# "make test": KUnit suites and selftests in QEMU, under a kernel that reports
# errors. Prints TAP and a line with the counts; its status says whether all is
# well. TESTS="kunit gunyah_api ..." restricts it to these.

. "$(dirname "$0")/../../scripts/common.sh"
. "$TOP/tests/qemu/vm.sh"
. "$TOP/scripts/tap.sh"

KERNEL=6.1
TIMEOUT=${TIMEOUT:-3600}
BOOTARGS="console=ttyAMA0 printk.devkmsg=on panic=-1"
run=$BUILD/test

# wanted NAME: is it among the tests that were asked for?
wanted()
{
	[ -z "${TESTS:-}" ] || [[ " $TESTS " = *" $1 "* ]]
}

fetch()
{
	local what

	for what in busybox libfdt "source $KERNEL" "image $KERNEL"; do
		# shellcheck disable=SC2086 # two words
		[ -e "$CACHE/${what/ /-}" ] ||
			step "Fetch ${what/ / of Linux }" \
				"$TOP/scripts/fetch.sh" $what
	done
}

# test_make TARGET...: for the test kernel
test_make()
{
	make -C "$TOP" -j"$(nproc)" KDIR="$kdir" "$@"
}

build()
{
	step "Build the test kernel (the first time, 5 to 20 minutes)" \
		"$TOP/scripts/test-kernel.sh"
	kdir=$("$TOP/scripts/test-kernel.sh")
	image=$kdir/arch/arm64/boot/Image
	release=$(cat "$kdir/include/config/kernel.release")
	if [ $kunit = 1 ]; then
		step "Build the KUnit suites" test_make modules GUNYAH_KUNIT=1
	fi
	if [ $selftests = 1 ]; then
		step "Build the modules" test_make modules GUNYAH_TEST=1
		step "Build the test hypervisor" test_make hypervisor
		step "Build the VMM" test_make vmm
		step "Build the selftests" test_make selftests
	fi
}

kunit_initrd()
{
	local root=$run/kunit dir=$BUILD/kunit-$release

	new_root "$root" "$TOP/tests/qemu/kunit-init"
	cp "$TOP/tests/qemu/init-common" "$root/"
	add_modules "$root" "$release" "$dir"
	mkdir "$root/tests"
	(cd "$dir/tests/kunit" && ls ./*_test.ko) |
		sed 's,.*/,,; s/\.ko$//; s/-/_/g' >"$root/tests/list"
	[ -s "$root/tests/list" ] || die "there are no KUnit suites"
	pack "$root" "$run/kunit.initrd"
}

# The Debian guest of linux_guest
guest_initrd()
{
	new_root "$run/guest" "$TOP/tests/qemu/guest-init"
	cp "$TOP/tests/qemu/guest-command" "$run/guest/etc/command"
	echo guest >"$run/guest/etc/mark"
	pack "$run/guest" "$run/guest.initrd"
}

selftest_initrd()
{
	local root=$run/selftest name

	new_root "$root" "$TOP/tests/qemu/selftest-init"
	cp "$TOP/tests/qemu/init-common" "$root/"
	add_modules "$root" "$release" "$BUILD/modules-$release"
	cp "$BUILD/vmm/gunyah-vmm" "$root/bin/"
	mkdir "$root/tests" "$root/guest"
	while read -r name; do
		cp "$BUILD/selftests/$name" "$root/tests/"
	done <"$BUILD/selftests/tests.list"
	cp "$TOP/tests/qemu/linux_guest" "$root/tests/"
	for name in $(cat "$BUILD/selftests/tests.list") linux_guest; do
		! wanted "$name" || echo "$name"
	done >"$root/tests/list"
	cp "$CACHE/image-$KERNEL/Image" "$root/guest/"
	cp "$run/guest.initrd" "$root/guest/initrd"
	pack "$root" "$run/selftest.initrd"
}

assemble_selftests()
{
	guest_initrd
	selftest_initrd
	primary_dtb "$run/selftest.dtb" 2 "$BOOTARGS" "$run/selftest.initrd" \
		caps=random
}

boot_kunit()
{
	boot_plain "$run/kunit.log" 2 "$image" "$run/kunit.initrd" \
		"$BOOTARGS kunit.enable=1"
}

boot_selftest()
{
	boot_hypervisor "$run/selftest.log" 3 "$image" "$run/selftest.initrd" \
		"$run/selftest.dtb" "$BUILD/hypervisor/gunyah-test-hyp.elf"
}

# run_boot NAME: boots, judges
run_boot()
{
	say "==> Boot $1 (messages: $run/$1.log)"
	rm -f "$run/$1.log"
	merge_tap "$1" < <("boot_$1" </dev/null)
	check_log "$1" "$run/$1.log"
}

kunit=0
selftests=0
! wanted kunit || kunit=1
[ "${TESTS:-}" = kunit ] || selftests=1

"$TOP/scripts/setup.sh" fetch build run
mkdir -p "$run"
fetch
build
[ $kunit = 0 ] || step "Put the machine for KUnit together" kunit_initrd
[ $selftests = 0 ] ||
	step "Put the machines for the selftests together" assemble_selftests

LIMIT=$TIMEOUT
start=$SECONDS
echo "TAP version 13"
[ $kunit = 0 ] || run_boot kunit
[ $selftests = 0 ] || run_boot selftest
say "==> Tests took $((SECONDS - start)) s"
summary
[ "$failed" = 0 ]
