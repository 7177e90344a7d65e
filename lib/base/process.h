/*
 * base/process.h - what a program asks of its process before it starts.
 */
#ifndef HQ_BASE_PROCESS_H
#define HQ_BASE_PROCESS_H

enum { HQ_STACK_BYTES = 64 << 20 };

/*
 * Let the main thread's stack grow to HQ_STACK_BYTES (or to the hard limit if
 * that is less).  Values as deep as HQ_JSON_DEPTH_MAX are written and freed by
 * recursion, which the usual 8 MiB would not hold.  Call first thing in main.
 */
void hq_process_stack(void);

#endif /* HQ_BASE_PROCESS_H */
