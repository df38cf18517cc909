/* SPDX-License-Identifier: MIT */
/*
 * dlopen_host.c: a program that does not link the library, and loads plugins
 * that do.
 *
 *	cycle PLUGIN TIMES	opens and closes it so often, while threads
 *				that have counted in it live on and end later
 *	fill PLUGIN FOLDER	fills the static thread-local storage with
 *				copies of filler modules, 64-*.so and 8-*.so,
 *				but for the 8 bytes that the plugin will need
 *
 * Says what is wrong, and nothing else; figures in lines that begin with "#".
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { THREADS = 3, WARM_UP = 50 };

struct plugin {
	void *handle;
	void *(*allocate)(unsigned long size);
	void (*free)(void *block, unsigned long size);
	long long (*bytes)(void);
	long long (*allocations)(void);
};

static int wrong;

static void complain(const char *what, long long found, long long expected)
{
	printf("%s: %lld, expected %lld\n", what, found, expected);
	wrong = 1;
}

static void find(void *handle, const char *name, void *function)
{
	void *symbol = dlsym(handle, name);

	if (!symbol) {
		printf("%s is not there\n", name);
		exit(1);
	}
	memcpy(function, &symbol, sizeof(symbol));
}

static struct plugin open_plugin(const char *file)
{
	struct plugin p = { .handle = dlopen(file, RTLD_NOW | RTLD_LOCAL) };

	if (!p.handle) {
		printf("%s\n", dlerror());
		exit(1);
	}
	find(p.handle, "plugin_allocate", &p.allocate);
	find(p.handle, "plugin_free", &p.free);
	find(p.handle, "plugin_bytes", &p.bytes);
	find(p.handle, "plugin_allocations", &p.allocations);
	return p;
}

/* ---- Open and close ---- */

static struct {
	struct plugin plugin;
	pthread_barrier_t counted, closed;
} cycle;

/* Counts in the plugin, and ends when it is closed. */
static void *outlive_the_plugin(void *unused)
{
	void *block = cycle.plugin.allocate(100);

	(void)unused;
	cycle.plugin.free(cycle.plugin.allocate(50), 50);
	cycle.plugin.free(block, 100);
	cycle.plugin.bytes(); /* Registers the thread with liburcu, too. */
	pthread_barrier_wait(&cycle.counted);
	pthread_barrier_wait(&cycle.closed);
	return NULL;
}

static void open_and_close(const char *file)
{
	pthread_t threads[THREADS];

	cycle.plugin = open_plugin(file);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, outlive_the_plugin, NULL);
	cycle.plugin.free(cycle.plugin.allocate(10), 10);
	pthread_barrier_wait(&cycle.counted);
	if (cycle.plugin.bytes() != 0)
		complain("bytes in use", cycle.plugin.bytes(), 0);
	dlclose(cycle.plugin.handle);
	pthread_barrier_wait(&cycle.closed);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static long lines_of_maps(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	long lines = 0;
	int c;

	while (maps && (c = getc(maps)) != EOF)
		lines += c == '\n';
	if (maps)
		fclose(maps);
	return lines;
}

static long resident_pages(void)
{
	FILE *statm = fopen("/proc/self/statm", "r");
	long size, resident = 0;

	if (!statm || fscanf(statm, "%ld %ld", &size, &resident) != 2)
		resident = 0;
	if (statm)
		fclose(statm);
	return resident;
}

static void cycles(const char *file, int times)
{
	long maps = 0, pages = 0;

	pthread_barrier_init(&cycle.counted, NULL, THREADS + 1);
	pthread_barrier_init(&cycle.closed, NULL, THREADS + 1);
	for (int i = 0; i < times + WARM_UP; i++) {
		if (i == WARM_UP) {
			maps = lines_of_maps();
			pages = resident_pages();
		}
		open_and_close(file);
	}
	printf("# %d times: mappings %ld -> %ld, resident pages %ld -> %ld\n",
	       times, maps, lines_of_maps(), pages, resident_pages());
	/* One page for each 10 times would be a leak; a tool has its own. */
	if (!getenv("PORTER_TEST_TOOL")) {
		if (lines_of_maps() > maps + 4)
			complain("mappings", lines_of_maps(), maps);
		if (resident_pages() > pages + 16 + times / 10)
			complain("resident pages", resident_pages(), pages);
	}
	/* The library stays, with what it has counted. */
	cycle.plugin = open_plugin(file);
	if (cycle.plugin.allocations() !=
	    (long long)(times + WARM_UP) * (2 * THREADS + 1))
		complain("allocations", cycle.plugin.allocations(),
			 (long long)(times + WARM_UP) * (2 * THREADS + 1));
	dlclose(cycle.plugin.handle);
}

/* ---- Static thread-local storage ---- */

/* Opens FOLDER/SIZE-0.so, SIZE-1.so, ... until one fails; how many did. */
static int fill(const char *folder, int size, int most, void **last)
{
	char name[4096];
	void *handle;
	int n;

	for (n = 0; n < most; n++) {
		snprintf(name, sizeof(name), "%s/%d-%d.so", folder, size, n);
		if (access(name, R_OK) != 0) {
			printf("%s is not there: too few copies\n", name);
			exit(1);
		}
		handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
		if (!handle)
			break;
		*last = handle;
	}
	return n;
}

static void *touch(void *plugin)
{
	const struct plugin *p = plugin;

	p->free(p->allocate(10), 10);
	return NULL;
}

static void fill_and_open(const char *file, const char *folder)
{
	void *last = NULL, *extra = NULL;
	int large = fill(folder, 64, 1000, &last);
	int small = fill(folder, 8, 1000, &last);
	struct plugin plugin;
	pthread_t thread;

	if (!last) {
		printf("no filler was loaded: %s\n", dlerror());
		exit(1);
	}
	printf("# full with %d modules of 64 bytes and %d of 8\n", large,
	       small);
	if (small == 0)
		complain("modules of 8 bytes", small, 1);
	/* The last of 8 bytes makes room for the plugin's library. */
	dlclose(last);
	plugin = open_plugin(file);
	pthread_create(&thread, NULL, touch, &plugin);
	pthread_join(thread, NULL);
	touch(&plugin);
	if (plugin.allocations() != 2 || plugin.bytes() != 0)
		complain("allocations", plugin.allocations(), 2);
	/* And now it is full again. */
	if (fill(folder, 8, small, &extra) > small - 1)
		complain("8 bytes left", 1, 0);
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "cycle") == 0)
		cycles(argv[2], atoi(argv[3]));
	else if (argc == 4 && strcmp(argv[1], "fill") == 0)
		fill_and_open(argv[2], argv[3]);
	else
		wrong = 2;
	return wrong;
}
