# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# How initial RAM disks are put together and virtual machines are booted.
# Sourced, after scripts/common.sh.

# Where things lie in the primary VM's memory; the hypervisors expect them there
DTB_ADDR=0x40f00000
IMAGE_ADDR=0x41000000
INITRD_ADDR=0x4c000000

# Of RAM, the primary has the first GiB, the hypervisor the second, and the
# primary what follows; or only from elsewhere on.
RAM_ADDR=0x40000000
MORE_ADDR=0xc0000000

CPU=max,pauth-impdef=on,sve=off

# new_root DIR INIT: a fresh root with busybox and this /init
new_root()
{
	rm -rf "$1"
	mkdir -p "$1"/{bin,sbin,dev,proc,sys,etc,tmp,root,lib/modules}
	cp "$CACHE/busybox/busybox" "$1/bin/busybox"
	ln -s busybox "$1/bin/sh"
	ln -s ../bin/busybox "$1/sbin/modprobe"
	cp "$2" "$1/init"
	chmod 755 "$1" "$1"/init "$1"/bin/busybox
}

# add_debian_modules ROOT IMAGE_DIR MODULE...: these of Debian's and what they
# depend on
add_debian_modules()
{
	local root=$1 image=$2 rel file

	shift 2
	rel=$(cat "$image/release")
	mkdir -p "$root/lib/modules/$rel/kernel"
	modprobe -d "$image" -S "$rel" --show-depends -a "$@" |
		sed -n 's/^insmod \([^ ]*\).*/\1/p' | sort -u |
		while read -r file; do
			case $file in
			*.xz) xz -dc "$file" >"$root/lib/modules/$rel/kernel/$(basename "$file" .xz)" ;;
			*) cp "$file" "$root/lib/modules/$rel/kernel/" ;;
			esac
		done
}

# add_modules ROOT RELEASE DIR: all that were built in DIR
add_modules()
{
	mkdir -p "$1/lib/modules/$2/updates"
	find "$3" -name '*.ko' -exec cp {} "$1/lib/modules/$2/updates/" \;
	depmod -b "$1" "$2"
}

# pack ROOT FILE
pack()
{
	(cd "$1" && find . | cpio --quiet -o -H newc -R 0:0) >"$2"
}

# machine MIB: QEMU's, for a primary with so much memory
machine()
{
	local highmem=off

	[ "$1" -le 1024 ] || highmem=on
	echo "virt,virtualization=on,gic-version=3,highmem=$highmem"
}

# cells NUMBER: the two of it in a devicetree
cells()
{
	printf '%x %x' $(($1 >> 32)) $(($1 & 0xffffffff))
}

# add_memory DTB MIB: what a primary has beyond its first GiB. PCI goes: its
# registers are in high memory then, where the hypervisor expects no devices.
add_memory()
{
	# shellcheck disable=SC2046 # several numbers
	fdtput -t x "$1" "/memory@${RAM_ADDR#0x}" reg \
		$(cells $RAM_ADDR) $(cells $((1024 << 20))) \
		$(cells $MORE_ADDR) $(cells $((($2 - 1024) << 20)))
	fdtput -r "$1" /pcie@10000000
}

# primary_dtb FILE CPUS BOOTARGS INITRD TEST_OPTIONS [MIB]: QEMU's own tree for
# a machine with the primary's CPUs and memory, which is 1 GiB or more
primary_dtb()
{
	local end mib=${6:-1024}

	end=$((INITRD_ADDR + $(stat -c %s "$4")))
	qemu-system-aarch64 -M "$(machine "$mib"),its=off,dumpdtb=$1.qemu" \
		-cpu $CPU -smp "$2" -m 1G -nic none -display none 2>/dev/null
	dtc -q -I dtb -O dtb -o "$1" "$1.qemu"
	[ "$mib" = 1024 ] || add_memory "$1" "$mib"
	fdtput -t s "$1" /chosen bootargs "$3"
	fdtput -t x "$1" /chosen linux,initrd-start 0 "${INITRD_ADDR#0x}"
	fdtput -t x "$1" /chosen linux,initrd-end 0 "$(printf %x "$end")"
	[ -z "$5" ] || fdtput -t s "$1" /chosen gunyah,test-options "$5"
}

