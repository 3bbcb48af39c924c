#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Are the devicetree bindings well-formed, and are their examples right by them?
#
# What they refer to comes from the kernel's source.

. "$(dirname "$0")/common.sh"

BINDINGS=Documentation/devicetree/bindings
KERNEL_BINDINGS=$CACHE/source-6.1/$BINDINGS

dir=$BUILD/check-bindings
bad=0

# quiet COMMAND...: these tools may find faults and succeed all the same
quiet()
{
	local output

	output=$("$@" 2>&1) || bad=1
	[ -z "$output" ] || { printf '%s\n' "$output"; bad=1; }
}

rm -rf "$dir"
mkdir -p "$dir/all/reserved-memory"
# Later versions of dt-schema have it themselves.
dpkg -L dt-schema 2>/dev/null | grep '/reserved-memory\.yaml$' >/dev/null ||
	cp "$KERNEL_BINDINGS/reserved-memory/reserved-memory.yaml" \
		"$dir/all/reserved-memory/"
cp -r "$TOP/$BINDINGS/." "$dir/all/"

cd "$dir"
quiet dt-mk-schema -j -o schema.json all
found=0
while IFS= read -r file; do
	found=1
	quiet dt-doc-validate -u all "all/$file"
	dt-extract-example "all/$file" >example.dts
	quiet dtc -q -O dtb -o example.dtb example.dts
	quiet dt-validate -s schema.json example.dtb
	# Not one of them may go unnoticed because it has no compatible of ours.
	compatible=$(sed -n 's/^    const: //p' "all/$file" | head -n 1)
	grep -q "compatible = \"$compatible\"" example.dts ||
		{ echo "$file: no example of \"$compatible\""; bad=1; }
done < <(cd "$TOP/$BINDINGS" && find . -name '*.yaml')
[ $found = 1 ] || { echo "no bindings"; bad=1; }
exit $bad
