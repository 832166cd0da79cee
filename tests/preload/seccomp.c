/* SPDX-License-Identifier: MIT */
/*
 * Proves what the library asks of the kernel, from inside the real process:
 *
 *   sandbox         after start-up it uses only the calls of the list below;
 *                   any other ends the program, as in a sandboxed daemon;
 *   sandbox_early   the same when the filter is there before the first large
 *                   allocation, so that nothing is left for later;
 *   refused         mmap, mprotect, mremap, madvise and munmap fail with ENOMEM
 *                   from the N-th call on, for each N: the caller gets NULL and
 *                   ENOMEM, contents stay, and all works again afterwards;
 *   refused_once    the same for the N-th call alone;
 *   refused_start   the same while a new program starts up (see start_failing).
 */
#include "workload.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#if !defined(__x86_64__)
int main(void)
{
	test_skip("the system call stub is written for x86-64");
}
#else

#include "filter.h"

/* ---- sandbox ----------------------------------------------------------- */

/* Some sandboxes kill. Here the call is named first. */
static void name_call(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	CHECK_MSG(false, "system call %d at %p is not allowed in the sandbox",
		  info->si_syscall, info->si_call_addr);
}

static void enter_sandbox(void)
{
	static const int calls[] = {
		SYS_mmap,
		SYS_munmap,
		SYS_mprotect,
		SYS_mremap,
		SYS_madvise,
		SYS_futex,
		SYS_membarrier,
		/* What any program needs, and this one prints. */
		SYS_write,
		SYS_exit,
		SYS_exit_group,
		SYS_rt_sigreturn,
		SYS_clock_gettime,
	};

	on_sigsys(name_call);
	/* All threads. */
	install(calls, ARRAY_SIZE(calls), SECCOMP_RET_ALLOW, SECCOMP_RET_TRAP,
		SECCOMP_FILTER_FLAG_TSYNC);
}

/* No call of the system: the sandbox has no sleep. */
static void spin(double seconds, struct rng *r)
{
	double end = now() + seconds;

	while (now() < end)
		free(malloc(rng_size(r, 100000)));
}

/* Threads cannot end in the sandbox, so they report and wait. */
static atomic_int threads_done;
static pthread_barrier_t in_sandbox;

static void *sandboxed_thread(void *arg)
{
	struct rng r = rng_for((uintptr_t)arg);
	size_t i;

	/* There, with all that starting a thread takes; then sandboxed. */
	pthread_barrier_wait(&in_sandbox);
	pthread_barrier_wait(&in_sandbox);
	for (i = 0; i < 20; i++)
		use_all_layers(&r);
	atomic_fetch_add(&threads_done, 1);
	for (;;)
		spin(1, &r);
	return NULL;
}

/* All sizes; then megabytes become free, and old enough to be given back. */
static void work_in_sandbox(struct rng *r)
{
	enum { N = 40000 };
	static struct box *box[N];
	size_t i, round;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < N; i++)
			box[i] = box_new(box_size(r, i % 400 ? 2000 : 4 * MIB));
		for (i = 0; i < N; i++)
			box_end(box[i]);
		use_all_layers(r);
		spin(1.3, r);
		malloc_trim(0);
		use_all_layers(r);
	}
	CHECK(mallinfo2().uordblks < (size_t)1 << 40);
	CHECK(!malloc(opaque(PTRDIFF_MAX)));
}

static void sandbox_body(void *arg)
{
	struct rng r = rng_for(0);
	uintptr_t i;

	(void)arg;
	use_all_layers(&r);
	CHECK(!pthread_barrier_init(&in_sandbox, NULL, 3));
	for (i = 0; i < 2; i++)
		start_thread(sandboxed_thread, (void *)i, 0);
	pthread_barrier_wait(&in_sandbox);
	enter_sandbox();
	pthread_barrier_wait(&in_sandbox);
	work_in_sandbox(&r);
	while (threads_done < 2)
		spin(0.01, &r);
	_exit(0);
}

static void sandbox(void)
{
	in_child("sandboxed program", 40, sandbox_body, NULL);
}

static void sandbox_early(void)
{
	static const char *const args[] = {"sandboxed", NULL};
	struct run *run = malloc(sizeof(*run));

	CHECK(run);
	run_self(run, 0, args, NULL, NULL);
	CHECK_STATUS(run->status, 0, "sandboxed program");
	free(run);
}

static int sandboxed_from_main(void)
{
	struct rng r = rng_for(0);

	enter_sandbox();
	work_in_sandbox(&r);
	return 0;
}

