#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Fetch what is needed from Debian into the cache, unpacked, without touching
# the system's package state. Prints where it is.
#
#   fetch.sh headers 6.1     arm64 kernel headers, usable on this host as KDIR
#   fetch.sh image 6.1       arm64 kernel: Image and lib/modules; of both there is
#                            6.12-16k, too, with pages of 16 KiB
#   fetch.sh source 6.1      linux-source, for the test kernel and checkpatch
#   fetch.sh source newest   that of Debian's newest kernel, with what it takes to
#                            compile modules for it, but not to load them
#   fetch.sh busybox         arm64 busybox, static
#   fetch.sh libfdt          arm64 include/ and lib/libfdt.a
#   fetch.sh trace-cmd       arm64 trace-cmd with the libraries that it needs
#   fetch.sh update          look for newer versions at the next fetch
#
# $CACHE/headers-6.1 and so on are links to the version in use, which stays
# until "update".

. "$(dirname "$0")/common.sh"

APT=$CACHE/apt
# In place of the running release: packages that are only unpacked
SUITE=
tmp=

cleanup()
{
	[ -z "$tmp" ] || rm -rf "$tmp"
}
trap cleanup EXIT

codename()
{
	# shellcheck disable=SC1091
	(. /etc/os-release && [ "$ID" = debian ] && echo "$VERSION_CODENAME") ||
		die "this needs a Debian system (12 or newer)"
}

