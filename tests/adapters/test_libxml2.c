/* SPDX-License-Identifier: MIT */
/*
 * test_libxml2.c: libxml2 on a tracked allocator.
 *
 * libxml2 has counting functions of its own, which can be installed instead.
 * A process with those and one with the adapter do the same and tell the same
 * numbers.
 */
#include "trial.h"

#include <portermem/adapt-libxml2.h>

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xpath.h>
#include <string.h>
#include <sys/mman.h>

static const char document[] =
	"<?xml version='1.0'?>\n"
	"<list><item>one</item><item kind='a rather long value of an "
	"attribute'>two &amp; three</item><!-- between -->"
	"<list xmlns:p='urn:p'><p:item>four</p:item></list></list>";

static void be_quiet(void *context, const char *message, ...)
{
	(void)context;
	(void)message;
}

static xmlDocPtr parse(void)
{
	xmlSetGenericErrorFunc(NULL, be_quiet);
	return xmlReadMemory(document, sizeof(document) - 1, "list.xml", NULL,
			     XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
				     XML_PARSE_NODICT);
}

/* How many items are found. */
static int count_items(xmlDocPtr doc)
{
	xmlXPathContextPtr context = xmlXPathNewContext(doc);
	xmlXPathObjectPtr found;
	int count;

	must(context);
	found = xmlXPathEvalExpression((const xmlChar *)"//item", context);
	must(found && found->nodesetval);
	count = found->nodesetval->nodeNr;
	xmlXPathFreeObject(found);
	xmlXPathFreeContext(context);
	return count;
}

/* Written as text, to the last word; 0, or -1 without memory. */
static int write_text(xmlDocPtr doc)
{
	xmlChar *text = NULL;
	int size = 0, result = -1;

	xmlDocDumpMemory(doc, &text, &size);
	must(!text || size == (int)strlen((const char *)text));
	/* What is written without memory is cut short. */
	if (text && strstr((const char *)text, "four</p:item></list></list>"))
		result = 0;
	xmlFree(text);
	return result;
}

/*
 * Left out is what libxml2 2.9.14 does wrongly when memory fails: XPath frees a
 * block twice, and new nodes and properties are forgotten half made.
 */
static bool job(porter_tracked *t)
{
	xmlDocPtr doc = parse();
	bool done = false;

	if (doc) {
		trial_holds(t);
		done = write_text(doc) == 0;
	}
	xmlFreeDoc(doc);
	xmlResetLastError();
	return done;
}

static bool job_with_xpath(porter_tracked *t)
{
	xmlDocPtr doc = parse();

	must(doc);
	must(count_items(doc) == 2);
	xmlFreeDoc(doc);
	return job(t);
}

static void xpath_in_threads(void **state)
{
	static struct adapted xpath = {
		.install = porter_libxml2_install,
		.job = job_with_xpath,
		.shut_down = xmlCleanupParser,
		.rounds = 200,
	};
	void *it = &xpath;

	(void)state;
	trial_threads(&it);
}

/* ---- Beside libxml2's own count ---- */

enum { MOMENTS = 6 };

struct counts {
	int64_t own[MOMENTS], ours[MOMENTS];
};

static void work_and_count(int64_t *counts, int64_t (*count)(void))
{
	xmlDocPtr doc;
	xmlNodePtr node;

	xmlInitParser();
	counts[0] = count();
	doc = parse();
	must(doc);
	counts[1] = count();
	must(count_items(doc) == 2);
	counts[2] = count();
	node = xmlNewChild(xmlDocGetRootElement(doc), NULL,
			   (const xmlChar *)"item", (const xmlChar *)"five");
	must(node &&
	     xmlNewProp(node, (const xmlChar *)"kind", (const xmlChar *)"new"));
	counts[3] = count();
	xmlFreeDoc(doc);
	counts[4] = count();
	xmlCleanupParser();
	counts[5] = count();
}

static int64_t own_count(void)
{
	return xmlMemUsed();
}

static porter_tracked *counting;

static int64_t our_count(void)
{
	return porter_bytes_used(counting);
}

static void count_by_libxml2(void *arg)
{
	struct counts *counts = arg;

	must(xmlMemSetup(xmlMemFree, xmlMemMalloc, xmlMemRealloc,
			 xmlMemoryStrdup) == 0);
	work_and_count(counts->own, own_count);
}

static void count_by_porter(void *arg)
{
	struct counts *counts = arg;

	counting = porter_tracked_new(NULL);
	must(porter_libxml2_install(counting) == 0);
	work_and_count(counts->ours, our_count);
}

static void equals_libxml2s_count(void **state)
{
	struct counts *counts = mmap(NULL, sizeof(*counts),
				     PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(counts != MAP_FAILED);
	run_apart(count_by_libxml2, counts);
	run_apart(count_by_porter, counts);
	for (int i = 0; i < MOMENTS; i++)
		assert_int_equal(counts->ours[i], counts->own[i]);
	assert_true(counts->ours[1] > counts->ours[0]);
	assert_true(counts->ours[3] > counts->ours[1]);
	assert_int_equal(counts->ours[MOMENTS - 1], 0);
	munmap(counts, sizeof(*counts));
}

TEST_APART(other_functions_are_left_alone)
{
	porter_tracked *t = porter_tracked_new(NULL);

	must(xmlMemSetup(xmlMemFree, xmlMemMalloc, xmlMemRealloc,
			 xmlMemoryStrdup) == 0);
	errno = 0;
	must(porter_libxml2_install(t) == -1);
	must(errno == EBUSY);
	xmlFreeDoc(parse());
	must(porter_bytes_used(t) == 0);
	must(xmlMemUsed() > 0);
}

int main(void)
{
	static struct adapted libxml2 = {
		.install = porter_libxml2_install,
		.job = job,
		.shut_down = xmlCleanupParser,
		.rounds = 500,
	};
	static const struct CMUnitTest tests[] = {
		TRIALS_WITH_INSTALL(&libxml2),
		cmocka_unit_test(xpath_in_threads),
		cmocka_unit_test(equals_libxml2s_count),
		cmocka_unit_test(other_functions_are_left_alone),
	};

	return run_all("libxml2 adapter", tests);
}
