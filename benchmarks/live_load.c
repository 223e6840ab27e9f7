/* Does one thing many times and prints how long each took: what watching costs those who are watched. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void open_and_close(const char *path)
{
	int fd = open(path, O_RDONLY);
	if (fd >= 0)
		close(fd);
}

/* So many a second, in small groups, so that the rate is steady. */
static void at_rate(const char *path, long count, double rate)
{
	double start = now();
	for (long i = 0; i < count; i++) {
		open_and_close(path);
		if (i % 64 == 63)
			while (now() - start < (i + 1) / rate)
				;
	}
}

static void fork_and_exec(void)
{
	char *argv[] = {"/bin/true", NULL};
	pid_t pid = fork();
	if (pid == 0) {
		execv(argv[0], argv);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	long count = atol(argv[2]);
	double start = now();
	if (!strcmp(argv[1], "getppid"))
		for (long i = 0; i < count; i++)
			syscall(SYS_getppid);
	else if (!strcmp(argv[1], "open"))
		for (long i = 0; i < count; i++)
			open_and_close(argv[3]);
	else if (!strcmp(argv[1], "exec"))
		for (long i = 0; i < count; i++)
			fork_and_exec();
	else if (!strcmp(argv[1], "rate") && argc > 4)
		at_rate(argv[3], count, atof(argv[4]));
	printf("%.1f\n", (now() - start) / count * 1e9);
	return 0;
}
