# SPDX-License-Identifier: GPL-2.0-only
#
# Reports each function and file that a document mentions and that does not exist:
#	awk -f doc-names.awk FILE... -- SOURCE... DOCUMENT...
# FILEs are all paths of the tree. A text in double backquotes in a document (in single ones in
# .md) counts as one of Oriel's names if it looks like one:
#	name()		a function or macro, defined in a SOURCE
#	loop.c, irq/	a file or folder, by its path from any folder on; * stands for any name
#	scripts/lab ... the same from the top, with any ending; the arguments are ignored
# So names of other projects are written without () or without backquotes.
#
# In a list-table, a cell with files only has the files of the functions in the cell before it.

# Remember each end of a path, and each end of the folders on it with a slash behind.
function know(path,   rest)
{
	for (rest = path; !(rest in known); sub(/^[^\/]*\//, "", rest)) {
		known[rest]
		if (rest !~ /^[^\/]*\/./)
			break
	}
	if (path ~ /\/./) {
		sub(/[^\/]*\/?$/, "", path)
		know(path)
	}
}

function exists(path,   pattern, entry)
{
	if (path in known || path "/" in known)
		return 1
	if (path !~ /\*/)
		return 0
	pattern = path
	gsub(/\./, "[.]", pattern)
	gsub(/\*/, "[^/]*", pattern)
	for (entry in known)
		if (entry ~ "^" pattern "$")
			return 1
	return 0
}

# Define each identifier in the parts of the line that match the pattern.
function define(line, pattern,   name)
{
	while (match(line, pattern)) {
		name = substr(line, RSTART, RLENGTH)
		line = substr(line, RSTART + RLENGTH)
		gsub(/[^A-Za-z0-9_]/, "", name)
		defined[name] = defined[name] " " FILENAME " "
	}
}

function complain(line, what, name)
{
	printf "%s:%d: there is no %s %s\n", FILENAME, line, what, name
	bad = 1
}

# A cell of a table ends: compare its files with the functions of the cell before it.
function end_cell(   i, j, found)
{
	for (i = 1; i <= old_functions && files && !functions; i++) {
		found = 0
		for (j = 1; j <= files; j++)
			found += index(defined[old_function[i]], " " file[j] " ")
		if (!found)
			complain(cell, "function", old_function[i] "() in these files")
	}
	for (i = 1; i <= functions; i++)
		old_function[i] = named[i]
	old_functions = functions
	functions = files = 0
	cell = FNR
}

function judge(name)
{
	if (name ~ /^[A-Za-z_][A-Za-z0-9_]*\(\)$/) {
		name = substr(name, 1, length(name) - 2)
		if (name in defined)
			named[++functions] = name
		else
			complain(FNR, "function", name "()")
		return
	}
	if (name ~ /^(kernel|user|uapi|scripts|tests|Documentation)\//)
		sub(/ .*/, "", name)
	else if (name !~ /^[A-Za-z0-9_*][A-Za-z0-9_.*\/-]*(\.[chS]|\.rst|\/)$/ || name ~ /^build\//)
		return
	if (!exists(name))
		complain(FNR, "file", name)
	file[++files] = name
}

BEGIN {
	for (i = 1; i < ARGC && ARGV[i] != "--"; i++) {
		know(ARGV[i])
		ARGV[i] = ""
	}
	ARGV[i] = ""
}

# Definitions begin in the first column, calls do not.
FILENAME !~ /\.(rst|md)$/ {
	if (/^([A-Za-z_]|#define )/)
		define($0, "[A-Za-z_][A-Za-z0-9_]*[(]")
	# A pointer to a function, such as a vendor's operation.
	if (/\(\*/)
		define($0, "[(][*][a-z_0-9]+[)][(]")
	# A macro's arguments: SYM_FUNC_START(name).
	if (/^[ \t]*[A-Z][A-Z0-9_]*\(/)
		define($0, "[a-z_][a-z0-9_]*")
	next
}

FNR == 1 {
	quote = FILENAME ~ /md$/ ? "`" : "``"
	text = ""
}

/^   \* - |^     - / { end_cell() }
/^   \* - |^[^ ]/ { old_functions = functions = files = 0 }

# A quotation may go on in the next line, but not in the next paragraph.
{
	text = /^[ \t]*$/ ? "" : text $0
	n = split(text, part, quote)
	if (n > 1 && n % 2 == 0) {
		text = text " "
		next
	}
	for (i = 2; i <= n; i += 2)
		judge(part[i])
	text = ""
}

END { exit bad }
