#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# "make run": a Debian kernel as primary VM in QEMU, and another one as its
# guest. Makefile's help tells the variables.

. "$(dirname "$0")/../../scripts/common.sh"
. "$TOP/tests/qemu/vm.sh"

export KERNEL=${KERNEL:-6.1}
GUEST_KERNEL=${GUEST_KERNEL:-$KERNEL}
MEM=${MEM:-512M}
CPUS=${CPUS:-2}
TIMEOUT=${TIMEOUT:-1800}
run=$BUILD/run
LOG=${LOG:-$run/log}

if [ -n "${HYPERVISOR:-}" ]; then
	# The real hypervisor is built for eight CPUs. One for the primary, because
	# lending memory from the first block can upset the other CPUs.
	hypervisor=$HYPERVISOR
	PRIMARY_CPUS=${PRIMARY_CPUS:-1}
	smp=8
	CPU=${QEMU_CPU:-max,pauth-impdef=on,sve-max-vq=1}
else
	hypervisor=$BUILD/hypervisor/gunyah-test-hyp.elf
	PRIMARY_CPUS=${PRIMARY_CPUS:-2}
	smp=$((PRIMARY_CPUS + 1))
fi

# mem_mib SIZE: in MiB
mem_mib()
{
	[[ $1 =~ ^([0-9]+)([MG])$ ]] || die "MEM must look like 512M, not \"$1\""
	[ "${BASH_REMATCH[2]}" = M ] || set -- $((BASH_REMATCH[1] * 1024))
	echo "${1%M}"
}

check_arguments()
{
	mem=$(mem_mib "$MEM")
	if [ "$mem" -lt 64 ] || [ "$mem" -gt 704 ]; then
		die "MEM must be between 64M and 704M, the primary has 1 GiB"
	fi
	[ $((mem % 2)) = 0 ] || die "MEM must be a multiple of 2M"
	[ -n "${GUEST_CMD:-}" ] || [ -t 0 ] ||
		die "standard input is not a terminal: give GUEST_CMD="
	[[ $CPUS =~ ^[1-9][0-9]*$ ]] || die "CPUS must be a number"
	[[ $PRIMARY_CPUS =~ ^[1-7]$ ]] ||
		die "PRIMARY_CPUS must be a number from 1 to 7"
	[ -z "${HYPERVISOR:-}" ] || [ -r "$HYPERVISOR" ] ||
		die "cannot read HYPERVISOR=$HYPERVISOR"
	case ${CAPS:-} in
	'' | random) ;;
	*) die "CAPS can only be \"random\"" ;;
	esac
}

guest_initrd()
{
	new_root "$run/guest" "$TOP/tests/qemu/guest-init"
	if [ -n "${GUEST_CMD:-}" ]; then
		printf '%s\n' "$GUEST_CMD" >"$run/guest/etc/command"
		printf '%s\n' "$mark" >"$run/guest/etc/mark"
	fi
	printf '%s\n' "$terminal" >"$run/guest/etc/terminal"
	pack "$run/guest" "$run/guest.initrd"
}

primary_initrd()
{
	local root=$run/primary image vmm panic=10

	image=$CACHE/image-$KERNEL
	new_root "$root" "$TOP/tests/qemu/primary-init"
	add_debian_modules "$root" "$image" virtio_mmio virtio_console
	add_modules "$root" "$release" "$BUILD/modules-$release"
	cp "$BUILD/vmm/gunyah-vmm" "$root/bin/"
	mkdir "$root/guest"
	cp "$CACHE/image-$GUEST_KERNEL/Image" "$root/guest/"
	cp "$run/guest.initrd" "$root/guest/initrd"
	vmm=${SHARE:+ --share}
	# A guest that panics is not to try for ever if nobody looks at it.
	if [ -n "${GUEST_CMD:-}" ]; then
		vmm+=" --no-reboot"
		panic=-1
	fi
	cat >"$root/etc/run.conf" <<EOF
INTERACTIVE=$([ -z "${GUEST_CMD:-}" ] && echo 1 || echo 0)
VMM_ARGS='--kernel /guest/Image --initrd /guest/initrd --mem $MEM --cpus $CPUS$vmm'
CMDLINE='console=ttyS0 panic=$panic${GUEST_APPEND:+ $GUEST_APPEND}'
EOF
	pack "$root" "$run/primary.initrd"
}

