#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# "make test": KUnit suites and selftests in QEMU, under a kernel that reports
# errors. Prints TAP and a line with the counts; its status says whether all is
# well. TESTS="kunit gunyah_api ..." restricts it to these. gunyah_loopback runs
# under Debian's own kernel, with so many MESSAGES.

. "$(dirname "$0")/../../scripts/common.sh"
. "$TOP/tests/qemu/vm.sh"
. "$TOP/scripts/tap.sh"

KERNEL=6.1
TIMEOUT=${TIMEOUT:-3600}
MESSAGES=${MESSAGES:-1000000}
BOOTARGS="earlycon console=ttyAMA0 printk.devkmsg=on panic=-1"
run=$BUILD/test

# wanted NAME: is it among the tests that were asked for?
wanted()
{
	[ -z "${TESTS:-}" ] || [[ " $TESTS " = *" $1 "* ]]
}

fetch()
{
	local what

	for what in busybox libfdt trace-cmd "source $KERNEL" "image $KERNEL"; do
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

# For the kernel that was fetched, with the control channel's
build_stock()
{
	step "Build the modules for Debian's $KERNEL" \
		make -C "$TOP" -j"$(nproc)" KERNEL="$KERNEL" GUNYAH_TEST=1 modules
	step "Build the test hypervisor" test_make hypervisor
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

# What linux_guest boots
guest_initrd()
{
	new_root "$run/guest" "$TOP/tests/qemu/guest-init"
	cp "$TOP/tests/qemu/guest-command" "$run/guest/etc/command"
	echo guest >"$run/guest/etc/mark"
	pack "$run/guest" "$run/guest.initrd"
}

# selftest_machine NAME OPTIONS TEST...: a primary that runs these of the tests
# that are wanted, with these options of the hypervisor
selftest_machine()
{
	local root=$run/$1 name=$1 options=$2 test

	shift 2
	new_root "$root" "$TOP/tests/qemu/selftest-init"
	cp "$TOP/tests/qemu/init-common" "$root/"
	add_modules "$root" "$release" "$BUILD/modules-$release"
	cp "$BUILD/vmm/gunyah-vmm" "$CACHE/trace-cmd/bin/trace-cmd" "$root/bin/"
	cp "$CACHE"/trace-cmd/lib/* "$root/lib/"
	mkdir "$root/tests" "$root/guest"
	cp "$TOP/tests/qemu/linux_guest" "$root/tests/"
	while read -r test; do
		cp "$BUILD/selftests/$test" "$root/tests/"
	done <"$BUILD/selftests/tests.list"
	for test in "$@"; do
		! wanted "$test" || echo "$test"
	done >"$root/tests/list"
	cp "$CACHE/image-$KERNEL/Image" "$root/guest/"
	cp "$run/guest.initrd" "$root/guest/initrd"
	pack "$root" "$run/$name.initrd"
	primary_dtb "$run/$name.dtb" 2 "$BOOTARGS" "$run/$name.initrd" "$options"
}

# A primary with Debian's own kernel, which is fast
stock_machine()
{
	local root=$run/stock image=$CACHE/image-$KERNEL release

	release=$(cat "$image/release")
	new_root "$root" "$TOP/tests/qemu/stock-init"
	cp "$TOP/tests/qemu/init-common" "$root/"
	add_debian_modules "$root" "$image" virtio_mmio virtio_console
	add_modules "$root" "$release" "$BUILD/modules-$release"
	mkdir "$root/tests"
	cp "$TOP/tests/qemu/gunyah_loopback" "$root/tests/"
	echo "$MESSAGES" >"$root/etc/messages"
	pack "$root" "$run/stock.initrd"
	primary_dtb "$run/stock.dtb" 2 "$BOOTARGS" "$run/stock.initrd" ""
}

# As in a production build, capabilities are random and guests boot only from
# lent memory; then as in a debug build, with one more CPU for the hypervisor.
selftest_machines()
{
	local tests

	mapfile -t tests <"$BUILD/selftests/tests.list"
	guest_initrd
	selftest_machine production caps=random "${tests[@]}" linux_guest
	selftest_machine debug "rm=debug rm=bootcontext" \
		gunyah_lifecycle gunyah_lend gunyah_boot gunyah_static
}

boot_kunit()
{
	boot_plain "$run/kunit.log" 2 "$image" "$run/kunit.initrd" \
		"$BOOTARGS kunit.enable=1"
}

# boot_selftest NAME CPUS [IMAGE]: two of the CPUs are the primary's
boot_selftest()
{
	boot_hypervisor "$run/$1.log" "$2" "${3:-$image}" "$run/$1.initrd" \
		"$run/$1.dtb" "$BUILD/hypervisor/gunyah-test-hyp.elf"
}

# run_boot NAME COMMAND...: boots, judges
run_boot()
{
	local name=$1

	shift
	say "==> Boot $name (messages: $run/$name.log)"
	rm -f "$run/$name.log"
	merge_tap "$name" < <("$@" </dev/null)
	check_log "$name" "$run/$name.log"
	say "==> $name is done after $((SECONDS - start)) s"
}

kunit=0
selftests=0
stock=0
! wanted kunit || kunit=1
! wanted gunyah_loopback || stock=1
for test in ${TESTS:-all}; do
	[ "$test" = kunit ] || [ "$test" = gunyah_loopback ] || selftests=1
done

"$TOP/scripts/setup.sh" fetch build run
mkdir -p "$run"
fetch
build
[ $kunit = 0 ] || step "Put the machine for KUnit together" kunit_initrd
[ $selftests = 0 ] ||
	step "Put the machines for the selftests together" selftest_machines
if [ $stock = 1 ]; then
	build_stock
	step "Put the machine with Debian's kernel together" stock_machine
fi

for test in ${TESTS:-}; do
	[ "$test" = kunit ] || [ "$test" = linux_guest ] ||
		[ "$test" = gunyah_loopback ] ||
		grep -qx "$test" "$BUILD/selftests/tests.list" ||
		die "there is no test $test"
done
LIMIT=$TIMEOUT
start=$SECONDS
echo "TAP version 13"
[ $kunit = 0 ] || run_boot kunit boot_kunit
declare -A cpus=([production]=3 [debug]=4)
for name in production debug; do
	if [ $selftests = 1 ] && [ -s "$run/$name/tests/list" ]; then
		run_boot "$name" boot_selftest "$name" "${cpus[$name]}"
	fi
done
[ $stock = 0 ] ||
	run_boot stock boot_selftest stock 3 "$CACHE/image-$KERNEL/Image"
say "==> Tests took $((SECONDS - start)) s"
summary
[ "$failed" = 0 ] && [ "$passed" != 0 ]
