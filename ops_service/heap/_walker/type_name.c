/* Names of types, as in source code. */
#include "type_name.h"

#include <string.h>

#define FILE_NAME_MAX (1u << 16)

PyObject *
type_namespace_value(PyTypeObject *type, const char *wanted)
{
    PyObject *dict = layout_type_dict(type);
    if (dict == NULL || !PyDict_Check(dict))
        return NULL;
    PyDictObject *namespace = (PyDictObject *)dict;
    size_t length = strlen(wanted);
    Py_ssize_t count = layout_keys_count(namespace->ma_keys);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *key, *value;
        layout_dict_entry(namespace, i, &key, &value);
        if (value == NULL || !PyUnicode_Check(key))
            continue;
        PyASCIIObject *string = (PyASCIIObject *)key;
        if (string->state.compact && string->state.ascii &&
            (size_t)string->length == length && memcmp(string + 1, wanted, length) == 0)
            return value;
    }
    return NULL;
}

int
type_text(PyObject *object, const char **text, size_t *length)
{
    if (object == NULL || !PyUnicode_Check(object))
        return 0;
    PyASCIIObject *string = (PyASCIIObject *)object;
    if (!string->state.compact)
        return 0;
    if (string->state.ascii) {
        *text = (const char *)(string + 1);
        *length = (size_t)string->length;
        return 1;
    }
    PyCompactUnicodeObject *compact = (PyCompactUnicodeObject *)object;
    if (compact->utf8 == NULL)
        return 0;
    *text = compact->utf8;
    *length = (size_t)compact->utf8_length;
    return 1;
}

int
type_file_text(layout_file file, const char **text, size_t *length)
{
    const char *characters = layout_file_characters(file);
    if (characters == NULL)
        return type_text(layout_file_object(file), text, length);
    *text = characters;
    *length = strnlen(characters, FILE_NAME_MAX);
    return 1;
}

void
type_name(PyTypeObject *type, const char **module, size_t *module_length, const char **name,
          size_t *name_length)
{
    *module = "";
    *module_length = 0;
    const char *full = type->tp_name != NULL ? type->tp_name : "?";
    const char *dot = strrchr(full, '.');
    *name = dot != NULL ? dot + 1 : full;
    *name_length = strlen(*name);
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        type_text(((PyHeapTypeObject *)type)->ht_qualname, name, name_length);
        PyObject *value = type_namespace_value(type, "__module__");
        if (!type_text(value, module, module_length) && dot != NULL) {
            *module = full;
            *module_length = (size_t)(dot - full);
        }
    }
    else if (dot != NULL) {
        *module = full;
        *module_length = (size_t)(dot - full);
    }
    if (*module_length == 8 && memcmp(*module, "builtins", 8) == 0)
        *module_length = 0;
}
