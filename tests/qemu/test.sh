#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# "make test": KUnit suites and selftests in QEMU, under a kernel that reports
# errors. Prints TAP and a line with the counts; its status says whether all is
# well. TESTS="kunit gunyah_api ..." restricts it to these. Under Debian's own
# kernel run linux_virtio and linux_disk, in lent memory with a small one of our own as the
# guest, gunyah_loopback, with so many MESSAGES, gunyah_membench and gunyah_guestmembench,
# with up to BENCH_MIB of memory, and gunyah_fragment; under those of ACCESS_KERNELS runs
# gunyah_access, which makes them crash in the end, and one of them die; under those
# with pages of PAGE_SIZES gunyah_pagesize, and whatever else says something about them.
# On machines whose clock counts instructions run gunyah_storm, and gunyah_vcpubench,
# whose figures, of so many OPERATIONS, are left in the file vcpubench.
# GUNYAH_STRESS=N makes gunyah_stress N times as long, GUNYAH_SEED=N repeats its random
# numbers. GUNYAH_ROWS=WORD restricts gunyah_access.

. "$(dirname "$0")/../../scripts/common.sh"
. "$TOP/tests/qemu/vm.sh"
. "$TOP/scripts/tap.sh"

KERNEL=6.1
# Debian's with pages of 16 KiB; there is none with 64 KiB
KERNEL_16K=6.12-16k
TIMEOUT=${TIMEOUT:-3600}
MESSAGES=${MESSAGES:-1000000}
BENCH_MIB=${BENCH_MIB:-64}
OPERATIONS=${OPERATIONS:-1000}
ACCESS_KERNELS=${ACCESS_KERNELS-6.1 6.12}
PAGE_SIZES=${PAGE_SIZES-16k 64k}
BOOTARGS="earlycon console=ttyAMA0 printk.devkmsg=on panic=-1"
# What the kernel does not know is in the environment of init.
for variable in GUNYAH_STRESS GUNYAH_SEED GUNYAH_ROWS; do
	[ -z "${!variable:-}" ] || BOOTARGS+=" $variable=${!variable}"
done
run=$BUILD/test

# By machine: CPUs, of which two are the primary's if nothing is said, and the primary's MiB
declare -A cpus=([production]=3 [guests]=3 [debug]=4 [big]=3 [fragment]=3 [pool]=3 [stock]=3
		 [disk]=3 [lent]=3 [shared]=3 [hibernation]=3 [bench]=2 [storm]=2)
declare -A primary_cpus=([bench]=1 [storm]=1)
declare -A memory=([production]=1024 [guests]=1024 [debug]=1024 [big]=4608
		   [fragment]=2816 [pool]=1024 [disk]=1024 [lent]=1536 [shared]=1536 [hibernation]=1024
		   [bench]=1024 [storm]=1024
		   [stock]=$((1024 + 2 * BENCH_MIB)))
for series in $ACCESS_KERNELS; do
	cpus[access-$series]=3
	memory[access-$series]=1024
done
for size in $PAGE_SIZES; do
	cpus[pages-$size]=3
	memory[pages-$size]=1024
done
# The clock of these counts instructions, each of 2^N ns, and so does the PMU, only then: how
# long something takes has nothing to do with how fast QEMU is. Slow CPUs need less time of its
# for a second, and are the worse case.
declare -A icount_shift=([bench]=0 [storm]=2)
# Where it has what is beyond its first GiB: no zone ends there for 4 GiB.
declare -A more=([fragment]=0x100000000)
# The hypervisor's options for Debian's kernel; guests boot from shared memory with rm=debug
declare -A stock_options=([fragment]=caps=random [disk]=caps=random
			  [lent]=caps=random [shared]=rm=debug
			  [pages-16k]=rm=debug [pages-64k]=rm=debug)
# MiB of its first GiB that are a pool of guest memory
declare -A pool=([pool]=192)

# wanted NAME: is it among the tests that were asked for?
wanted()
{
	[ -z "${TESTS:-}" ] || [[ " $TESTS " = *" $1 "* ]]
}