# reserve DTB NAME PROPERTY...: a node for guest memory; reg is "ADDRESS SIZE",
# properties without values are as they are here
reserve()
{
	local dtb=$1 node=/reserved-memory/$2 property

	shift 2
	fdtput -c "$dtb" "$node"
	fdtput -t s "$dtb" "$node" compatible gunyah-guest-memory-pool
	for property in "$@"; do
		# shellcheck disable=SC2046,SC2086 # several numbers
		case $property in
		reg=*) fdtput -t x "$dtb" "$node" reg $(cell_pairs ${property#*=}) ;;
		*=*) fdtput -t s "$dtb" "$node" "${property%%=*}" "${property#*=}" ;;
		*) fdtput "$dtb" "$node" "$property" ;;
		esac
	done
}

# cell_pairs NUMBER...
cell_pairs()
{
	local number

	for number in "$@"; do
		cells "$number"
		echo
	done
}

# add_pool DTB MIB: the end of the primary's first GiB as a pool of guest memory,
# and what looks like it and has to be refused: memory that is mapped, not of whole
# 2 MiB, anywhere, or the kernel's
add_pool()
{
	local at=$((RAM_ADDR + ((1024 - $2) << 20))) mib=$((1 << 20))

	fdtput -c "$1" /reserved-memory
	fdtput -t x "$1" /reserved-memory '#address-cells' 2
	fdtput -t x "$1" /reserved-memory '#size-cells' 2
	fdtput "$1" /reserved-memory ranges
	reserve "$1" "guest-memory@$(printf %x $at)" no-map "reg=$at $(($2 * mib))"
	reserve "$1" mapped "reg=$((at - 2 * mib)) $((2 * mib))"
	reserve "$1" uneven no-map "reg=$((at - 4 * mib)) $mib"
	reserve "$1" kernel no-map "reg=$((IMAGE_ADDR + 16 * mib)) $((2 * mib))"
	reserve "$1" anywhere no-map
	fdtput -t x "$1" /reserved-memory/anywhere size 0 "$(printf %x $mib)"
	reserve "$1" disabled status=disabled "reg=$((at - 6 * mib)) $mib"
}

# qemu LOG ARGUMENT...: no network; the primary's PL011 in the file LOG, a virtio
# console on standard input and output. At most $LIMIT seconds, if that is set.
qemu()
{
	local log=$1

	shift
	${LIMIT:+timeout --foreground "$LIMIT"} qemu-system-aarch64 \
		-nic none -display none -monitor none -no-reboot \
		-serial "file:$log" \
		-global virtio-mmio.force-legacy=false \
		-chardev stdio,id=term,signal=off \
		-device virtio-serial-device \
		-device virtconsole,chardev=term "$@"
}

# boot_plain LOG CPUS IMAGE INITRD BOOTARGS: without hypervisor
boot_plain()
{
	qemu "$1" -M virt,gic-version=3 -cpu $CPU -smp "$2" -m 1G \
		-kernel "$3" -initrd "$4" -append "$5"
}

# boot_hypervisor LOG CPUS IMAGE INITRD DTB ELF [MIB [ARGUMENT...]]: CPUs that the
# primary's tree does not list are the hypervisor's own. MIB as for the tree.
boot_hypervisor()
{
	local mib=${7:-1024} ram

	ram=$((((MORE_ADDR - RAM_ADDR) >> 20) + mib - 1024))
	qemu "$1" -M "$(machine "$mib")" -cpu "$CPU" -smp "$2" \
		-m "${ram}M" -kernel "$6" \
		-device "loader,file=$5,addr=$DTB_ADDR,force-raw=on" \
		-device "loader,file=$3,addr=$IMAGE_ADDR,force-raw=on" \
		-device "loader,file=$4,addr=$INITRD_ADDR,force-raw=on" "${@:8}"
}
