/* Memory of the walk, and its output.
 *
 * The heap of the C library may be locked by a thread that does not exist in
 * the child, so all memory is mapped from the system.
 */
#include "walker.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PIECES (1u << 20)
#define POLL_MS 100

void *
memory_map(Walk *walk, size_t size)
{
    void *address = mmap(NULL, size, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (address == MAP_FAILED)
        child_end(walk->shared, STATUS_OUT_OF_MEMORY, errno);
    Shared *shared = walk->shared;
    shared->mapped_now += size;
    if (shared->mapped_now > shared->mapped_peak)
        shared->mapped_peak = shared->mapped_now;
    if (shared->mapped_now > walk->settings->memory_limit)
        child_end(shared, STATUS_MEMORY_BOUND, 0);
    return address;
}

void
memory_unmap(Walk *walk, void *address, size_t size)
{
    munmap(address, size);
    walk->shared->mapped_now -= size;
}

void *
memory_piece(Walk *walk, size_t size)
{
    size = (size + 15) & ~(size_t)15;
    if (size > PIECES / 4)
        return memory_map(walk, size);
    if (size > walk->piece_left) {
        walk->piece = memory_map(walk, PIECES);
        walk->piece_left = PIECES;
    }
    void *piece = walk->piece;
    walk->piece += size;
    walk->piece_left -= size;
    return piece;
}

void
buffer_open(Walk *walk, Buffer *buffer, size_t capacity)
{
    buffer->data = memory_map(walk, capacity);
    buffer->length = 0;
    buffer->capacity = capacity;
}

void
buffer_bytes(Walk *walk, Buffer *buffer, const void *data, size_t length)
{
    if (length > buffer->capacity - buffer->length)
        child_end(walk->shared, STATUS_CORRUPT, 0);
    memcpy(buffer->data + buffer->length, data, length);
    buffer->length += length;
}

void
output_write(Walk *walk, const void *data, size_t length)
{
    const uint8_t *from = data;
    int fd = walk->settings->output;
    while (length > 0) {
        ssize_t written = write(fd, from, length);
        if (written >= 0) {
            from += written;
            length -= (size_t)written;
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN) {
            Status status = errno == EPIPE ? STATUS_READER_GONE : STATUS_OUTPUT_FAILED;
            child_end(walk->shared, status, errno);
        }
        /* The reader is slow. Other children of the host may hold a copy of the
         * pipe's other end, so a dead parent does not always show there. */
        struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
        poll(&poll_fd, 1, POLL_MS);
        bounds_check(walk);
    }
}
