/* files.c: reads small text files of the system. */
#ifndef OPS_WALKER_FILES_H
#define OPS_WALKER_FILES_H

#include "walker.h"

#define FILE_ROOM 4096

/* Reads the beginning of a file as a string. Returns whether any bytes were read. */
int file_read(const char *path, char *room);
/* The number at the beginning of a text, after blanks. */
uint64_t number_at(const char *text);
/* The number after a name at the beginning of a line; 0 if there is none. */
uint64_t field_of(const char *text, const char *name);

#endif
