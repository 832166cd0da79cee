/* SPDX-License-Identifier: MIT */
/*
 * screen.c - "pagoda top" on a terminal, with ncurses.
 *
 * Signals are let in only while the tool waits for a key, so none is missed and
 * none comes while ncurses writes. Whatever ends the tool (q, a signal, exit()
 * in a library) passes restore(), which gives the terminal back. A stop (^Z)
 * and the going on are handled by ncurses.
 */
#include "top/run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "clock.h"

#include <curses.h>
/* Makes macros of words like "columns": last. */
#include <term.h>

enum { MISSES_MOST = 10 };

static SCREEN *screen;
static bool on_screen;
static volatile sig_atomic_t caught;

static void restore(void)
{
	if (on_screen)
		endwin();
	on_screen = false;
}

/* --- the terminal --- */

/* Can the cursor be moved? Complains if not. */
static bool is_screen(void)
{
	const char *term = getenv("TERM");
	const char *move;
	int err;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		complain("top: standard input and output are not a terminal: "
			 "use -b");
		return false;
	}
	if (setupterm(NULL, STDOUT_FILENO, &err) != OK) {
		complain("top: the terminal '%s' is not known here: set TERM, "
			 "or use -b",
			 term ? term : "");
		return false;
	}
	move = tigetstr("cup");
	if (!move || move == (char *)-1) {
		complain("top: the terminal '%s' cannot move its cursor: use "
			 "-b",
			 term ? term : "");
		return false;
	}
	return true;
}

/* 0 if it is not known: ncurses takes what terminfo says then. */
static bool is_large(void)
{
	struct winsize size = { 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col ||
	    !size.ws_row)
		return true;
	if (size.ws_col >= TOP_MIN_WIDTH && size.ws_row >= TOP_MIN_HEIGHT)
		return true;
	complain("top: the terminal is too small: %dx%d, at least %dx%d needed",
		 size.ws_col, size.ws_row, TOP_MIN_WIDTH, TOP_MIN_HEIGHT);
	return false;
}

static attr_t attributes[NR_STYLES] = {
	[STYLE_BOLD] = A_BOLD,
	[STYLE_HEAD] = A_REVERSE,
	[STYLE_CHOSEN] = A_REVERSE | A_BOLD,
	[STYLE_CURSOR] = A_REVERSE | A_BOLD,
	[STYLE_WARN] = A_BOLD,
	[STYLE_BAD] = A_BOLD,
};

static void choose_colours(void)
{
	static const struct {
		enum style style;
		short colour;
		short ground;
		attr_t more;
	} colours[] = {
		{ STYLE_HEAD, COLOR_BLACK, COLOR_GREEN, 0 },
		{ STYLE_CHOSEN, COLOR_BLACK, COLOR_CYAN, 0 },
		{ STYLE_CURSOR, COLOR_BLACK, COLOR_CYAN, 0 },
		{ STYLE_GOOD, COLOR_GREEN, -1, 0 },
		{ STYLE_WARN, COLOR_YELLOW, -1, 0 },
		{ STYLE_BAD, COLOR_RED, -1, A_BOLD },
		{ STYLE_USED, COLOR_GREEN, -1, 0 },
		{ STYLE_LARGE, COLOR_BLUE, -1, A_BOLD },
		{ STYLE_CACHED, COLOR_CYAN, -1, 0 },
		{ STYLE_KEPT, COLOR_YELLOW, -1, 0 },
	};

	if (!use_colour() || !has_colors() || start_color() == ERR)
		return;
	use_default_colors();
	for (size_t i = 0; i < ARRAY_SIZE(colours); i++) {
		short pair = (short)(i + 1);

		init_pair(pair, colours[i].colour, colours[i].ground);
		attributes[colours[i].style] = (attr_t)COLOR_PAIR(pair) |
					       colours[i].more;
	}
}

static bool open_screen(void)
{
	screen = newterm(NULL, stdout, stdin);
	if (!screen) {
		complain("top: the terminal cannot be used: use -b");
		return false;
	}
	on_screen = true;
	atexit(restore);
	set_escdelay(25);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	choose_colours();
	return true;
}

/* --- drawing --- */

static void draw_line(const struct line *line, void *arg)
{
	int *y = arg;

	move((*y)++, 0);
	for (int x = 0; x < line->len; x++)
		addch((chtype)(unsigned char)line->text[x] |
		      (chtype)attributes[line->style[x]]);
}