fetch()
{
	local what series images=("image $KERNEL")

	for series in $ACCESS_KERNELS; do
		[ $access = 0 ] || images+=("image $series")
	done
	[[ $pages = 0 || " $PAGE_SIZES " != *" 16k "* ]] || images+=("image $KERNEL_16K")
	for what in busybox libfdt trace-cmd "source $KERNEL" "${images[@]}"; do
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
	fi
	if [ $selftests = 1 ] || [ $stock = 1 ]; then
		step "Build the VMM" test_make vmm
		step "Build the test hypervisor" test_make hypervisor
		step "Build the selftests" test_make selftests
		step "Build the small kernel that guests boot (the first time, some minutes)" \
			"$TOP/scripts/test-kernel.sh" 4k
		kdir_4k=$("$TOP/scripts/test-kernel.sh" 4k)
	fi
}

# build_pages SIZE: the modules for a kernel with pages of that size, and the kernel
build_pages()
{
	case $1 in
	16k)
		build_stock $KERNEL_16K
		;;
	64k)
		step "Build that with pages of 64 KiB (the first time, some minutes)" \
			"$TOP/scripts/test-kernel.sh" 64k
		kdir_64k=$("$TOP/scripts/test-kernel.sh" 64k)
		step "Build the modules for pages of 64 KiB" \
			make -C "$TOP" -j"$(nproc)" KDIR="$kdir_64k" GUNYAH_TEST=1 modules
		;;
	*)
		die "PAGE_SIZES can have 16k and 64k, not $1"
		;;
	esac
}