/* ---- refused calls ----------------------------------------------------- */

/*
 * Grows, shrinks, returns memory; everything may be refused. What is held when
 * the refusals begin must be intact, and usable, when they end.
 */
static void refused_body(void *arg)
{
	enum { HELD = 300 };
	const long *span = arg;
	struct rng r = rng_for(0);
	static struct box *held[HELD];
	struct box *box;
	size_t i, size, round;
	bool complete = true;

	for (i = 0; i < HELD; i++)
		held[i] = box_new(box_size(&r, i % 30 ? 3000 : 2 * MIB));
	refuse_memory(span[0], span[1]);
	for (round = 0; round < 3; round++) {
		complete &= try_all_layers(&r);
		for (i = 0; i < HELD; i += 2) {
			size = box_size(&r, i % 30 ? 30000 : 9 * MIB);
			errno = 0;
			box = malloc(size);
			CHECK(box || errno == ENOMEM);
			if (!box)
				continue;
			box_fill(box, size);
			box_end(held[i]);
			held[i] = box;
		}
		malloc_trim(0);
		for (i = 1; i < HELD; i += 6) {
			/* Cut or grown, then what it was, or still is. */
			size = sizeof(**held) + rng_below(&r, 200000);
			errno = 0;
			box = realloc(held[i], size);
			CHECK(box || errno == ENOMEM);
			held[i] = box ? box_fill(box, size) : held[i];
			box_check(held[i]);
		}
	}
	if (span[0] == 1 && span[1] == LONG_MAX)
		CHECK_MSG(!complete, "all memory was had without a call");
	relent();
	use_all_layers(&r);
	for (i = 0; i < HELD; i++)
		box_end(held[i]);
	use_all_layers(&r);
	_exit(calls_seen >= span[0] ? 0 : 2);
}

static void refuse_calls(bool once)
{
	enum { MOST = 40 };
	long span[2], n, met = 0;
	int status;
	pid_t pid;

	for (n = 1; n <= MOST; n++) {
		span[0] = n;
		span[1] = once ? n : LONG_MAX;
		pid = fork();
		CHECK(pid >= 0);
		if (!pid) {
			watchdog(20);
			refused_body(span);
		}
		status = wait_for(pid);
		/* So few calls were made: nothing was refused. */
		if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
			continue;
		if (status)
			fprintf(stderr, "refused from call %ld to %ld\n",
				span[0], span[1]);
		CHECK_STATUS(status, 0, "program that is refused memory");
		met++;
	}
	printf("%ld of %d first calls were refused\n", met, MOST);
	/* An allocator that asks for nothing would not have been tested. */
	CHECK_MSG(met >= 10, "only %ld refusals", met);
}

static void refused(void)
{
	refuse_calls(false);
}

static void refused_once(void)
{
	refuse_calls(true);
}

/* ---- refused at start-up ----------------------------------------------- */

/*
 * A signal handler does not outlive exec, so here a parent answers: the filter
 * hands the new program's memory calls to it. It lets pass whatever does not
 * come from the preloaded library (the loader's and libc's own), and refuses
 * the library's calls from the N-th on.
 */
static int send_fd(int socket, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {0}, byte = 0;
	struct iovec io = {&byte, 1};
	struct msghdr message = {.msg_iov = &io,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof(int));
	return sendmsg(socket, &message, 0) == 1 ? 0 : -1;
}

static int receive_fd(int socket)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec io = {&byte, 1};
	struct msghdr message = {.msg_iov = &io,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	int fd;

	CHECK(recvmsg(socket, &message, 0) == 1 && CMSG_FIRSTHDR(&message));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
	return fd;
}

/* Whether @address is code of the preloaded library in process @pid. */
static bool is_librarys(pid_t pid, uint64_t address)
{
	static char text[64 * 1024];
	char path[64], *line, *rest;
	unsigned long start, end;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	read_text(path, text, sizeof(text));
	for (line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (sscanf(line, "%lx-%lx", &start, &end) != 2)
			continue;
		if (address >= start && address < end)
			return strchr(line, '/') &&
			       !strcmp(strchr(line, '/'),
				       symbol_file("malloc"));
	}
	return false;
}

