# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Merge the TAP of many programs into one, and count. Sourced.
#
# The init scripts put each program's output between the lines "@begin NAME"
# and "@end NAME STATUS", and end with "@done". What is cut short, is a failure.

passed=0
failed=0
skipped=0

# result ok|not ok|skip NAME [REASON]
result()
{
	local word=$1 note=''

	case $word in
	ok) passed=$((passed + 1)) ;;
	skip)
		skipped=$((skipped + 1))
		word=ok
		note=" # SKIP${3:+ $3}"
		;;
	*) failed=$((failed + 1)) ;;
	esac
	printf '%s %d - %s%s\n' "$word" $((passed + failed + skipped)) "$2" "$note"
}

# begin_program NAME
begin_program()
{
	program=$1
	plan=
	seen=0
	bad=0
}

# end_program STATUS: is what it printed complete, and does its exit status
# agree (kselftest: 0 passed, 1 failed, 4 skipped)?
end_program()
{
	if [ "$plan" = skip ]; then
		result skip "$boot: $program" "$reason"
	elif [ -z "$plan" ]; then
		result "not ok" "$boot: $program: printed no plan"
	elif [ "$seen" != "$plan" ]; then
		result "not ok" "$boot: $program: $seen of $plan tests reported"
	elif [ "$bad" = 0 ] && [ "$1" != 0 ] && [ "$1" != 4 ]; then
		result "not ok" "$boot: $program: exit status $1"
	elif [ "$bad" != 0 ] && [ "$1" = 0 ]; then
		result "not ok" "$boot: $program: failed, but exit status 0"
	elif [ "$seen" = 0 ]; then
		result "not ok" "$boot: $program: no tests"
	fi
	program=
}

# tap_line LINE: of the program
tap_line()
{
	local line=$1 re='^(ok|not ok) +[0-9]+ *-? *([^#]*)(# *([A-Za-z]+) *(.*))?$'
	local word name

	if [[ $line =~ ^1\.\.([0-9]+)(.*#\ *SKIP\ *(.*))?$ ]]; then
		plan=${BASH_REMATCH[1]}
		reason=${BASH_REMATCH[3]}
		[ "$plan" != 0 ] || plan=skip
	elif [[ $line =~ $re ]]; then
		word=${BASH_REMATCH[1]}
		name="$boot: $program: ${BASH_REMATCH[2]% }"
		seen=$((seen + 1))
		if [ "$word" = ok ] && [[ ${BASH_REMATCH[4]^^} = SKIP ]]; then
			word=skip
		elif [ "$word" != ok ]; then
			bad=$((bad + 1))
		fi
		result "$word" "$name" "${BASH_REMATCH[5]}"
	elif [ -n "$line" ] && [[ $line != "TAP version"* ]] &&
	     [[ $line != "KTAP version"* ]]; then
		printf '# %s\n' "${line#\# }"
	fi
}

# merge_tap NAME: standard input is what the boot NAME printed
merge_tap()
{
	local boot=$1 line done=0
	local program='' plan='' seen=0 bad=0 reason=''

	while IFS= read -r line || [ -n "$line" ]; do
		line=${line%$'\r'}
		case $line in
		"@begin "*)
			[ -z "$program" ] || end_program "no"
			begin_program "${line#@begin }"
			;;
		"@end $program "*)
			end_program "${line##* }"
			;;
		@done)
			done=1
			;;
		*)
			[ -z "$program" ] || tap_line "$line"
			;;
		esac
	done
	[ -z "$program" ] || end_program "missing"
	[ $done = 1 ] || result "not ok" "$boot: did not come to its end"
}

# What must not be in a kernel's log
TROUBLE='BUG[: ]|WARNING:|Oops|Internal error|KASAN|UBSAN|Call trace:'
TROUBLE+='|Kernel panic|INFO: (possible|trying|task|suspicious|inconsistent)'
TROUBLE+='|suspicious RCU|DEBUG_LOCKS_WARN_ON|ODEBUG|unreferenced object'
TROUBLE+='|new suspected memory leaks|corruption|refcount_t:|detected stall'
TROUBLE+='|detected expedited stall|soft lockup|Unable to handle'

# check_log NAME FILE: a test of its own; a log without the kernel's version is
# not one
check_log()
{
	local hits

	if ! grep -aq 'Linux version' "$2"; then
		result "not ok" "$1: kernel log has no beginning"
		return
	fi
	hits=$(grep -aEn -A 12 "$TROUBLE" "$2" | head -n 60 || true)
	if [ -z "$hits" ]; then
		result ok "$1: kernel log is clean"
	else
		tr -d '\r' <<<"$hits" | sed 's/^/# /'
		result "not ok" "$1: kernel log is clean"
	fi
}

summary()
{
	printf '1..%d\n' $((passed + failed + skipped))
	printf '%d passed, %d failed, %d skipped\n' \
		"$passed" "$failed" "$skipped"
}