# build_stock SERIES: for Debian's kernel, with the control channel's
build_stock()
{
	step "Build the modules for Debian's $1" \
		make -C "$TOP" -j"$(nproc)" KERNEL="$1" GUNYAH_TEST=1 modules
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

# What the tests that run Linux boot, with modules for Debian's kernel
guest_initrd()
{
	local image=$CACHE/image-$KERNEL

	new_root "$run/guest" "$TOP/tests/qemu/guest-init"
	add_debian_modules "$run/guest" "$image" virtio_mmio virtio_blk virtio_net \
		virtio-rng virtio_console crc32c_generic ext4
	depmod -b "$run/guest" "$(cat "$image/release")"
	cp "$TOP/tests/qemu/guest-command" "$run/guest/etc/command"
	cp "$TOP/tests/qemu/guest-disk" "$run/guest/etc/disk"
	cp "$TOP/tests/qemu/guest-virtio" "$run/guest/etc/virtio"
	echo guest >"$run/guest/etc/mark"
	pack "$run/guest" "$run/guest.initrd"
}

# add_guests ROOT: the tests that run Linux, and all they run
add_guests()
{
	mkdir "$1/guest"
	cp "$BUILD/vmm/gunyah-vmm" "$1/bin/"
	cp "$TOP"/tests/qemu/{guest-common,linux_guest,linux_disk,linux_virtio} "$1/tests/"
	cp "$CACHE/image-$KERNEL/Image" "$1/guest/"
	cp "$kdir_4k/arch/arm64/boot/Image" "$1/guest/small-Image"
	cp "$run/guest.initrd" "$1/guest/initrd"
	cp -a "$run/guest" "$1/guest/root"
}

# machine_dtb NAME OPTIONS: the primary's tree
machine_dtb()
{
	MORE_ADDR=${more[$1]:-$MORE_ADDR} \
		primary_dtb "$run/$1.dtb" "${primary_cpus[$1]:-2}" "$BOOTARGS" \
		"$run/$1.initrd" "$2" "${memory[$1]}"
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
	cp "$CACHE/trace-cmd/bin/trace-cmd" "$root/bin/"
	cp "$CACHE"/trace-cmd/lib/* "$root/lib/"
	mkdir "$root/tests"
	add_guests "$root"
	for test in "$@"; do
		[ -e "$root/tests/$test" ] || cp "$BUILD/selftests/$test" "$root/tests/"
		! wanted "$test" || echo "$test"
	done >"$root/tests/list"
	pack "$root" "$run/$name.initrd"
	machine_dtb "$name" "$options"
	[ -z "${pool[$name]:-}" ] || add_pool "$run/$name.dtb" "${pool[$name]}"
}

# stock_machine NAME SERIES TEST...: a primary with Debian's own kernel, which is
# fast; runs these of the tests that are wanted, each with its argument
stock_machine()
{
	local name=$1 debian=$CACHE/image-$2

	shift 2
	new_root "$run/$name" "$TOP/tests/qemu/stock-init"
	add_debian_modules "$run/$name" "$debian" virtio_mmio virtio_console zram tun \
		loop crc32c_generic ext4
	add_tests "$name" "$(cat "$debian/release")" "$@"
}

# add_tests NAME RELEASE TEST...: these, as above, and what they need
add_tests()
{
	local name=$1 release=$2 root=$run/$1 line test

	shift 2
	cp "$TOP/tests/qemu/init-common" "$root/"
	add_modules "$root" "$release" "$BUILD/modules-$release"
	mkdir "$root/tests"
	cp "$TOP/tests/qemu/gunyah_loopback" "$root/tests/"
	[[ " $*" != *" linux_"* ]] || add_guests "$root"
	for line in "$@"; do
		test=${line%% *}
		[ -e "$root/tests/$test" ] || cp "$BUILD/selftests/$test" "$root/tests/"
		! wanted "$test" || echo "$line"
	done >"$root/tests/list"
	pack "$root" "$run/$name.initrd"
	machine_dtb "$name" "${stock_options[$name]:-}"
}

# pages_machine SIZE: a primary with pages of that size, whose Resource Manager also
# boots from shared memory
pages_machine()
{
	local name=pages-$1
	local tests=(gunyah_pagesize gunyah_api gunyah_lifecycle gunyah_vcpu gunyah_events)

	if [ "$1" = 16k ]; then
		stock_machine "$name" $KERNEL_16K "${tests[@]}"
	else
		new_root "$run/$name" "$TOP/tests/qemu/stock-init"
		add_tests "$name" "$(cat "$kdir_64k/include/config/kernel.release")" \
			"${tests[@]}"
	fi
}

# As in a production build, capabilities are random and guests boot only from
# lent memory; another such one, for tests of guest memory and of guests; then as in
# a debug build, with one more CPU for the hypervisor; one with memory for much of it
# to be given away; and one with a pool of guest memory.
selftest_machines()
{
	local tests

	mapfile -t tests < <(grep -vxE 'gunyah_(pagesize|guestmem.*|access)|vmm_.*' \
		"$BUILD/selftests/tests.list")
	selftest_machine production caps=random "${tests[@]}"
	mapfile -t tests < <(grep -xE 'gunyah_(pagesize|guestmem.*|access)|vmm_.*' \
		"$BUILD/selftests/tests.list")
	selftest_machine guests caps=random "${tests[@]}" linux_guest
	selftest_machine debug "rm=debug rm=bootcontext" \
		gunyah_lifecycle gunyah_lend gunyah_boot gunyah_static gunyah_replay linux_disk
	selftest_machine big caps=random gunyah_big
	selftest_machine pool caps=random gunyah_guestmempool
}

# What counts, measures, or takes too long under a kernel that reports errors: fills all
# memory again and again, or has guests for long.
stock_machines()
{
	stock_machine stock "$KERNEL" "gunyah_loopback $MESSAGES" \
		"gunyah_membench $BENCH_MIB" "gunyah_guestmembench $BENCH_MIB"
	stock_machine fragment "$KERNEL" gunyah_fragment
	stock_machine disk "$KERNEL" linux_disk
	stock_machine lent "$KERNEL" linux_virtio
	stock_machine shared "$KERNEL" linux_virtio
	# Calls of modules take more instructions where chance puts these far from the kernel.
	BOOTARGS="$BOOTARGS nokaslr" \
		stock_machine bench "$KERNEL" "gunyah_vcpubench $OPERATIONS"
	stock_machine storm "$KERNEL" "gunyah_storm bound"
}

boot_kunit()
{
	boot_plain "$run/kunit.log" 2 "$image" "$run/kunit.initrd" \
		"$BOOTARGS kunit.enable=1"
}

# boot_selftest NAME IMAGE
boot_selftest()
{
	local arguments=()

	[ -z "${icount_shift[$1]:-}" ] || arguments=(-icount "shift=${icount_shift[$1]}")
	MORE_ADDR=${more[$1]:-$MORE_ADDR} \
		boot_hypervisor "$run/$1.log" "${cpus[$1]}" "$2" "$run/$1.initrd" \
		"$run/$1.dtb" "$BUILD/hypervisor/gunyah-test-hyp.elf" \
		"${memory[$1]}" "${arguments[@]}"
}

# boot NAME: prints what the machine prints
boot()
{
	say "==> Boot $1 (messages: $run/$1.log)"
	rm -f "$run/$1.log"
	case $1 in
	kunit) boot_kunit ;;
	stock | fragment | disk | lent | shared | hibernation | bench | storm)
		boot_selftest "$1" "$CACHE/image-$KERNEL/Image"
		;;
	access-*) boot_selftest "$1" "$CACHE/image-${1#access-}/Image" ;;
	pages-16k) boot_selftest "$1" "$CACHE/image-$KERNEL_16K/Image" ;;
	pages-64k) boot_selftest "$1" "$kdir_64k/arch/arm64/boot/Image" ;;
	*) boot_selftest "$1" "$image" ;;
	esac </dev/null
	say "==> $1 is done after $((SECONDS - start)) s"
}

# judge_death NAME: a host that hibernates while it has lent memory is dead, and its log
# tells why
judge_death()
{
	local log=$run/$1.log

	cat >/dev/null
	sed '1,/gunyah_access: crashes are expected/d' "$log" >"$log.death"
	if grep -aq 'Kernel panic' "$log.death" &&
	   grep -aq 'synchronous external abort' "$log.death" &&
	   grep -aq swsusp_save "$log.death"; then
		result ok "$1: the host with pinned memory dies"
		echo "# access: hibernation image | the host is dead, synchronous external abort"
	else
		result "not ok" "$1: the host with pinned memory dies"
	fi
}

# judge NAME: standard input is what the machine printed
judge()
{
	if [ "$1" = hibernation ]; then
		judge_death "$1"
	else
		merge_tap "$1"
	fi
	# What a test announces, it judges by itself.
	sed '/gunyah_access: crashes are expected/,$d' "$run/$1.log" \
		>"$run/$1.judged"
	check_log "$1" "$run/$1.judged"
}

# judge_ended: those machines that were not yet
judge_ended()
{
	for name in "${machines[@]}"; do
		if [ -e "$run/$name.end" ]; then
			rm "$run/$name.end"
			judge "$name" <"$run/$name.tap"
		fi
	done
}

end_machines()
{
	for pid in $(jobs -p); do
		kill -- "-$pid" 2>/dev/null
	done
}

# Most tests keep one CPU busy: so two machines run at a time, each in a process group
# that can be ended as a whole.
boot_machines()
{
	local machine

	rm -f "$run"/*.end
	set -m
	trap end_machines EXIT
	for machine in "${machines[@]}"; do
		while [ "$(jobs -rp | wc -l)" -ge 2 ]; do
			wait -n
			judge_ended
		done
		{
			# However it ends, it is judged.
			boot "$machine" >"$run/$machine.tap" ||
				say "==> $machine was ended"
			touch "$run/$machine.end"
		} &
	done
	wait
	trap - EXIT
	set +m
	judge_ended
}

# write_figures: what gunyah_vcpubench remarked, and where
write_figures()
{
	{
		qemu-system-aarch64 --version | head -n 1
		sed -n '0,/Linux version/s/.*\(Linux version [^ ]*\).*/\1/p' "$run/bench.log"
		tr -d '\r' <"$run/bench.tap" | sed -n 's/^# //p'
	} >"$run/vcpubench"
	say "==> Figures: $run/vcpubench"
}

