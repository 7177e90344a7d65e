/*
 * base/process.h - what a program asks of the kernel for its own process.
 */
#ifndef HQ_BASE_PROCESS_H
#define HQ_BASE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

enum { HQ_STACK_BYTES = 64 << 20 };

/*
 * Let the main thread's stack grow to HQ_STACK_BYTES (or to the hard limit if
 * that is less).  Values as deep as HQ_JSON_DEPTH_MAX are written and freed by
 * recursion, which the usual 8 MiB would not hold.  Call first thing in main.
 */
void hq_process_stack(void);

/*
 * Bound the memory that this process has for itself, its stack apart; from then
 * on an allocation beyond it fails.  Does nothing in a sanitized program, whose
 * shadow alone is larger.  False if it cannot be set.
 */
bool hq_process_memory(int64_t bytes);

/*
 * Have the kernel kill this process in ms, whatever it does until then and
 * whatever signals it blocks; 0: not any more.
 */
void hq_process_watchdog(int64_t ms);

#endif /* HQ_BASE_PROCESS_H */
