#ifndef LIBDILL_WSX_H_INCLUDED
#define LIBDILL_WSX_H_INCLUDED
#include <libdill_ws.h>
struct ws_opts;
int dill_ws_connect(const char *url, const struct ws_opts *opts, int64_t deadline);
int dill_ws_proxy(int s, const char *authority, const char *const *fields, int64_t deadline);
int dill_ws_request(int s, int64_t deadline);
ssize_t dill_ws_field(int r, const char *name, int nth, char *buf, size_t len);
ssize_t dill_ws_headfield(const char *head, const char *name, int nth, char *buf, size_t len);
int dill_ws_accept(int r, const struct ws_opts *opts, int64_t deadline);
int dill_ws_respond(int r, int status, const char *const *fields, const void *body, size_t len, int64_t deadline);
#define ws_connect dill_ws_connect
#define ws_proxy dill_ws_proxy
#define ws_request dill_ws_request
#define ws_field dill_ws_field
#define ws_headfield dill_ws_headfield
#define ws_accept dill_ws_accept
#define ws_respond dill_ws_respond
#endif
