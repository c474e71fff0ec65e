/* files.c: small text files of the system. */
#ifndef OPS_WALKER_FILES_H
#define OPS_WALKER_FILES_H

#include "walker.h"

#define FILE_ROOM 4096

/* Reads the beginning of a file as a string; whether there was any. */
int file_read(const char *path, char *room);
/* The number that a text begins with, blanks aside. */
uint64_t number_at(const char *text);
/* The number behind a name at the beginning of a line; 0 without one. */
uint64_t field_of(const char *text, const char *name);

#endif
