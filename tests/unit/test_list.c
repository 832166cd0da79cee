/* SPDX-License-Identifier: MIT */
/*
 * test_list.c - base/list.h against arrays: whatever is added and deleted in
 * whatever order, both directions of a list agree and hold what they should.
 */
#include "unit.h"

#include <string.h>

#include "base/list.h"

enum { NR = 32 };

struct item {
	struct list_head list;
	struct hlist_node hash;
	unsigned int value;
};

static struct item items[NR];

static void check_list(struct list_head *head, struct item *const *want,
		       size_t nr)
{
	struct list_head *pos = head->next;

	assert_int_equal(list_empty(head), nr == 0);
	for (size_t i = 0; i < nr; i++, pos = pos->next) {
		assert_ptr_equal(list_entry(pos, struct item, list), want[i]);
		assert_ptr_equal(pos->next->prev, pos);
		assert_ptr_equal(pos->prev->next, pos);
	}
	assert_ptr_equal(pos, head);
	if (nr) {
		assert_ptr_equal(list_first_entry(head, struct item, list),
				 want[0]);
		assert_ptr_equal(list_last_entry(head, struct item, list),
				 want[nr - 1]);
	}
}

static void test_list(void **state)
{
	struct rng rng = rng_seeded(1);
	struct item *model[NR];
	bool in[NR] = { false };
	struct list_head head;
	size_t nr = 0;

	(void)state;
	INIT_LIST_HEAD(&head);
	for (int i = 0; i < 5000; i++) {
		size_t k = rng_below(&rng, NR);
		struct item *it = &items[k];

		if (in[k]) {
			size_t at = 0;

			while (model[at] != it)
				at++;
			list_del(&it->list);
			memmove(&model[at], &model[at + 1],
				(nr - at - 1) * sizeof(*model));
			nr--;
		} else if (rng_below(&rng, 2)) {
			list_add(&it->list, &head);
			memmove(&model[1], &model[0], nr * sizeof(*model));
			model[0] = it;
			nr++;
		} else {
			list_add_tail(&it->list, &head);
			model[nr++] = it;
		}
		in[k] = !in[k];
		check_list(&head, model, nr);
	}
}

static void test_list_for_each_safe(void **state)
{
	struct list_head head, *pos, *tmp;
	struct item *left[NR];
	size_t nr = 0;

	(void)state;
	INIT_LIST_HEAD(&head);
	for (unsigned int i = 0; i < NR; i++) {
		items[i].value = i;
		list_add_tail(&items[i].list, &head);
	}
	/* Entries may go while the walk is under way. */
	list_for_each_safe(pos, tmp, &head) {
		struct item *it = list_entry(pos, struct item, list);

		if (it->value % 3)
			list_del(pos);
		else
			left[nr++] = it;
	}
	assert_int_equal(nr, 11);
	check_list(&head, left, nr);
}

static void check_hlist(struct hlist_head *head, struct item *const *want,
			size_t nr)
{
	struct hlist_node **link = &head->first;

	assert_int_equal(hlist_empty(head), nr == 0);
	for (size_t i = 0; i < nr; i++) {
		assert_ptr_equal(hlist_entry(*link, struct item, hash),
				 want[i]);
		assert_ptr_equal((*link)->pprev, link);
		link = &(*link)->next;
	}
	assert_null(*link);
}

static void test_hlist(void **state)
{
	struct hlist_head head = { 0 };
	struct rng rng = rng_seeded(2);
	struct item *model[NR];
	bool in[NR] = { false };
	size_t nr = 0;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		size_t k = rng_below(&rng, NR);

		if (in[k]) {
			size_t at = 0;

			while (model[at] != &items[k])
				at++;
			hlist_del(&items[k].hash);
			memmove(&model[at], &model[at + 1],
				(nr - at - 1) * sizeof(*model));
			nr--;
		} else {
			hlist_add_head(&items[k].hash, &head);
			memmove(&model[1], &model[0], nr * sizeof(*model));
			model[0] = &items[k];
			nr++;
		}
		in[k] = !in[k];
		check_hlist(&head, model, nr);
	}
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_list_for_each_safe),
		cmocka_unit_test(test_hlist),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