/* Run in the child: hand the listener to the parent, then become a program. */
static void become_watched(int socket)
{
	static const char *const args[] = {"start", "watched", NULL};
	struct sock_filter filter[] = {
		LOAD(nr),
		UNLESS_EQUAL_SKIP(SYS_mmap, 1),
		RETURN(SECCOMP_RET_USER_NOTIF),
		UNLESS_EQUAL_SKIP(SYS_mprotect, 1),
		RETURN(SECCOMP_RET_USER_NOTIF),
		UNLESS_EQUAL_SKIP(SYS_madvise, 1),
		RETURN(SECCOMP_RET_USER_NOTIF),
		RETURN(SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {ARRAY_SIZE(filter), filter};
	long listener;

	CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			   SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	if (listener < 0)
		_exit(EXIT_SKIP);
	if (send_fd(socket, (int)listener))
		_exit(1);
	close((int)listener);
	execv("/proc/self/exe", (char *const *)(uintptr_t)args);
	_exit(127);
}

/* Answer for the child until it ends. Return: how many calls were refused. */
static long answer(int listener, pid_t pid, long from)
{
	struct seccomp_notif request;
	struct seccomp_notif_resp response;
	long seen = 0, refusals = 0;

	for (;;) {
		memset(&request, 0, sizeof(request));
		/* ENOENT: interrupted, or the child is gone. */
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request)) {
			siginfo_t info = {0};

			CHECK(errno == ENOENT || errno == EINTR);
			CHECK(!waitid(P_PID, (id_t)pid, &info,
				      WEXITED | WNOHANG | WNOWAIT));
			if (info.si_pid)
				return refusals;
			continue;
		}
		memset(&response, 0, sizeof(response));
		response.id = request.id;
		response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		if (is_librarys((pid_t)request.pid,
				request.data.instruction_pointer) &&
		    ++seen >= from) {
			response.flags = 0;
			response.error = -ENOMEM;
			refusals++;
		}
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response))
			CHECK(errno == ENOENT);
	}
}

/*
 * The watched program. With no memory at all it cannot do much, but each call
 * must return, NULL with ENOMEM or a good block, and exit must be reached.
 */
static int watched(void)
{
	static const size_t sizes[] = {8, 100, 4000, 50000, 500000, 5000000};
	bool complete = true;
	size_t i;
	void *p;

	for (i = 0; i < 100; i++) {
		size_t n = sizes[i % ARRAY_SIZE(sizes)];

		errno = 0;
		p = i % 2 ? malloc(n) : calloc(1, n);
		CHECK(p || errno == ENOMEM);
		complete &= !!p;
		if (!p)
			continue;
		fill(p, n);
		CHECK(check_fill(p, n));
		CHECK(malloc_usable_size(p) >= n);
		if (i % 3)
			free(p);
	}
	malloc_trim(0);
	return complete ? 0 : 3;
}

static void refused_start(void)
{
	enum { MOST = 30 };
	long n, refusals, incomplete = 0;
	int sockets[2], listener, status;
	pid_t pid;

	if (!preloaded())
		test_skip("needs LD_PRELOAD, glibc's own calls cannot be told");
	for (n = 1; n <= MOST; n++) {
		CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
		pid = fork();
		CHECK(pid >= 0);
		if (!pid) {
			watchdog(20);
			close(sockets[0]);
			become_watched(sockets[1]);
		}
		close(sockets[1]);
		listener = receive_fd(sockets[0]);
		close(sockets[0]);
		refusals = answer(listener, pid, n);
		close(listener);
		status = wait_for(pid);
		if (WIFSIGNALED(status) || (WEXITSTATUS(status) & ~3))
			fprintf(stderr, "%ld calls refused, from number %ld\n",
				refusals, n);
		CHECK_MSG(!WIFSIGNALED(status), "killed by signal %d",
			  WTERMSIG(status));
		if (WEXITSTATUS(status) == 3) {
			CHECK(refusals);
			incomplete++;
		} else {
			CHECK_STATUS(status, 0, "program starting up");
		}
		if (!refusals)
			break;
	}
	printf("%ld first calls refused, %ld runs short of memory\n", n - 1,
	       incomplete);
	CHECK_MSG(n > 2 && incomplete, "nothing was refused");
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{"sandbox", sandbox, 60},
		{"sandbox_early", sandbox_early, 60},
		{"refused", refused, 100},
		{"refused_once", refused_once, 100},
		{"refused_start", refused_start, 60},
	};

	if (argc > 1 && !strcmp(argv[1], "sandboxed"))
		return sandboxed_from_main();
	if (argc > 1 && !strcmp(argv[1], "watched"))
		return watched();
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}

#endif
