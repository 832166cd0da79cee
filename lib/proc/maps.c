/* SPDX-License-Identifier: MIT */
/*
 * maps.c - what lies where, in the shape of /proc/PID/maps.
 *
 * The parts of zones that are online, areas of VMALLOC space, and mappings. What
 * is reserved only is left out, and so is what is free and clean in VMALLOC
 * space.
 */
#include "proc/proc.h"

void maps_show(struct seq_file *m, const struct proc_snapshot *s)
{
	proc_for_each_area(m, s, proc_show_map);
	proc_show_unlisted(m, s, AREAS_VMALLOC);
	proc_show_unlisted(m, s, AREAS_UNPURGED);
	proc_show_unlisted(m, s, AREAS_MM);
}
