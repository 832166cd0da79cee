# shellcheck shell=bash
# java: the compiler (a large Java program itself), then threads, strings,
# collections, garbage collection, compression and child processes.

needs java javac

# A cap on the heap leaves memory to the tests that run beside this one.
options=(-Xmx512m -Xshare:auto)
preloaded javac -J-Xmx512m -d . "$HERE/work/Main.java"
preloaded java "${options[@]}" -XX:+UseG1GC Main >"$OUT/g1"
preloaded java "${options[@]}" -XX:+UseSerialGC -Xint Main short >"$OUT/serial"
sha256sum ./*.class >"$OUT/classes"
