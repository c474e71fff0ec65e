/* Memory of the walk, and its output.
 *
 * A thread that does not exist in the child may have locked the heap of the C
 * library. So all memory is mapped from the system.
 */
#include "memory.h"

#include "bounds.h"
#include "child_end.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PIECES (128u << 10)
#define POLL_MS 100

static void
count_mapped(Walk *walk, size_t size)
{
    Shared *shared = walk->shared;
    shared->mapped_now += size;
    if (shared->mapped_now > shared->mapped_peak)
        shared->mapped_peak = shared->mapped_now;
    if (shared->mapped_now > walk->settings->bounds.mapped)
        child_end(shared, STATUS_MEMORY_BOUND, 0);
}

void *
memory_map(Walk *walk, size_t size)
{
    void *address = mmap(NULL, size, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (address == MAP_FAILED)
        child_end(walk->shared, STATUS_OUT_OF_MEMORY, errno);
    count_mapped(walk, size);
    return address;
}

void *
memory_grow(Walk *walk, void *address, size_t size, size_t new_size)
{
    void *grown = mremap(address, size, new_size, MREMAP_MAYMOVE);
    if (grown == MAP_FAILED)
        child_end(walk->shared, STATUS_OUT_OF_MEMORY, errno);
    count_mapped(walk, new_size - size);
    return grown;
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
buffer_room(Walk *walk, Buffer *buffer, size_t length)
{
    if (length <= buffer->capacity - buffer->length)
        return;
    Buffer old = *buffer;
    size_t capacity = old.capacity;
    while (capacity - old.length < length)
        capacity *= 2;
    buffer->data = memory_map(walk, capacity);
    buffer->capacity = capacity;
    memcpy(buffer->data, old.data, old.length);
    memory_unmap(walk, old.data, old.capacity);
}

void
buffer_bytes(Walk *walk, Buffer *buffer, const void *data, size_t length)
{
    if (length > buffer->capacity - buffer->length)
        child_end(walk->shared, STATUS_CORRUPT, 0);
    memcpy(buffer->data + buffer->length, data, length);
    buffer->length += length;
}

/* Removes the bytes that were written from the beginning of the parts. Returns the
 * first part that is left. */
static int
take_written(struct iovec *parts, int first, int count, size_t written)
{
    while (first < count && written >= parts[first].iov_len) {
        written -= parts[first].iov_len;
        first++;
    }
    if (first < count) {
        parts[first].iov_base = (uint8_t *)parts[first].iov_base + written;
        parts[first].iov_len -= written;
    }
    return first;
}

void
output_write_parts(Walk *walk, struct iovec *parts, int count)
{
    int fd = walk->settings->output;
    int first = take_written(parts, 0, count, 0);
    while (first < count) {
        ssize_t written = writev(fd, parts + first, count - first);
        if (written >= 0) {
            first = take_written(parts, first, count, (size_t)written);
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN) {
            Status status = errno == EPIPE ? STATUS_READER_GONE : STATUS_OUTPUT_FAILED;
            child_end(walk->shared, status, errno);
        }
        /* The reader is slow. Other children of the host may hold a copy of the
         * pipe's other end, so the pipe does not always show a dead parent. */
        struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
        poll(&poll_fd, 1, POLL_MS);
        bounds_check(walk);
    }
}

void
output_write(Walk *walk, const void *data, size_t length)
{
    struct iovec part = {.iov_base = (void *)data, .iov_len = length};
    output_write_parts(walk, &part, 1);
}