kunit=0
selftests=0
stock=0
access=0
pages=0
for test in ${TESTS:-kunit gunyah_loopback gunyah_access linux_disk gunyah_pagesize}; do
	case $test in
	kunit) kunit=1 ;;
	gunyah_loopback | gunyah_membench | gunyah_guestmembench) stock=1 ;;
	gunyah_fragment | linux_virtio | gunyah_vcpubench | gunyah_storm) stock=1 ;;
	linux_disk)
		stock=1
		selftests=1
		;;
	gunyah_access)
		access=1
		selftests=1
		;;
	gunyah_pagesize)
		pages=1
		selftests=1
		;;
	*) selftests=1 ;;
	esac
done

"$TOP/scripts/setup.sh" fetch build run
mkdir -p "$run"
fetch
build
[ $kunit = 0 ] || step "Put the machine for KUnit together" kunit_initrd
if [ $selftests = 1 ] || [ $stock = 1 ]; then
	step "Put the guest together" guest_initrd
fi
[ $selftests = 0 ] ||
	step "Put the machines for the selftests together" selftest_machines
if [ $stock = 1 ]; then
	build_stock "$KERNEL"
	step "Put the machines with Debian's kernel together" stock_machines
fi
[ $access = 1 ] || ACCESS_KERNELS=
for series in $ACCESS_KERNELS; do
	build_stock "$series"
	# It uses up all memory: let that not be much, and the same for everybody.
	BOOTARGS="$BOOTARGS mem=512M cma=0" \
		step "Put the machine for gunyah_access with $series together" \
		stock_machine "access-$series" "$series" "gunyah_access pinned"
