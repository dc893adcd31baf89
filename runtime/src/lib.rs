//! `libdill_rt`: a runtime compatible with libdill, for programs written against `<libdill.h>`.
