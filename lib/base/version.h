/* base/version.h - the release, as every program reports it. */
#ifndef HQ_BASE_VERSION_H
#define HQ_BASE_VERSION_H

#define HQ_VERSION "0.1.0"

#endif /* HQ_BASE_VERSION_H */
