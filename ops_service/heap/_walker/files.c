/* Reads small text files of the system without the C library's streams. */
#include "files.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int
file_read(const char *path, char *room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t length = read(fd, room, FILE_ROOM - 1);
    close(fd);
    if (length <= 0)
        return 0;
    room[length] = 0;
    return 1;
}

uint64_t
number_at(const char *text)
{
    uint64_t value = 0;
    while (*text == ' ')
        text++;
    for (; *text >= '0' && *text <= '9'; text++)
        value = value * 10 + (uint64_t)(*text - '0');
    return value;
}

uint64_t
field_of(const char *text, const char *name)
{
    size_t length = strlen(name);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        if (*line == '\n')
            line++;
        if (strncmp(line, name, length) == 0 && (line[length] == ' ' || line[length] == ':'))
            return number_at(line + length + 1);
    }
    return 0;
}
