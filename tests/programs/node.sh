# shellcheck shell=bash
# node: JSON, maps, buffers, streams, compression, cryptography, worker
# threads and child processes.

needs node

preloaded node "$HERE/work/script.js" >"$OUT/result"
