/* SPDX-License-Identifier: MIT */
/* libxml2.c: how much a document takes once it is parsed. */
#include <portermem/adapt-libxml2.h>
#include <portermem/portermem.h>

#include <inttypes.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdio.h>

static void tell(const char *when, const porter_tracked *t)
{
	printf("%-18s %8" PRId64 "\n", when, porter_bytes_used(t));
}

int main(void)
{
	static const char text[] = "<list><item kind='a'>one</item></list>";
	porter_tracked *t = porter_tracked_new(NULL);
	xmlDocPtr doc;
	int64_t leaked;

	if (!t || porter_libxml2_install(t) != 0) {
		perror("libxml2");
		return 1;
	}
	printf("%-18s %8s\n", "", "bytes");
	xmlInitParser();
	tell("initialized", t);
	doc = xmlReadMemory(text, sizeof(text) - 1, "list.xml", NULL, 0);
	if (!doc)
		return 1;
	tell("one item", t);
	for (int i = 0; i < 1000; i++)
		xmlNewChild(xmlDocGetRootElement(doc), NULL,
			    (const xmlChar *)"item", (const xmlChar *)"more");
	tell("1000 more", t);
	xmlFreeDoc(doc);
	tell("document freed", t);
	xmlCleanupParser();
	tell("cleaned up", t);
	return porter_tracked_destroy(t, &leaked) == 0 && leaked == 0 ? 0 : 1;
}
