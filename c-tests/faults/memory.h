/*  Memory that runs out: any allocation of libdill_ws, by its number, can be
    made to fail. The program is linked so that its malloc and the like come
    here first. */

#ifndef FAULT_MEMORY_H
#define FAULT_MEMORY_H

/*  From now on, count; let the n-th allocation (from 1) fail, 0: none. */
void memory_fail(int n);
/*  No longer. How many there were. */
int memory_stop(void);

#endif
