#!/bin/sh
# ksyms.sh - from `nm -n` of the linked kernel on standard input to the table that the kernel prints
# traces from (arch/x86/trace.c): text symbols only, by offset from image_start, and their names.
# With no input it makes an empty table, for the first of the two links.
awk '
BEGIN { print "\t.section .symbols, \"a\""; print "\t.globl symbol_table, symbol_count, symbol_names" }
$3 == "image_start" { }
$2 == "T" || $2 == "t" { if ($1 !~ /^ffffffff8/) next; n++; name[n] = $3 }
END {
	print "\t.balign 8"
	print "symbol_table:"
	offset = 0
	for (i = 1; i <= n; i++) { print "\t.long " name_expression(i) ", " offset; offset += length(name[i]) + 1 }
	print "symbol_count: .long " n + 0
	print "symbol_names:"
	for (i = 1; i <= n; i++) print "\t.asciz \"" name[i] "\""
	if (!n) print "\t.byte 0"
	print "\t.section .note.GNU-stack, \"\", @progbits"
}
function name_expression(i) { return "0x" low[i] }
$2 == "T" || $2 == "t" { low[n] = substr($1, 9) }
' | awk '
# Addresses are 0xffffffff80xxxxxx; the image starts at ...80200000, and all offsets are below 2 GiB.
/^\t\.long 0x/ { sub(/0x8/, "0x8"); split($2, a, ","); print "\t.long " a[1] " - 0x80200000, " $3; next }
{ print }'
