/* SPDX-License-Identifier: MIT */
/*
 * target.h - another process that runs on the library, seen from outside.
 */
#ifndef PAGODA_TOOL_TARGET_H
#define PAGODA_TOOL_TARGET_H

#include <sys/types.h>

#include "proc/proc.h"

enum target_status {
	TARGET_OK,
	TARGET_NO_PROCESS,
	TARGET_NO_PERMISSION,
	TARGET_NO_LIBRARY, /* libpagoda.so is not mapped */
	TARGET_NOT_STARTED, /* it is, but shows nothing yet */
	TARGET_OTHER_VERSION,
	TARGET_DAMAGED, /* the control block makes no sense */
	TARGET_FAILED, /* see `error` */
};

struct target {
	pid_t pid;
	int error; /* errno of TARGET_FAILED */
	uint32_t version; /* of its control block */
	struct control_block control;
	struct proc_snapshot snapshot; /* of `control` */
};

/*
 * target_read() - look at process @pid, running or stopped. It is not touched
 * and notices nothing.
 */
enum target_status target_read(struct target *t, pid_t pid);

#endif
