/*  Certificates for tests, which certificates.sh makes. */

#ifndef CERTIFICATES_H
#define CERTIFICATES_H

/*  The path of one of its files. It runs when the first one is needed; from then
    on its authority is trusted instead of the system's. */
const char *certificate(const char *name);
/*  Has it make those with large keys too. */
void large_certificates(void);

#endif
