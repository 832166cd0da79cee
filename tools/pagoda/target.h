/* SPDX-License-Identifier: MIT */
/*
 * target.h - another process that runs on the library, seen from outside, or its
 * core file.
 */
#ifndef PAGODA_TOOL_TARGET_H
#define PAGODA_TOOL_TARGET_H

#include "memory.h"
#include "proc/proc.h"
#include "tool.h"

enum target_status {
	TARGET_OK,
	TARGET_NO_PROCESS,
	TARGET_NO_PERMISSION,
	TARGET_NO_LIBRARY, /* libpagoda.so is not mapped */
	TARGET_NOT_STARTED, /* it is, but shows nothing yet */
	TARGET_OTHER_VERSION,
	TARGET_DAMAGED, /* the control block or the core file makes no sense */
	TARGET_NO_CORE, /* the file is not a core file */
	TARGET_TRUNCATED, /* the core file does not have it all */
	TARGET_FAILED, /* see `error` */
};

struct target {
	struct memory memory;
	int error; /* errno of TARGET_FAILED */
	uint32_t version; /* of its control block */
	uint64_t address; /* of its control block; 0: not found */
	bool without_areas; /* target_reread() leaves them out */
	struct control_block control;
	struct proc_snapshot snapshot; /* of `control` */
};

/* Room for one, to be freed with free(). NULL: it has complained. */
struct target *target_new(void);

/*
 * target_read() - look at process @pid, running or stopped. It is not touched
 * and notices nothing.
 */
enum target_status target_read(struct target *t, pid_t pid);

/*
 * target_reread() - look at the process of @t once more, for less: its mappings
 * are not searched again if the control block is where it was.
 */
enum target_status target_reread(struct target *t);

/*
 * target_find() - is process @pid on the library? Nothing else is read;
 * target_reread() may follow. Status as of target_read(), but for
 * TARGET_DAMAGED.
 * @address: of its control block when it was found last, which makes this
 * cheap; 0: not known.
 */
enum target_status target_find(struct target *t, pid_t pid, uint64_t address);

/*
 * target_read_core() - the same from the core file @path.
 * target_close() - when @t is done with; needed after target_read_core() only.
 */
enum target_status target_read_core(struct target *t, const char *path);
void target_close(struct target *t);

/* What errno @err of reading @t means. */
enum target_status target_status_of(struct target *t, int err);

/*
 * target_for_each_data() - call @fn for the ranges of the library's variables
 * until it returns false. Return: 0 or -errno.
 */
int target_for_each_data(const struct target *t,
			 bool (*fn)(const struct memory *m, uint64_t start,
				    uint64_t end, void *arg),
			 void *arg);

/*
 * explain_target() - complain if @status is not TARGET_OK.
 * @core: path of the core file, or NULL.
 * Return: how the tool should end.
 */
enum tool_status explain_target(const struct target *t, const char *core,
				enum target_status status);

#endif
