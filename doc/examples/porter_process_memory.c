/* SPDX-License-Identifier: MIT */
#include <portermem/portermem.h>
#include <inttypes.h>
#include <stdio.h>

int main(void)
{
	struct porter_process_usage m = PORTER_PROCESS_USAGE_INIT;

	if (porter_process_memory(&m) != 0)
		return 1;
	printf("resident: %" PRId64 " bytes\n", m.resident);
	if (m.cgroup_max >= 0 && m.cgroup_max != INT64_MAX)
		printf("cgroup: %" PRId64 " of %" PRId64 " bytes\n",
		       m.cgroup_current, m.cgroup_max);
	return 0;
}