# sources CODENAME BACKPORTS: the configured entries of the Debian suites as
# deb822 stanzas; with BACKPORTS=1 also the backports that belong to them. With
# $SUITE, that suite in their place.
sources()
{
	local f list=() vars=(-v code="$1" -v backports="$2" -v instead="$SUITE")

	for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ -r "$f" ] && list+=("$f")
	done
	[ ${#list[@]} = 0 ] ||
		awk "${vars[@]}" -f "$TOP/scripts/sources-list.awk" "${list[@]}"
	for f in /etc/apt/sources.list.d/*.sources; do
		if [ -r "$f" ]; then
			awk "${vars[@]}" -f "$TOP/scripts/sources-deb822.awk" "$f"
		fi
	done
}

apt_setup()
{
	local code

	code=$(codename)
	mkdir -p "$APT/lists/partial" "$APT/cache/archives/partial" "$APT/sources"
	: >"$APT/status"
	sources "$code" "$1" >"$APT/sources/debian.sources"
	[ -s "$APT/sources/debian.sources" ] ||
		die "no package source for Debian $code is configured in /etc/apt"
	cat >"$APT/apt.conf" <<EOF
Dir::State "$APT";
Dir::State::Lists "$APT/lists";
Dir::State::status "$APT/status";
Dir::Cache "$APT/cache";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$APT/sources";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Architecture "$(host_arch)";
APT::Architectures { "$(host_arch)"; "arm64"; };
APT::Sandbox::User "root";
APT::Get::List-Cleanup "false";
Acquire::Languages "none";
Acquire::Retries "3";
EOF
}

apt_run()
{
	APT_CONFIG=$APT/apt.conf "$@" >>"$APT/log" 2>&1
}

apt_update()
{
	apt_setup "$1"
	apt_run apt-get -q update || true
	compgen -G "$APT/lists/*_Packages*" >/dev/null ||
		die "cannot get Debian's package lists: no network? (see $APT/log)"
	: >"$APT/updated-$1"
}

# release SERIES: newest kernel release of the series with headers and image,
# e.g. 6.1.0-99-arm64; needs the package lists
release()
{
	local pattern="${1%-16k}" flavour="-arm64${1#"${1%-16k}"}"

	pattern="${pattern//./\\.}[.][0-9][^-]*(-[0-9]+)?$flavour"

	APT_CONFIG=$APT/apt.conf apt-cache pkgnames 2>/dev/null |
		sed -nE "s/:arm64$//; s/^linux-(headers|image)-($pattern)$/\2/p" |
		sort -V | uniq -d | tail -n 1
}

# find_release SERIES: the same, getting lists and backports as necessary
find_release()
{
	local found backports

	for backports in 0 1; do
		if [ -e "$APT/updated-$backports" ]; then
			apt_setup "$backports"
		else
			apt_update "$backports"
		fi
		found=$(release "$1")
		[ -z "$found" ] || break
	done
	[ -n "$found" ] || {
		rm -f "$APT"/updated-*
		die "Debian $(codename) has no arm64 kernel $1 (see $APT/log)"
	}
	echo "$found"
}

# unpack DIR PACKAGE...: download and unpack
unpack()
{
	local dir=$1 deb debs=$tmp/debs try

	shift
	mkdir -p "$dir" "$debs"
	[ -e "$APT/updated-0" ] || apt_update 0
	for try in 1 2; do
		if (cd "$debs" && apt_run apt-get -q download "$@"); then
			break
		fi
		[ $try = 1 ] ||
			die "cannot get $* from Debian: no network? (see $APT/log)"
		apt_update "$([ -e "$APT/updated-1" ] && echo 1 || echo 0)"
	done
	for deb in "$debs"/*.deb; do
		dpkg-deb -x "$deb" "$dir" || die "cannot unpack $deb"
		basename "$deb" >>"$dir/packages"
	done
	rm -rf "$debs"
}

# publish DIR [SUBDIR]: the finished $tmp/out becomes $CACHE/DIR, and $link
# points into it
publish()
{
	mkdir -p "$(dirname "$CACHE/$1")"
	rm -rf "${CACHE:?}/$1"
	mv "$tmp/out" "$CACHE/$1"
	ln -sfn "$1${2+/$2}" "$link"
}

get_headers()
{
	local rel common kbuild base

	need_space "$CACHE" 500
	rel=$(find_release "$1")
	common=linux-headers-${rel%-arm64*}-common
	# linux-kbuild-6.1 in Debian 12, linux-kbuild-<release> later
	kbuild=$(APT_CONFIG=$APT/apt.conf apt-cache depends \
			"linux-headers-$rel:arm64" |
		 sed -n 's/^ *Depends: *<\?\(linux-kbuild-[^:>]*\).*/\1/p')
	unpack "$tmp/out" "linux-headers-$rel:arm64" "$common" \
		"$kbuild:$(host_arch)"
	base=$tmp/out/usr/src/linux-headers-$rel
	# The packages expect to lie in /usr/src
	sed -i "s,^include /usr/src/,include \$(dir \$(lastword \$(MAKEFILE_LIST)))../," \
		"$base/Makefile"
	! grep -q '^include /usr/src' "$base/Makefile" ||
		die "do not understand the Makefile of the headers for $rel"
	publish "headers/$rel" "usr/src/linux-headers-$rel"
}

# raw_image FILE: the uncompressed Image in a vmlinuz
raw_image()
{
	local magic

	magic=$(od -An -tx1 -j56 -N4 "$1" | tr -d ' ')
	if [ "$magic" = 41524d64 ]; then
		cat "$1"
	elif gzip -t "$1" 2>/dev/null; then
		gzip -dc "$1"
	else
		die "do not understand the format of $1"
	fi
}

get_image()
{
	local rel

	need_space "$CACHE" 1000
	rel=$(find_release "$1")
	unpack "$tmp/out" "linux-image-$rel:arm64"
	# Merged /usr in newer releases
	[ -d "$tmp/out/lib/modules" ] || ln -s usr/lib "$tmp/out/lib"
	raw_image "$tmp/out/boot/vmlinuz-$rel" >"$tmp/out/Image"
	echo "$rel" >"$tmp/out/release"
	# As the package's script does on a real system
	depmod -b "$tmp/out" "$rel"
	publish "image/$rel"
}

get_source()
{
	local version

	need_space "$CACHE" 3000
	find_release "$1" >/dev/null
	version=$(APT_CONFIG=$APT/apt.conf apt-cache show --no-all-versions \
			"linux-source-$1" 2>>"$APT/log" |
		  sed -n 's/^Version: //p')
	[ -n "$version" ] || die "Debian $(codename) has no linux-source-$1"
	unpack "$tmp/deb" "linux-source-$1"
	mkdir "$tmp/out"
	tar -xJf "$tmp/deb/usr/src/linux-source-$1.tar.xz" -C "$tmp/out" \
		--strip-components=1 || die "cannot unpack linux-source-$1"
	publish "src/linux-source-$1_${version//:/%}"
}

# Configured with the kernel's defaults, since Debian's configuration is for
# Debian's newest compiler. Debian's list of exported symbols comes with it.
get_newest()
{
	local rel version prefix

	need_space "$CACHE" 4000
	rel=$(find_release '[0-9]+.[0-9]+')
	version=$(sed -E 's/^([0-9]+\.[0-9]+).*/\1/' <<<"$rel")
	unpack "$tmp/deb" "linux-source-$version" "linux-headers-$rel:arm64"
	mkdir "$tmp/out"
	tar -xJf "$tmp/deb/usr/src/linux-source-$version.tar.xz" \
		-C "$tmp/out" --strip-components=1 ||
		die "cannot unpack linux-source-$version"
	prefix=$(cross_prefix)
	make -C "$tmp/out" -j"$(nproc)" ARCH=arm64 CROSS_COMPILE="$prefix" \
		defconfig modules_prepare >&2
	cp "$tmp/deb/usr/src/linux-headers-$rel/Module.symvers" "$tmp/out/"
	publish "src/newest-$rel"
}

get_busybox()
{
	need_space "$CACHE" 50
	unpack "$tmp/unpacked" busybox-static:arm64
	mkdir "$tmp/out"
	find "$tmp/unpacked" -type f -name busybox -exec cp {} "$tmp/out/" \;
	cp "$tmp/unpacked/packages" "$tmp/out/"
	publish "busybox.d/$(key "$tmp/out/packages")"
}

get_libfdt()
{
	need_space "$CACHE" 50
	unpack "$tmp/unpacked" libfdt-dev:arm64
	mkdir -p "$tmp/out/lib" "$tmp/out/include"
	cp "$tmp"/unpacked/usr/include/*fdt*.h "$tmp/out/include/"
	cp "$tmp"/unpacked/usr/lib/aarch64-linux-gnu/libfdt.a "$tmp/out/lib/"
	cp "$tmp/unpacked/packages" "$tmp/out/"
	publish "libfdt.d/$(key "$tmp/out/packages")"
}

get_trace_cmd()
{
	local name

	need_space "$CACHE" 100
	unpack "$tmp/unpacked" trace-cmd:arm64 libtraceevent1:arm64 \
		libtracefs1:arm64 libzstd1:arm64 libc6:arm64
	mkdir -p "$tmp/out/bin" "$tmp/out/lib"
	cp "$tmp/unpacked/usr/bin/trace-cmd" "$tmp/out/bin/"
	for name in ld-linux-aarch64.so.1 libc.so.6 libtraceevent.so.1 \
			libtracefs.so.1 libzstd.so.1; do
		# One of the places is a link to the file in the other in newer releases
		find "$tmp/unpacked" -name "$name" -exec cp -L {} "$tmp/out/lib/" \;
	done
	cp "$tmp/unpacked/packages" "$tmp/out/"
	publish "trace-cmd.d/$(key "$tmp/out/packages")"
}

what=${1-}
series=${2-}
case $what in
headers | image | source)
	link=$CACHE/$what-$series
	if [ "$what $series" = "source newest" ]; then
		what=newest
		APT=$CACHE/apt-newest
		SUITE=sid
	elif [[ ! $series =~ ^[0-9]+\.[0-9]+(-16k)?$ ]]; then
		die "KERNEL must look like 6.1 or 6.12-16k, not \"$series\""
	fi
	;;
busybox | libfdt | trace-cmd)
	link=$CACHE/$what
	;;
update)
	rm -rf "$APT"/updated-* "$CACHE"/{headers,image,source}-[0-9]* \
		"$CACHE"/{busybox,libfdt,trace-cmd,source-newest} \
		"$CACHE"/apt-newest/updated-*
	exit
	;;
*)
	die "usage: fetch.sh headers|image|source SERIES, busybox, libfdt, trace-cmd or update"
	;;
esac

if [ ! -e "$link" ]; then
	locked fetch
	if [ ! -e "$link" ]; then
		mkdir -p "$APT"
		: >"$APT/log"
		tmp=$(mktemp -d "$CACHE/.fetch.XXXXXX")
		"get_${what//-/_}" "$series"
	fi
fi
realpath "$link"
