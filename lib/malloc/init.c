/* SPDX-License-Identifier: MIT */
/*
 * init.c - start-up: from the first call or the ELF constructor, whichever
 * comes first.
 *
 * The first calls come from the loader, before libc has set up its environment:
 * they are served by the boot arena until there is one. Start-up itself calls
 * nothing that may allocate or take a lock of libc. Whoever calls while it is
 * under way uses the boot arena as well. What needs libc (the fork handlers)
 * waits for the constructor.
 *
 * States: DOWN -> STARTING -> UP, or FAILED if there is no memory at all.
 */
#include "base/atomic.h"
#include "base/bug.h"
#include "base/params.h"
#include "malloc/internal.h"
#include "os/os.h"
#include "page_alloc/faultin.h"
#include "page_alloc/page_alloc.h"
#include "page_alloc/thp.h"
#include "percpu/percpu.h"
#include "slab/slab.h"
#include "vma/lazy.h"
#include "vma/map.h"
#include "vma/mapping.h"
#include "vmalloc/gather.h"
#include "vmalloc/vmalloc.h"

enum state { DOWN, STARTING, UP, FAILED };

static uint32_t state; /* Atomic: enum state */

bool malloc_is_up(void)
{
	return load_acquire(&state) == UP;
}

static const char *why_quiet(void)
{
	if (params.quiet == TRI_OFF)
		return NULL;
	if (params.quiet == TRI_ON)
		return "asked for";
	if (os_is_secure())
		return "raised privileges";
	if (os_under_valgrind())
		return "under valgrind";
	if (!os_may_open_files())
		return "may open no file";
	return NULL;
}

/* Quiet mode: only the calls that sandboxes allow. */
static void decide_mode(void)
{
	const char *why = why_quiet();

	control_set_mode(MODE_ACTIVE, why ? "quiet" : "default", why ? why : "");
	control_set_mode(MODE_PAGER, "off", why ? "quiet" : "not needed yet");
	faultin_init(why != NULL);
	mapping_init(why != NULL);
	lazy_init(why != NULL);
	if (!why)
		return;
	thp_stop_probing();
	pager_forbid();
	gather_forbid();
	if (percpu.mode == PERCPU_MODE_RSEQ) {
		percpu.can_stop = false;
		control_set_mode(MODE_MEMBARRIER, "off", "quiet");
	}
}

static void read_options(void)
{
	const char *text = os_getenv("PAGODA_OPTIONS");

	if (os_is_secure()) {
		control_set_mode(MODE_OPTIONS, "defaults",
				 "raised privileges");
		return;
	}
	params_parse(text);
	control_set_mode(MODE_OPTIONS, text ? "PAGODA_OPTIONS" : "defaults",
			 text ? text : "");
}

static void drain(void)
{
	mapping_trim();
	slab_drain();
	vmalloc_release();
}

static void open_fast_paths(void)
{
	static const struct reclaim_ops ops = {
		.shrink = slab_reap,
		.count = slab_reclaimable,
		.make_up = vmalloc_make_up,
		.drain = drain,
	};

	page_alloc_set_reclaim(&ops);
	fast.span_base = span.base;
	fast.page_class = (uintptr_t)span.page_class -
			  (span.base >> PAGE_SHIFT);
	if (percpu.mode != PERCPU_MODE_RSEQ)
		return;
	/* The sizes last: they are what the fast paths look at first. */
	store_release(&fast.span_size, span.size);
	store_release(&fast.alloc_below, (size_t)KMALLOC_MAX + 1);
}

static bool start(void)
{
	control_init();
	control.page_size = (uint32_t)os_page_size();
	control.pid = os_getpid();
	control_set_mode(MODE_PAGESIZE, "4096", "");
	if (control.page_size != PAGE_SIZE) {
		warn("pages of %u bytes are not supported yet",
		     control.page_size);
		return false;
	}
	read_options();
	/* The span last: it takes most of what address space is left. Without
	 * barns everything works, only slower. */
	if (percpu_init() < 0)
		return false;
	if (slab_init() < 0)
		warn("no address space for barns");
	if (page_alloc_init() < 0)
		return false;
	decide_mode();
	open_fast_paths();
	return true;
}

static COLD bool start_once(void)
{
	uint32_t expected = DOWN;

	/* An empty boot arena is worse than an unread option. */
	if (!os_environ_ready() && control.boot_used < KiB(64))
		return false;
	if (!cas_relaxed(&state, &expected, STARTING))
		return expected == UP;
	if (!start()) {
		store_release(&state, FAILED);
		return false;
	}
	store_release(&state, UP);
	return true;
}

bool malloc_start(void)
{
	return likely(load_acquire(&state) == UP) || start_once();
}

__attribute__((constructor(101))) static void constructor(void)
{
	if (malloc_start())
		fork_init();
}

__attribute__((destructor)) static void destructor(void)
{
	if (malloc_is_up())
		stats_at_exit();
}
