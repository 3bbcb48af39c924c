# SPDX-License-Identifier: GPL-2.0
# One-line package sources to deb822 stanzas: the Debian suites of release
# "code" (and with "backports" its backports), for every architecture. With
# "instead", that suite of the same archive.

function stanza(suite) {
	printf "Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n", uri, suite
	if (key != "")
		printf "Signed-By: %s\n", key
	print ""
}

$1 == "deb" {
	sub(/#.*/, "")
	key = ""
	if (match($0, /\[[^]]*\]/)) {
		n = split(substr($0, RSTART + 1, RLENGTH - 2), option, " ")
		for (i = 1; i <= n; i++)
			if (option[i] ~ /^signed-by=/)
				key = substr(option[i], 11)
		$0 = substr($0, 1, RSTART - 1) " " substr($0, RSTART + RLENGTH)
	}
	uri = $2
	has_main = 0
	for (i = 4; i <= NF; i++)
		if ($i == "main")
			has_main = 1
	if (!has_main)
		next
	if (instead != "") {
		if ($3 == code)
			stanza(instead)
		next
	}
	if ($3 == code || $3 == code "-updates" || $3 == code "-security")
		stanza($3)
	if ($3 == code && backports)
		stanza(code "-backports")
}