done
[ $pages = 1 ] || PAGE_SIZES=
for size in $PAGE_SIZES; do
	build_pages "$size"
	step "Put the machine with pages of $size together" pages_machine "$size"
done

if [ $access = 1 ]; then
	build_stock "$KERNEL"
	BOOTARGS="$BOOTARGS mem=512M cma=0 no_console_suspend" \
		step "Put the machine that hibernates together" \
		stock_machine hibernation "$KERNEL" "gunyah_access hibernation"
fi

for test in ${TESTS:-}; do
	case $test in
	kunit | linux_guest | linux_disk | linux_virtio) ;;
	gunyah_loopback | gunyah_membench | gunyah_big) ;;
	gunyah_fragment | gunyah_guestmembench | gunyah_guestmempool) ;;
	gunyah_vcpubench | gunyah_storm) ;;
	*)
		grep -qx "$test" "$BUILD/selftests/tests.list" ||
			die "there is no test $test"
		;;
	esac
done
LIMIT=$TIMEOUT
start=$SECONDS
echo "TAP version 13"
# It counts milliseconds: so nothing else runs meanwhile.
if [ $kunit = 1 ]; then
	judge kunit < <(boot kunit)
fi

# add_machines BUILT NAME...: those of them that have something to do
add_machines()
{
	local built=$1 name

	shift
	for name in "$@"; do
		[ "$built" = 0 ] || [ ! -s "$run/$name/tests/list" ] || machines+=("$name")
	done
}

# The longest first
machines=()
add_machines $selftests production guests big
add_machines $stock fragment lent shared disk
add_machines $selftests pool debug
add_machines $stock stock storm bench
for series in $ACCESS_KERNELS; do
	machines+=("access-$series")
done
if [ $access = 1 ] && [[ "pinned memory: hibernation image" = *"${GUNYAH_ROWS:-}"* ]]; then
	machines+=(hibernation)
fi
for size in $PAGE_SIZES; do
	machines+=("pages-$size")
done
boot_machines
[[ " ${machines[*]} " != *" bench "* ]] || write_figures
say "==> Tests took $((SECONDS - start)) s"
summary
[ "$failed" = 0 ] && [ "$passed" != 0 ]
