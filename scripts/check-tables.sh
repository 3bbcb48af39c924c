#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Are the tables in Documentation/virt/gunyah those of the code?
#
# In vm-manager.rst the states' table is compared with that of the state machine;
# what calls answer with what the KUnit suite expects of them, and their names with
# the user ABI. In security.rst accesses to lent memory with what gunyah_access
# expects of them.

set -o pipefail
cd "$(dirname "$0")/.." || exit

DOC=Documentation/virt/gunyah/vm-manager.rst
STATES=drivers/virt/gunyah/vm_mgr_state.c
ANSWERS=tests/kunit/gunyah_vm_status_cases.c
UAPI=include/uapi/linux/gunyah.h
SECURITY=Documentation/virt/gunyah/security.rst
ACCESS=tests/selftests/access.c

bad=0

# doc_table LABEL: the cells of the table behind a label, one row a line; its head
# is the first
doc_table()
{
	awk -v label=".. _$1:" '
		$0 == label { found = 1 }
		found && /^=/ { rules++; next }
		rules == 3 { exit }
		found && rules { gsub("`", ""); $1 = $1; print }
	' "$DOC"
}

# names: identifiers as the document writes them
names()
{
	sed -E 's/GH_VM_(EV_)?//g; s/be_//g; y/ABCDEFGHIJKLMNOPQRSTUVWXYZ_/abcdefghijklmnopqrstuvwxyz-/'
}

code_states()
{
	sed -nE 's/^\t\{ (GH_VM_\w+),\s+(GH_VM_EV_\w+),\s+(GH_VM_\w+) \},$/\1 \2 \3/p' \
		"$STATES" | names
}

# What is in the array of that name
code_columns()
{
	tr -s '\n\t' ' ' <"$ANSWERS" |
		sed -E 's/.* columns\[\]\)\([^)]*\) = \{ ([^}]*), \};.*/\1/; s/,//g' |
		names
}

code_answers()
{
	tr -s '\n\t' ' ' <"$ANSWERS" | grep -oE '[^_]ROW\(GH_[^)]*\)' |
		sed -E 's/.ROW\((\w+), \w+, (.*)\)/\1 \2/; s/,//g; s/WAITS/waits/g'
}

uapi_calls()
{
	sed -nE 's/^#define (GH_(VM|GET)_\w+)\s+_IO.*/\1/p' "$UAPI"
}

# code_access_member NAME: of the accesses in standard input; "-" if one has none
code_access_member()
{
	sed -E "/\.$1 = /!s/.*/-/; s/.*\.$1 = (\"([^\"]*)\"|(\w+)).*/\2\3/; s/^CRASH$/abort/"
}

# One access a line: its name, and what it comes to with each kind of memory
code_accesses()
{
	local rows

	rows=$(tr -s '\n\t' ' ' <"$ACCESS" | grep -oE '\{ \.name = "[^}]*\}')
	paste -d'|' <(code_access_member name <<<"$rows") \
		<(code_access_member pinned <<<"$rows") \
		<(code_access_member file <<<"$rows") \
		<(code_access_member moved <<<"$rows")
}

# The columns of the document that are compared
doc_accesses()
{
	awk -F '  +' -v OFS='|' -v label=".. _gunyah-access-table:" '
		$0 == label { found = 1 }
		found && /^=/ { rules++; next }
		rules == 3 { exit }
		rules == 2 { print $1, $2, $3, $4 }
	' "$SECURITY"
}

# compare WHAT EXPECTED FOUND SOURCE [DOCUMENT]
compare()
{
	if [ -z "$2" ] || [ -z "$3" ]; then
		echo "$1: nothing found"
		bad=1
	elif ! diff -u --label "$4" <(printf '%s\n' "$2") --label "${5:-$DOC}" <(printf '%s\n' "$3"); then
		echo "$1 differ"
		bad=1
	fi
}

compare "states" "$(code_states | sort)" \
	"$(doc_table gunyah-vm-states | tail -n +2 | sort)" "$STATES"
compare "columns of answers" "call $(code_columns)" \
	"$(doc_table gunyah-vm-answers | head -n 1 | names)" "$ANSWERS"
compare "answers" "$(code_answers | sort)" \
	"$(doc_table gunyah-vm-answers | tail -n +2 | sort)" "$ANSWERS"
compare "calls" "$(uapi_calls | sort)" \
	"$(doc_table gunyah-vm-answers | tail -n +2 | cut -d' ' -f1 | sort)" "$UAPI"
compare "accesses to lent memory" "$(code_accesses | sort)" "$(doc_accesses | sort)" \
	"$ACCESS" "$SECURITY"
exit $bad
