/* SPDX-License-Identifier: MIT */
/*
 * tree.h - the file system of "pagoda mount": DIR/PID/FILE.
 */
#ifndef PAGODA_TOOL_TREE_H
#define PAGODA_TOOL_TREE_H

#define FUSE_USE_VERSION 312
#include <fuse.h>

extern const struct fuse_operations tree_operations;

#endif