static void draw(struct top *t)
{
	int y = 0;
	struct output o = { .emit = draw_line, .arg = &y };

	o.width = COLS < MAX_WIDTH ? COLS : MAX_WIDTH;
	erase();
	top_show(t, &o, LINES);
	refresh();
}

/* --- signals and keys --- */

static void catch_signal(int sig)
{
	caught = sig;
}

/* *ret_open: the signals that are let in while the tool waits. */
static void arrange_signals(sigset_t *ret_open)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction action = { .sa_handler = catch_signal };
	sigset_t closed;

	sigemptyset(&closed);
	sigaddset(&closed, SIGWINCH);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		sigaction(ends[i], &action, NULL);
		sigaddset(&closed, ends[i]);
	}
	sigprocmask(SIG_BLOCK, &closed, ret_open);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		sigdelset(ret_open, ends[i]);
	sigdelset(ret_open, SIGWINCH);
}

enum event { EVENT_NONE, EVENT_KEY, EVENT_GONE };

/* Wait for a key, a signal, @until, or for the terminal to be gone. */
static enum event wait_for_key(double until, const sigset_t *open)
{
	struct pollfd fd = { .fd = STDIN_FILENO, .events = POLLIN };
	struct timespec ts = to_timespec(until - now());
	int nr = ppoll(&fd, 1, &ts, open);

	if (nr < 0)
		return errno == EINTR ? EVENT_NONE : EVENT_GONE;
	if (!nr)
		return EVENT_NONE;
	return fd.revents == POLLIN ? EVENT_KEY : EVENT_GONE;
}

static int translate(int key)
{
	switch (key) {
	case '\r':
	case KEY_ENTER:
		return TOP_KEY_ENTER;
	case KEY_UP:
		return TOP_KEY_UP;
	case KEY_DOWN:
		return TOP_KEY_DOWN;
	case KEY_LEFT:
		return TOP_KEY_LEFT;
	case KEY_RIGHT:
		return TOP_KEY_RIGHT;
	case KEY_PPAGE:
		return TOP_KEY_PAGE_UP;
	case KEY_NPAGE:
		return TOP_KEY_PAGE_DOWN;
	case KEY_HOME:
		return TOP_KEY_HOME;
	case KEY_END:
		return TOP_KEY_END;
	case KEY_BTAB:
		return TOP_KEY_BACKTAB;
	default:
		return key < 256 ? key : 0;
	}
}

/* All keys that were pressed; *ret_nr of them. */
static enum top_action take_keys(struct top *t, int *ret_nr)
{
	enum top_action most = TOP_REDRAW;
	int key;

	*ret_nr = 0;
	while (most != TOP_QUIT && (key = getch()) != ERR) {
		enum top_action action = TOP_REDRAW;

		++*ret_nr;
		/* A resize comes as a key; it needs nothing but new lines. */
		if (key != KEY_RESIZE && translate(key))
			action = top_key(t, translate(key));
		if (action > most)
			most = action;
		/* What is chosen next may be in the new sample. */
		if (action == TOP_SAMPLE)
			break;
	}
	return most;
}

static void watch(struct top *t, uint64_t count, const sigset_t *open)
{
	double next = now() + t->delay;
	int misses = 0;
	uint64_t shown = 1;

	/* Where there is something to read again and again, but never a key, the
	 * terminal is not ours any more. */
	while (!caught && misses < MISSES_MOST) {
		enum top_action action;
		enum event event;
		int nr;

		draw(t);
		event = wait_for_key(next, open);
		if (event == EVENT_GONE || caught)
			return;
		action = take_keys(t, &nr);
		misses = event == EVENT_KEY && !nr ? misses + 1 : 0;
		if (action == TOP_QUIT)
			return;
		if (action == TOP_REDRAW && now() < next)
			continue;
		if (now() >= next && count && ++shown > count)
			return;
		top_take(t);
		next = now() + t->delay;
	}
}

enum tool_status run_screen(struct top *t, uint64_t count)
{
	sigset_t open;

	if (!is_screen() || !is_large() || !open_screen())
		return TOOL_FAILED;
	arrange_signals(&open);
	watch(t, count, &open);
	restore();
	delscreen(screen);
	if (!caught)
		return TOOL_OK;
	/* End as who sent it expects. */
	signal(caught, SIG_DFL);
	sigprocmask(SIG_SETMASK, &open, NULL);
	raise(caught);
	return (enum tool_status)(128 + caught);
}
