# shellcheck shell=bash
# g++: compiles a file full of templates to the same bytes, links it and runs
# it: containers, strings, exceptions, threads, aligned new and pmr.

needs g++

flags=(-std=c++20 -O2 -Wall)
ln -s "$HERE/work/templates.cc" .
preloaded g++ "${flags[@]}" -c templates.cc -o templates.o
cp templates.o "$OUT/"
preloaded g++ -pthread templates.o -o program
preloaded ./program >"$OUT/program"
check_processes 6
