/*  errno after a success: what it was before the call, or 0 if the call has
    waited. */

#ifndef QUIET_H
#define QUIET_H

#include "check.h"

/*  No call leaves this behind, nor what other coroutines do. */
#define UNTOUCHED 7777
#define OF_OTHERS 8888

/*  The call succeeds and has waited. */
#define WAITS(expr) \
    __extension__({ \
        errno = UNTOUCHED; \
        long long rc_ = (long long)(expr); \
        int err_ = errno; \
        check_ok(HERE, #expr, rc_, err_); \
        if(rc_ >= 0) check_int(HERE, "errno after " #expr, err_, 0); \
        (int)rc_; \
    })

/*  The call succeeds and has not waited. A call lets others run if its
    coroutine has been running for long, as it may on a busy machine; then 0 is
    right, and *excused is set: the test is to be tried again. */
#define QUIET(expr, excused) \
    __extension__({ \
        errno = UNTOUCHED; \
        long long rc_ = (long long)(expr); \
        int err_ = errno; \
        check_ok(HERE, #expr, rc_, err_); \
        if(rc_ >= 0 && err_ == 0) *(excused) = 1; \
        else if(rc_ >= 0) \
            check_int(HERE, "errno after " #expr, err_, UNTOUCHED); \
        (int)rc_; \
    })

/*  Whatever the call needs. */
#define SUCCEEDS(expr) \
    __extension__({ \
        int excused_; \
        QUIET(expr, &excused_); \
    })

/*  Tries a test until nothing in it was excused. */
#define TRIES 100
#define TRY_QUIETLY(fn) \
    do { \
        int left_ = TRIES; \
        int excused_; \
        do { \
            excused_ = 0; \
            yield(); \
            fn(&excused_); \
        } while(excused_ && --left_ && !check_failed()); \
        if(!left_) check_fail(HERE, "%s: a call that need not wait waits", #fn); \
    } while(0)

#endif
