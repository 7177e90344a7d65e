/*
 * base/asan.h - for lib/base only: HQ_ASAN is 1 where AddressSanitizer is at
 * work, else 0, and what it is told costs nothing.
 */
#ifndef HQ_BASE_ASAN_H
#define HQ_BASE_ASAN_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HQ_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define HQ_ASAN 1
#endif

#ifdef HQ_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#else
#define HQ_ASAN 0
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

#endif /* HQ_BASE_ASAN_H */
