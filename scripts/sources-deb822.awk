# SPDX-License-Identifier: GPL-2.0
# Package sources in deb822 form: the stanzas for the Debian suites of release
# "code" (and with "backports" its backports), for every architecture. With
# "instead", that suite of the same archive.

function field(name, continued,    i, n, line, value, inside) {
	n = split($0, line, "\n")
	for (i = 1; i <= n; i++) {
		if (line[i] ~ /^#/)
			continue
		if (tolower(line[i]) ~ "^" name ":") {
			value = line[i]
			sub(/^[^:]*:[ \t]*/, "", value)
			inside = 1
		} else if (inside && line[i] ~ /^[ \t]/) {
			value = value (continued ? "\n" : " ") line[i]
		} else {
			inside = 0
		}
	}
	return value
}

function has_word(text, word) {
	return index(" " text " ", " " word " ") > 0
}

BEGIN { RS = "" }

has_word(field("types"), "deb") && has_word(field("components"), "main") &&
tolower(field("enabled")) != "no" {
	suites = ""
	n = split("|-updates|-security", suffix, "|")
	for (i = 1; i <= n; i++)
		if (has_word(field("suites"), code suffix[i]))
			suites = suites " " code suffix[i]
	if (suites == "")
		next
	if (backports && has_word(field("suites"), code))
		suites = suites " " code "-backports"
	if (instead != "") {
		if (!has_word(field("suites"), code))
			next
		suites = " " instead
	}
	printf "Types: deb\nURIs: %s\nSuites:%s\nComponents: main\n",
		field("uris"), suites
	if (field("signed-by") != "")
		printf "Signed-By: %s\n", field("signed-by", 1)
	print ""
}
