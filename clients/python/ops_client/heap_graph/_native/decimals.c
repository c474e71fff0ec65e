/* Numbers as text, for files of JSON. */
#include "native.h"

static size_t
digits_of(uint32_t number)
{
    size_t digits = 1;
    for (uint64_t limit = 10; number >= limit; limit *= 10) {
        digits++;
    }
    return digits;
}

size_t
measure_decimals(const uint32_t *numbers, size_t count)
{
    size_t length = count != 0 ? count - 1 : 0;
    for (size_t i = 0; i < count; i++) {
        length += digits_of(numbers[i]);
    }
    return length;
}

void
write_decimals(const uint32_t *numbers, size_t count, char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (i != 0) {
            *text++ = ',';
        }
        uint32_t number = numbers[i];
        const size_t digits = digits_of(number);
        for (size_t place = digits; place-- > 0; number /= 10) {
            text[place] = (char)('0' + number % 10);
        }
        text += digits;
    }
}
