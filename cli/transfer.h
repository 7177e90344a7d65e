/*
 * cli/transfer.h - what import and export share.
 */
#ifndef HQ_CLI_TRANSFER_H
#define HQ_CLI_TRANSFER_H

#include "cli.h"
#include "domain/coordination/import.h"

/* Beside coordination/ and state/: {"format", "version", "store", "complete"}. */
#define HQ_EXPORT_MARK "export.json"

struct hq_transfer {
	struct json_object *rows; /* [{path, reason}]: what was left out */
	struct hq_progress progress;
};

/* Ports of a struct hq_coord_watch; arg: struct hq_transfer. */
void hq_cli_report(void *arg, const char *path, const char *reason);
void hq_cli_step(void *arg, size_t done, size_t total);

void hq_cli_put_counts(struct json_object *o, const struct hq_coord_counts *n);

#endif /* HQ_CLI_TRANSFER_H */
