# shellcheck shell=bash
# gcc: compiles a large generated C file to the same bytes, links it (once more
# with link-time optimisation, where ld loads a plugin) and runs it.

needs gcc

awk 'BEGIN {
	print "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>"
	n = 300
	for (i = 0; i < n; i++) {
		printf "struct s%d { int a[%d]; char *name; struct s%d *next; };\n",
			i, i % 13 + 1, i ? i - 1 : 0
		printf "static unsigned f%d(unsigned x, struct s%d *s)\n{\n", i, i
		printf "\tchar *text = malloc(x %% %d + 64);\n", i + 1
		print "\tunsigned sum = x;"
		printf "\tif (!text)\n\t\treturn 0;\n"
		printf "\tfor (int i = 0; i < %d; i++) {\n", i % 13 + 1
		printf "\t\ts->a[i] = (int)(x * %du + i);\n", i * 2 + 1
		print "\t\tswitch (s->a[i] & 15) {"
		for (c = 0; c < 12; c++)
			printf "\t\tcase %d: sum += x ^ %du; break;\n", c, c * i
		print "\t\tdefault: sum -= 7;\n\t\t}\n\t}"
		printf "\tsprintf(text, \"%%u of f%d\", sum);\n", i
		print "\tsum += strlen(text);\n\tfree(text);"
		if (i)
			printf "\tstruct s%d t;\n\tsum += f%d(sum, &t);\n", i - 1, i - 1
		print "\treturn sum;\n}"
	}
	print "int main(void)\n{"
	printf "\tstruct s%d s;\n\tfor (unsigned i = 0; i < 100; i++)\n", n - 1
	printf "\t\tprintf(\"%%u\\n\", f%d(i, &s));\n\treturn 0;\n}\n", n - 1
}' >generated.c

flags=(-O2 -Wall -g -frandom-seed=1 "-fdebug-prefix-map=$PWD=.")
preloaded gcc "${flags[@]}" -c generated.c -o generated.o
cp generated.o "$OUT/"
preloaded gcc generated.o -o program
preloaded ./program >"$OUT/program"

preloaded gcc -O1 -flto=2 -c generated.c -o lto.o
preloaded gcc -O1 -flto=2 lto.o -o lto
preloaded ./lto >"$OUT/lto"
cmp "$OUT/program" "$OUT/lto"

# diagnostics of a file that must not compile
sed 's/unsigned sum = x;/unsigned sum = y;/' generated.c >wrong.c
! preloaded gcc -c wrong.c 2>"$OUT/diagnostics" || fail "compiled wrong.c"

# four runs of the driver, cc1, as, collect2, ld, lto1 and the programs
check_processes 16
