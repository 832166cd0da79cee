# shellcheck shell=bash
# lua: tables, strings, closures, coroutines and the garbage collector. Lua
# asks realloc for everything.

needs lua5.4

preloaded lua5.4 "$HERE/work/script.lua" >"$OUT/result"