prepare()
{
	local kernel

	"$TOP/scripts/setup.sh" fetch build run
	for kernel in "$KERNEL" "$GUEST_KERNEL"; do
		[ -e "$CACHE/image-$kernel" ] ||
			step "Fetch Debian's kernel $kernel" \
				"$TOP/scripts/fetch.sh" image "$kernel"
	done
	[ -e "$CACHE/headers-$KERNEL" ] ||
		step "Fetch its headers" "$TOP/scripts/fetch.sh" headers "$KERNEL"
	[ -e "$CACHE/busybox" ] ||
		step "Fetch busybox" "$TOP/scripts/fetch.sh" busybox
	[ -e "$CACHE/libfdt" ] ||
		step "Fetch libfdt" "$TOP/scripts/fetch.sh" libfdt
	step "Build the modules for Debian's $KERNEL" \
		make -C "$TOP" -j"$(nproc)" modules
	[ -n "${HYPERVISOR:-}" ] ||
		step "Build the test hypervisor" \
			make -C "$TOP" -j"$(nproc)" hypervisor
	step "Build the VMM" make -C "$TOP" -j"$(nproc)" vmm
	release=$(cat "$CACHE/image-$KERNEL/release")
	[ -d "$BUILD/modules-$release" ] ||
		die "headers and image of kernel $KERNEL differ; run make update"
	step "Put the guest together" guest_initrd
	step "Put the primary together" primary_initrd
	step "Write its devicetree" primary_tree
}

# The hypervisor, and what the primary's tree tells it
primary_tree()
{
	local options=()

	[ "${CAPS:-}" != random ] || options+=(caps=random)
	[ -z "${SHARE:-}" ] || options+=(rm=debug)
	[ -z "${HYPERVISOR:-}" ] || options=()
	primary_dtb "$run/primary.dtb" "$PRIMARY_CPUS" \
		"earlycon console=ttyAMA0 printk.devkmsg=on panic=-1" \
		"$run/primary.initrd" "${options[*]:-}"
}

boot()
{
	boot_hypervisor "$run/primary.log" "$smp" "$CACHE/image-$KERNEL/Image" \
		"$run/primary.initrd" "$run/primary.dtb" "$hypervisor"
}

# Pass on what the command printed and leave its status in $run/status; the
# rest is for the log.
show_guest()
{
	local line state=before

	rm -f "$run/status"
	while IFS= read -r line || [ -n "$line" ]; do
		printf '%s\n' "$line" >>"$run/guest.log"
		case $state:$line in
		before:"$mark begin"*)
			state="command"
			;;
		command:*"$mark end "*)
			printf '%s' "${line%"$mark end "*}"
			line=${line##* end }
			printf '%s\n' "${line//[!0-9]/}" >"$run/status"
			state=after
			;;
		command:*)
			printf '%s\n' "$line"
			;;
		esac
	done
}

# The log that the user gets: the primary's, then the guest's
write_log()
{
	mkdir -p "$(dirname "$LOG")"
	{
		echo "==== primary ===="
		cat "$run/primary.log"
		echo "==== guest ===="
		cat "$run/guest.log"
	} 2>/dev/null | tr -d '\r' >"$LOG" || true
}

# vmm_status: what the primary's init reported
vmm_status()
{
	tr -d '\r' <"$run/primary.log" |
		sed -n 's/.*gunyah-run: VMM ended with status \([0-9]*\)$/\1/p'
}

explain_failure()
{
	local reason

	reason=$(tr -d '\r' <"$run/primary.log" |
		 sed -n 's/.*gunyah-run: failed: //p')
	tail -n 25 "$run/primary.log" >&2
	case $1 in
	124) die "the guest was not done after $TIMEOUT s, see $LOG" ;;
	*) die "${reason:-the primary did not come to its end}, see $LOG" ;;
	esac
}

check_arguments
mark="gunyah-$$-$RANDOM$RANDOM"
terminal=sane
if [ -t 0 ] && size=$(stty size) && [ "$size" != "0 0" ]; then
	terminal="sane rows ${size% *} cols ${size#* }"
fi
mkdir -p "$run"
prepare

rm -f "$run"/*.log
touch "$run/guest.log"
trap write_log EXIT
say "==> Boot (messages of both kernels: $LOG)"
rc=0
start=$SECONDS
if [ -n "${GUEST_CMD:-}" ]; then
	LIMIT=$TIMEOUT
	boot </dev/null | show_guest || rc=$?
else
	boot || rc=$?
fi
write_log
say "==> All is off ($((SECONDS - start)) s)"

vmm=$(vmm_status)
[ -n "$vmm" ] || explain_failure "$rc"
if [ -z "${GUEST_CMD:-}" ]; then
	# 5: the user left by Ctrl-a x
	[ "$vmm" != 5 ] || exit 0
	exit "$vmm"
elif [ "$vmm" = 0 ] && [ -s "$run/status" ]; then
	exit "$(cat "$run/status")"
fi
tail -n 25 "$run/guest.log" >&2
die "the guest did not come to its end, the VMM's status was $vmm, see $LOG"
